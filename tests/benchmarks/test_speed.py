"""The comparison is run on stand-ins for both programs, which write what the real ones write."""

import sys

import pytest
import speed
from records import read_record
from speed_cases import Case
from speed_report import report

CHEMPROP = """
import sys, csv, pathlib
if sys.argv[1] == "-c":  # asked for versions, as an interpreter
    print("\\n".join("1.0" for _ in sys.argv[3:]))
    sys.exit()
if sys.argv[1] == "--help":
    sys.exit()
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
if sys.argv[1] == "train":
    pathlib.Path(options["--output-dir"]).mkdir()
else:
    assert pathlib.Path(options["--model-paths"]).is_dir()
    rows = list(csv.DictReader(open(options["--test-path"])))
    pathlib.Path(options["--preds-path"]).write_text("smiles,exp\\n" + "".join(f"{r['smiles']},1.5\\n" for r in rows))
"""
MOLGRAPH = """
import sys, csv, json, pathlib
verb, words = sys.argv[1], sys.argv[2:]
if verb == "--help":
    sys.exit()
out = pathlib.Path(words[words.index("-o") + 1])
if verb == "train":
    out.mkdir()
    sys.exit()
assert pathlib.Path(words[0]).is_dir()
if verb == "screen":
    out.mkdir()
    n_rows = len(open(words[1]).readlines())
    (out / "summary.json").write_text(json.dumps({"rows": {"read": n_rows}}))
else:
    rows = list(csv.DictReader(open(words[1])))
    shift = 0.001 if "bfloat16" in words else 0.0
    out.write_text("smiles,exp_pred\\n" + "".join(f"{r['smiles']},{1.5 + shift}\\n" for r in rows))
"""
GROUPS = ["startup", "train-1", "train-5", "score-1", "score-5", "precision", "memory"]


def program(path, script):
    path.write_text(f"#!{sys.executable} -S\n{script}")
    path.chmod(0o755)
    return path


@pytest.fixture
def run(tmp_path, data_dir, monkeypatch):
    monkeypatch.setenv("MOLGRAPH_DATA", str(data_dir))
    # The versions of this side are those of the environment; here the project need not be installed.
    monkeypatch.setattr(speed, "PACKAGES", ("numpy",))
    program(tmp_path / "python", CHEMPROP)

    def run(groups, chemprop=CHEMPROP, molgraph=MOLGRAPH):
        arguments = ["--quick", "--record", str(tmp_path / "record.json")]
        arguments += ["--chemprop", str(program(tmp_path / "chemprop", chemprop))]
        arguments += ["--molgraph", str(program(tmp_path / "molgraph", molgraph))]
        return speed.main([*arguments, *[word for name in groups for word in ("--only", name)]])

    return run


def test_every_group_gives_a_checked_record(run, tmp_path, capsys):
    assert run(GROUPS) == 0
    record = read_record(tmp_path / "record.json")
    assert record["failed"] == []
    assert set(record["cases"]) == {
        "startup", "train-1", "train-1-memory", "train-5", "train-5-memory",
        "predict-1", "screen-1", "score-1-memory", "predict-5", "screen-5", "score-5-memory",
        "precision", "memory-predict", "memory-predict-growth", "memory-screen", "memory-screen-growth",
    }  # fmt: skip
    assert 0 < record["cases"]["precision"]["figure"] < 0.01
    assert record["cases"]["predict-1"]["target"] == {"at_least": 2.5}
    assert record["cases"]["train-1"]["commands"]["molgraph"].startswith("molgraph train table.csv -o molgraph-model")
    printed = capsys.readouterr().out
    assert all(case["title"] in printed for case in record["cases"].values())


def test_a_side_that_fails_has_no_figures(run, tmp_path, capsys):
    broken = MOLGRAPH.replace('if verb == "screen":', 'if verb == "screen": sys.exit("no such goal")\nif False:')
    assert run(["train-1", "score-1"], molgraph=broken) == 1
    record = read_record(tmp_path / "record.json")
    assert record["failed"] == ["score-1"]
    assert set(record["cases"]) == {"train-1", "train-1-memory"}
    assert "no such goal" in capsys.readouterr().err


def test_a_program_that_skips_rows_has_failed(run, tmp_path, capsys):
    lazy = CHEMPROP.replace("for r in rows", "for r in rows[:-1]")
    assert run(["score-1"], chemprop=lazy) == 1
    assert "299 predictions for 300 rows" in capsys.readouterr().err
    assert not (tmp_path / "record.json").exists()


def test_no_record_without_being_asked(run, tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "RESULTS", tmp_path / "results")
    arguments = ["--quick", "--only", "train-1"]
    arguments += ["--chemprop", str(program(tmp_path / "chemprop", CHEMPROP))]
    arguments += ["--molgraph", str(program(tmp_path / "molgraph", MOLGRAPH))]
    assert speed.main(arguments) == 0
    assert not (tmp_path / "results").exists()


def test_verdicts_and_report():
    def case(figure, **limits):
        return Case("a / b", "s", {"a": [3.0, 9.0, 4.0], "b": [2.0]}, {}, figure, **limits)

    assert case(2.5, at_least=2.5).verdict == "pass"
    assert case(2.4, at_least=2.5).verdict == "miss"
    assert case(0.2, at_most=1 / 3).verdict == "pass"
    assert case(0.4, at_most=1 / 3).verdict == "miss"
    assert case(1.0).verdict == "no target"
    text = report({"x": case(2.0, at_least=2.5)})
    assert "at least 2.5" in text
    assert "miss" in text
    assert "a 4, b 2 s" in text
