import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.files.stream_progress import StreamProgress
from molgraph_cli.progress import json_lines, line_writer
from molgraph_cli.text import aligned, printable, show_json, show_table, significant


@given(st.text())
def test_printable_is_one_line_without_control_characters(text):
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) <= len(text)
    assert printable(shown) == shown


def test_printable_keeps_letters_and_indents():
    assert printable("  Ä β ± name\n   and more") == "  Ä β ± name and more"
    assert printable("a\x1b[2Jb\u202ec\udcffd\te") == "a?[2Jb?c?d?e"


@given(st.lists(st.lists(st.text(max_size=40), min_size=3, max_size=3), min_size=1), st.integers(20, 100))
def test_aligned_loses_no_word(rows, width):
    text = "".join("".join(aligned(rows, right=[1], width=width)).split())
    assert text == "".join("".join(printable(cell) for row in rows for cell in row).split())


def test_aligned_wraps_the_last_column():
    lines = aligned([("name", "esol"), ("beware", "a long text that does not fit into the width given")], width=36)
    assert lines == ["name    esol", "beware  a long text that does not", "        fit into the width given"]


def test_tables_are_not_wrapped_in_a_pipe(capsys):
    show_table([("a", "word " * 100)])
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_json_has_no_nan(capsys):
    @dataclass
    class Value:
        numbers: tuple[float, ...]
        name: str

    show_json({"value": Value((1.0, float("nan"), float("inf")), "\x1b")})
    text = capsys.readouterr().out
    assert json.loads(text) == {"value": {"numbers": [1.0, None, None], "name": "\x1b"}}
    assert "\x1b" not in text


def test_lines_of_progress(capsys):
    now = 0.0
    update = line_writer("train", clock=lambda: now)
    update(500, 2000, 500, "member 2")  # a resumed run starts with what was done before
    now = 4.0
    update(540, 2000, 540, "member 2")
    assert capsys.readouterr().err == ""
    now = 10.0
    update(600, 2000, 600, "member 2")
    assert capsys.readouterr().err == "train: 30%, member 2, 10 mol/s, 2:20 left\n"
    now = 30.0
    update(800, 2000, 800, "member 2")
    assert capsys.readouterr().err == ""
    now = 50.0
    update(1000, 2000, 1000, "member 2")
    assert capsys.readouterr().err == "train: 50%, member 2, 10 mol/s, 1:40 left\n"
    now = 90.0
    update(1100, None, 1100, "member 3")
    assert capsys.readouterr().err == "train: member 3, 7 mol/s\n"


def test_a_rate_of_the_last_seconds(capsys):
    now = 0.0
    update = line_writer("screen", window=15.0, clock=lambda: now)
    for now in range(41):  # one process until the 10th second, then two
        update(min(now, 10) * 10 + max(now - 10, 0) * 20, 2000, min(now, 10) * 10 + max(now - 10, 0) * 20, "rows")
    assert capsys.readouterr().err.splitlines() == [
        "screen: 5%, rows, 10 mol/s, 3:10 left",
        "screen: 35%, rows, 20 mol/s, 1:05 left",
    ]


def test_progress_for_programs(capsys):
    now = 0.0
    with json_lines("screen", clock=lambda: now) as listen:
        for moment, rows in ((0.0, 100), (0.5, 200), (2.0, 300)):
            now = moment
            listen(StreamProgress(rows, rejected=3, bytes_read=10 * rows, bytes_total=4000))
    first, *lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (first["rows"], first["fraction"], first["seconds_left"], first["done"]) == (0, 0.0, None, False)
    last = {"command": "screen", "rows": 300, "rejected": 3, "molecules_per_second": 100.0}
    assert lines[0] == {**last, "fraction": 0.75, "seconds_left": 1.0, "done": False}
    assert lines[1:] == [{**last, "fraction": 1.0, "seconds_left": 0.0, "done": True}]
    with json_lines("screen") as listen:
        listen(StreamProgress(1, 0, 5, None))
    assert [json.loads(line)["fraction"] for line in capsys.readouterr().err.splitlines()] == [0.0, 1.0]


def test_what_comes_after_the_rows_counts(capsys):
    now = 0.0
    with json_lines("screen", clock=lambda: now) as listen:
        for moment, rows in ((0.0, 100), (2.0, 300)):
            now = moment
            listen(StreamProgress(rows, 0, bytes_read=10 * rows, bytes_total=4000, seconds_after=3.0))
    _, line, _ = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (line["fraction"], line["seconds_left"]) == (round(3000 / 7000, 4), 4.0)


def test_progress_that_was_cut_short_is_not_done(capsys):
    def broken():
        with json_lines("screen") as listen:
            listen(StreamProgress(1, 0, 5, 10))
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken()
    assert [json.loads(line)["done"] for line in capsys.readouterr().err.splitlines()] == [False]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0e-05, "1.00e-05"),
        (0.0000999, "9.99e-05"),
        (0.00009999, "0.000100"),
        (0.61, "0.610"),
        (9.999, "10.0"),
        (-0.0481, "-0.0481"),
        (1777.149, "1777"),
        (12_345_678.0, "1.23e+07"),
        (0.0, "0"),
        (float("nan"), "undefined"),
        (None, "undefined"),
        (float("-inf"), "-infinite"),
    ],
)
def test_numbers_are_printed_with_three_significant_digits(value, shown):
    assert significant(value) == shown


@given(st.floats(1e-300, 1e300))
def test_three_digits_are_within_half_a_per_cent(value):
    assert float(significant(value)) == pytest.approx(value, rel=0.0051)
