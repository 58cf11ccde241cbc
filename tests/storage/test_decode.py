"""Text from files as plain values: what comes back is bounded, and all else is one clear error."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.config.training import TrainConfig, config_from_toml
from molgraph.errors import InputError
from molgraph.rank.profile import parse_profile, read_profile
from molgraph.results.tasks import TaskSpec
from molgraph.storage.decode import MOST_DEPTH, decode_json, decode_toml, is_number, read_bounded

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_json_that_python_writes_comes_back(value):
    # Infinite numbers are a choice of their own.
    assert decode_json(json.dumps(value).encode(), allows_nonfinite=True) == value


@given(st.binary(max_size=60) | st.text(alphabet='[]{}",:0123456789.eE+-\\udtrue\n=', max_size=60).map(str.encode))
def test_any_bytes_are_values_or_one_error(content):
    for decode in (decode_json, decode_toml):
        message = ""
        try:
            str(decode(content)).encode()
        except InputError as error:
            message = str(error)
        assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 100_000, "nested more than"),
        (b'{"a":' * 50_000, "nested more than"),
        (b"[" * (MOST_DEPTH + 1) + b"]" * (MOST_DEPTH + 1), "nested more than"),
        (b"9" * 5000, "more than 64 bits"),
        (b"18446744073709551616", "more than 64 bits"),
        (b"-9223372036854775809", "more than 64 bits"),
        (b"1e400", "too large"),
        (b"NaN", "NaN is no value"),
        (b"[-Infinity]", "-Infinity is no value"),
        (b'{"a": 1, "b": 2, "a": 3}', "'a' comes more than once"),
        (b'"\\ud800"', "half of a character"),
        (b'{"\\uDFFF": 1}', "half of a character"),
        (b'"\xff"', "no UTF-8"),
        (b"", "no JSON"),
        (b"1 2", "no JSON"),
    ],
)
def test_json_beyond_the_bounds(content, words):
    with pytest.raises(InputError, match=words):
        decode_json(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = " + b"[" * 3000, "nested more than"),
        (b"a" + b".a" * 3000 + b" = 1", "nested more than"),
        (b"a." * 100_000 + b"a = 1", "nested more than"),
        (b"[" + b'x."y" . ' * 5000 + b"a]", "nested more than"),
        (b"a" * 500_000, "Expected '='"),
        (b"a = " + b"9" * 5000, "more digits"),
        (b"a = " + b"9" * 30, "more than 64 bits"),
        (b"a = 0x" + b"f" * 20, "more than 64 bits"),
        (b"a = [1, -inf]", "-inf is no number"),
        (b"a = 1e999", "too large"),
        (b"a = 1\na = 2", "overwrite"),
        (b"\xff = 1", "no UTF-8"),
        (b"a =", "Invalid value"),
    ],
)
def test_toml_beyond_the_bounds(content, words):
    with pytest.raises(InputError, match=words):
        decode_toml(content)


def test_a_byte_order_mark_before_toml():
    assert decode_toml(b"\xef\xbb\xbffolds = 3") == {"folds": 3}


def test_numbers_at_the_bounds():
    assert decode_json(b"[-9223372036854775808, 18446744073709551615, 1e308, -0]") == [-(2**63), 2**64 - 1, 1e308, 0]
    assert [is_number(value) for value in (10**400, math.nan, True, "1", 1, 0.5)] == [False] * 4 + [True] * 2
    assert math.isnan(decode_json(b"NaN", allows_nonfinite=True))


def test_only_ordinary_files_of_some_size_are_read(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bounded(tmp_path / "a", 5) == b"12345"
    with pytest.raises(InputError, match="more than 4 bytes"):
        read_bounded(tmp_path / "a", 4)
    with pytest.raises(InputError, match="not an ordinary file"):
        read_bounded("/dev/zero", 4)
    with pytest.raises(IsADirectoryError):
        read_bounded(tmp_path, 4)


@pytest.mark.parametrize(
    "value", ["[" * 3000, "9" * 5000, "nan", "1e400", "[[]]", "{a=" * 3000, "9999-99-99", '"\\uD800"']
)
@pytest.mark.parametrize("line", ["[optimizer]\npeak_lr = {}", "folds = {}", "seed = {}", "[model]\nhidden = {}"])
def test_settings_of_any_value_are_refused_in_a_line(tmp_path, line, value):
    (tmp_path / "c.toml").write_text(line.format(value))
    with pytest.raises(InputError, match=r"c\.toml"):
        config_from_toml(tmp_path / "c.toml")
    (tmp_path / "c.toml").write_text("folds = 3")
    assert config_from_toml(tmp_path / "c.toml") == TrainConfig(folds=3)


@pytest.mark.parametrize("value", [[], {}, 10**400, math.inf, True, "x", None, [1]])
@pytest.mark.parametrize("key", ["task", "curve", "low", "high", "weight"])
def test_objectives_of_any_value_are_refused_in_a_line(key, value):
    objective = {"task": "y", "curve": "sigmoid", "low": 1, "high": 2, key: value}
    with pytest.raises(InputError, match="objective"):
        parse_profile({"objective": [objective]}, [TaskSpec("y", "regression")])


def test_a_profile_that_is_no_file_or_has_no_end(tmp_path):
    (tmp_path / "p.toml").write_bytes(b"a = 1\n" * 200_000)
    for path, words in [(tmp_path / "p.toml", "more than"), (tmp_path, "cannot be read"), ("/dev/zero", "ordinary")]:
        with pytest.raises(InputError, match=words):
            read_profile(path, [TaskSpec("y", "regression")], level=0.9)
