"""Stored arrays are of the declared type, shape and range, or refused."""

import numpy as np
import pytest

from molgraph.models.column_models import COLUMN_MODELS
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


def stored(name):
    """A model of two members and one task, as it is stored, with three columns."""
    if name in ("kernel", "latent"):
        rows = np.ones((2, 3), np.uint8 if name == "kernel" else np.int8)
        own = {"coefficients": np.ones((2, 1, 2), np.float32), "centre": np.zeros((2, 1)), "spread": np.ones((2, 1))}
        return {"references": rows, **own} | ({"lengths": np.ones((2, 1))} if name == "latent" else {})
    if name == "forest":
        leaf = {"column": np.array([0, -1, -1], np.int32), "threshold": np.zeros(3, np.float32)}
        children = {"left": np.array([1, 1, 2]), "right": np.array([2, 1, 2]), "value": np.ones(3, np.float32)}
        return {**leaf, **children, "roots": np.zeros((2, 1, 1), np.int64)}
    tree = {"feature": np.zeros((1, 1), np.int32), "border": np.zeros((1, 1), np.float32)}
    tree |= {"leaf": np.ones((1, 2), np.float32), "bias": np.zeros(1)}
    return {f"{member}.0.{key}": array for member in range(2) for key, array in tree.items()}


@pytest.mark.parametrize("name", COLUMN_MODELS)
@pytest.mark.parametrize("change", ["nan", "inf", "type", "axis", "longer", "gone"])
def test_every_learner_refuses_arrays_of_another_kind(name, change):
    good = stored(name)
    model = COLUMN_MODELS[name].from_arrays(good, ("regression",), 2)
    columns = np.ones((4, 3), np.float32)
    assert np.isfinite(model.predict(columns)).all()
    may_be_infinite = {"threshold", "border"}
    for key, array in good.items():
        if change in ("nan", "inf") and (
            array.dtype.kind != "f" or (change == "inf" and key.split(".")[-1] in may_be_infinite)
        ):
            continue
        bad = {
            "nan": lambda array: np.full_like(array, np.nan),
            "inf": lambda array: np.full_like(array, np.inf),
            "type": lambda array: array.astype(np.float16),
            "axis": lambda array: array[None],
            "longer": lambda array: np.concatenate([array, array]),
            "gone": lambda _: None,
        }[change](array)  # fmt: skip
        changed = {**good, key: bad}
        if bad is None:
            del changed[key]
        with pytest.raises(ValueError, match=r"is|has|trees"):
            COLUMN_MODELS[name].from_arrays(changed, ("regression",), 2)
