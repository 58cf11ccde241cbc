"""Plain values as dataclasses: what fits, and how pointed the refusals are."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from molgraph.errors import InputError
from molgraph.storage.decode_typed import choices, decode, describe


@dataclass(frozen=True)
class Engine:
    power: float = 1.0
    fuel: Literal["petrol", "diesel"] | None = None

    def __post_init__(self) -> None:
        if self.power <= 0:
            raise InputError(f"power is {self.power:g}; it must be above 0")


@dataclass(frozen=True)
class Car:
    name: str
    wheels: int = 4
    engine: Engine = field(default_factory=Engine)
    owners: tuple[str, ...] = ()
    size: tuple[float, float] | None = None
    trips: tuple[Engine, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)


def refused(values, **options) -> str:
    with pytest.raises(InputError) as caught:
        decode(Car, values, "car.toml", **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_left_out_has_its_default():
    assert decode(Car, {"name": "a"}, "car.toml") == Car("a")
    values = {"name": "a", "engine": {"power": 2}, "size": [1, 2.5], "trips": [{}], "more": {"x": [1]}, "wheels": 3}
    read = decode(Car, values, "car.toml")
    assert read == Car("a", 3, Engine(2.0), (), (1.0, 2.5), (Engine(),), {"x": [1]})
    assert type(read.engine.power) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (3, "car.toml: it is 3; it must be a table with name, wheels, engine"),
        ({}, "car.toml: name is missing; it must be a text"),
        ({"name": 3}, "car.toml: name is 3; it must be a text"),
        ({"name": "a", "wheels": True}, "wheels is True; it must be a whole number"),
        ({"name": "a", "wheels": 4.0}, "wheels is 4.0; it must be a whole number"),
        (
            {"name": "a", "wheel": 4},
            "car.toml: there is no field 'wheel'; did you mean 'wheels'? allowed are name, whee",
        ),
        ({"name": "a", "power": 4}, "there is no field 'power'; it belongs below [engine]"),
        ({"name": "a", "engine": {"wheels": 4}}, "engine has no field 'wheels'; it belongs above [engine]"),
        (
            {"name": "a", "engine": {"fuel": "Diesel"}},
            "engine.fuel is 'Diesel'; did you mean 'diesel'? it must be one of",
        ),
        ({"name": "a", "engine": {"power": math.nan}}, "engine.power is nan; it must be a number"),
        ({"name": "a", "engine": {"power": 10**400}}, "it must be a number"),
        ({"name": "a", "engine": {"power": -1}}, "car.toml: engine: power is -1; it must be above 0"),
        ({"name": "a", "engine": 3}, "engine is 3; it must be a table [engine] with power, fuel"),
        ({"name": "a", "owners": "b"}, "owners is 'b'; it must be a list, each a text"),
        ({"name": "a", "owners": ["b", 3]}, "owners[1] is 3; it must be a text"),
        ({"name": "a", "size": [1]}, "size is [1]; it must be a list of 2 values or left out"),
        ({"name": "a", "trips": {}}, "trips is {}; it must be a list of tables [[trips]]"),
        (
            {"name": "a", "trips": [{"powr": 1}]},
            "trips[0] has no field 'powr'; did you mean 'power'? allowed are power",
        ),
        ({"name": "a", "prices": {"x": "low"}}, "prices['x'] is 'low'; it must be a number"),
        ({"name": "a", "prices": []}, "prices is []; it must be a table [prices], each value a number"),
        ({"name": "a" * 10**6, "x\ny": 1}, r"there is no field 'x\ny'"),
        ({"name": ["a" * 10**6]}, "it must be a text"),
    ],
)
def test_a_refusal_says_where_and_what(values, message):
    said = refused(values)
    assert message in said
    assert len(said) < 400


def test_fields_may_have_another_name_and_others_stand_beside():
    assert "there is no setting 'x'" in refused({"name": "a", "x": 1}, noun="setting")
    assert decode(Car, {"name": "a", "version": 1}, "car.toml", beside=("version",)) == Car("a")
    with pytest.raises(InputError, match=r"^name is missing"):
        decode(Car, {}, "")


@dataclass(frozen=True)
class Row:
    value: float
    values: NDArray[np.float64]


def test_arrays_and_numbers_that_are_not_finite():
    row = decode(Row, {"value": math.inf, "values": [1.0, math.nan]}, "row", allows_nonfinite=True)
    assert row.value == math.inf
    np.testing.assert_array_equal(row.values, [1.0, np.nan])
    for values in ([1.0, math.nan], ["x"], 1.0, [[1.0]]):
        with pytest.raises(InputError, match=r"values is .*; it must be a list of numbers"):
            decode(Row, {"value": 1.0, "values": values}, "row")


def test_types_in_words():
    assert choices(Literal["a", "b"] | None) == ["a", "b"]
    assert describe(Literal["a", "b"] | None) == "one of 'a', 'b' or left out"
    assert describe(bool) == "true or false"
