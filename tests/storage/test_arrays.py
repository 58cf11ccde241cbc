"""Stored arrays are of the declared type, shape and range, or refused."""

import numpy as np
import pytest

from molgraph.storage.arrays import LARGEST, ArraySpec, checked_arrays

SPECS = {
    "a": ArraySpec(np.float32, "MR"),
    "b": ArraySpec(np.int8, "R", lowest=0),
    "c": ArraySpec(np.float64, "M", may_lack=True),
}


def arrays(**changed):
    return {"a": np.zeros((2, 3), np.float32), "b": np.ones(3, np.int8), "c": np.array([1.0, np.nan])} | changed


def test_declared_arrays_are_returned():
    checked = checked_arrays({**arrays(), "more": np.zeros(1)}, SPECS, {"M": 2})
    assert list(checked) == ["a", "b", "c"]
    assert checked_arrays({"p.b": np.ones(1, np.int8)}, {"b": SPECS["b"]}, {}, prefix="p.")["b"].tolist() == [1]
    empty = arrays(a=np.zeros((2, 0), np.float32), b=np.zeros(0, np.int8), c=np.full(2, np.nan))
    assert checked_arrays(empty, SPECS, {"M": 2})["a"].shape == (2, 0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"a": np.zeros((2, 3))}, r"a is float64 \(2, 3\), not float32 \(2, R\)"),
        ({"a": np.zeros((3, 3), np.float32)}, r"a is float32 \(3, 3\), not float32 \(2, 3\)"),
        ({"a": np.zeros(6, np.float32)}, r"a is float32 \(6,\)"),
        ({"b": np.ones(4, np.int8)}, r"b is int8 \(4,\), not int8 \(3\)"),
        ({"b": np.array([0, -1, 0], np.int8)}, "b has entries"),
        ({"a": np.full((2, 3), np.inf, np.float32)}, "a has entries"),
        ({"a": np.full((2, 3), np.nan, np.float32)}, "a has entries"),
        ({"c": np.array([np.inf, np.nan])}, "c has entries"),
        ({"c": np.array([np.nan, -2 * LARGEST])}, "c has entries"),
    ],
)
def test_arrays_that_differ_from_their_specification_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        checked_arrays(arrays(**changed), SPECS, {"M": 2})


def test_a_missing_array_is_named():
    with pytest.raises(ValueError, match="b is missing"):
        checked_arrays({"a": np.zeros((1, 1), np.float32)}, SPECS, {})
