"""What a column of numbers is: its quantity, unit, scale, bounds and range, and what a task of it learns."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from molgraph.config.training import KindChoice
from molgraph.datasets.companions import Companions, TextColumn, relation_sides, unit_of_pubchem
from molgraph.datasets.labels import NumberColumn
from molgraph.datasets.odd_values import places
from molgraph.errors import InputError, setting
from molgraph.metrics.logarithms import suits_logarithms
from molgraph.quantities.names import NamedQuantity, named, p_name_of, split_unit
from molgraph.quantities.units import P_UNIT, Unit, unit_of
from molgraph.results.tasks import Direction, TaskKind, TaskSpec

Floats = NDArray[np.float64]

#: Among concentrations, so many values of 0 (or this share) may be too small to measure; more mean something else.
_FEW_ZEROS, _SHARE_OF_ZEROS = 2, 0.05

#: What a p-value can be: a concentration of 1e-16 to 100 mol/L.
_LEAST_P, _MOST_P = -2.0, 16.0

#: Share of values that must lie there.
_MOST_OF_THEM = 0.9

#: Rows whose places are told.
_SHOWN_ROWS = 5


@dataclass(frozen=True)
class Target:
    """A column as a task learns it.

    Attributes:
        task: Its name, kind, unit, direction, range and classes.
        labels: `[n]` values, NaN where none was measured.
        bounds: `[2, n]` what such values lie above and below, NaN for no bound; None for none.
        notes: What was made of the column, in sentences.
    """

    task: TaskSpec
    labels: Floats
    bounds: Floats | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    """What the caller says of a column.

    Attributes:
        kind: What it holds.
        unit: Its unit; None where nothing is said.
        directions: Which way is better, by the name of the column or of what is learned of it.
        concentrations: Unit of a concentration of which nothing else says the unit; None where nothing is said.

    Raises:
        InputError: `concentrations` is no unit of a molar concentration.
    """

    kind: KindChoice = "auto"
    unit: str | None = None
    directions: Mapping[str, Direction] = field(default_factory=dict)
    concentrations: str | None = None

    def __post_init__(self) -> None:
        unit = unit_of(self.concentrations or "M")
        if unit is None or unit.dimension != "molar concentration":
            raise InputError(
                f"the unit of concentrations is {self.concentrations!r}; give one such as nM, uM or mol/L, or name the "
                "column whose unit it is"
            )


def as_it_is(column: NumberColumn, told: Told) -> Target:
    """The numbers of a column, with what the caller says of them and nothing else."""
    labels = column.values()
    kind = column.kind(told.kind)
    if kind == "classification" and column.is_signed_class:
        labels = np.where(labels < 0, 0.0, labels)
    names = column.class_names if kind == "classification" else None
    task = TaskSpec(column.name, kind, told.unit, told.directions.get(column.name), class_names=names)
    return Target(task, labels, column.bounds())


class Recognizer:
    """Makes a target of a column and its companions."""

    def __init__(
        self, column: NumberColumn, companions: Companions, texts: Mapping[str, TextColumn], told: Told
    ) -> None:
        self._column = column
        self._companions = companions
        self._texts = texts
        self._told = told
        self._notes: list[str] = []

    def target(self) -> Target:
        """The column as a task learns it.

        Raises:
            InputError: Values of several quantities or units stand in one column, or a concentration is negative.
        """
        column, told = self._column, self._told
        kind = column.kind(told.kind)
        if kind == "classification":
            found = as_it_is(column, told)
            notes = [f"{column.name!r}: -1 and 1 are the classes inactive and active"] if column.is_signed_class else []
            if any(column.gaps):  # other spellings than empty cells
                notes.append(f"{column.name!r}: {column.special_cells()}")
            return Target(found.task, found.labels, found.bounds, tuple(notes))
        numbers = np.vstack([column.values()[None], _two(column.bounds(), len(column.values()))])
        how = self._apply_relation(numbers)
        found_name, unit = self._quantity(numbers)
        numbers = self._in_one_unit(numbers, unit)
        if found_name is None:
            self._remark_on_zeros(numbers[0])
            name, task_unit = column.name, told.unit or (None if unit is None else unit.name)
            return self._finish(numbers, TaskSpec(name, kind, task_unit, self._direction(None)), "", how)
        if found_name.scale == "p":
            return self._p_values(numbers, found_name, kind, how)
        if found_name.scale == "log10":
            unit_name = f"log10({unit.name})" if unit else "log10"
            task = TaskSpec(column.name, kind, told.unit or unit_name, self._direction(found_name.direction))
            return self._finish(numbers, task, f"log10 of {_article(found_name.symbol)}", how)
        return self._plain_values(numbers, found_name, unit, kind, how)

    def _apply_relation(self, numbers: Floats) -> str:
        """Move values with a relation to the bounds, and say which column has the relations."""
        name = self._companions.relation
        sides = None if name is None else relation_sides(self._texts[name])
        if sides is None:
            return ""
        for side in (0, 1):
            rows = np.flatnonzero((sides == side) & ~np.isnan(numbers[0]))
            numbers[1 + side, rows] = numbers[0, rows]
            numbers[0, rows] = np.nan
        return f"{int((sides >= 0).sum()):,} of them censored by {name!r}"

    def _quantity(self, numbers: Floats) -> tuple[NamedQuantity | None, Unit | None]:
        """What is measured, by the types beside the values or the column's name, and its unit."""
        column = self._column
        rows = np.flatnonzero(~np.isnan(numbers).all(axis=0))
        unit = self._unit(rows) or unit_of(self._told.unit or "") or self._unit_of_name()
        name = self._companions.type
        if name is not None and len(rows):
            types = self._texts[name].counts(rows)
            # A column of types that has many kinds of texts is something else.
            if len(types) > 1 and any(named(text) is not None for text in types):
                listed = ", ".join(f"{text or 'nothing'} ({count:,})" for text, count in types.most_common(_SHOWN_ROWS))
                best = types.most_common(1)[0][0]
                raise InputError(
                    f"{name!r} holds {listed}: values of several kinds cannot be learned as one; choose one with "
                    f"{setting('where', {name: best})}"
                )
            text = next(iter(types))
            found = named(f"{text} ({unit.name})") if unit is not None else named(text)
            if found is not None:
                return found, unit
        bare = split_unit(column.name)[0]
        if unit is None and p_name_of(bare) is not None:
            unit = unit_of(self._told.concentrations or "")
        found = named(f"{bare} ({unit.name})") if unit is not None else named(bare)
        return found or named(column.name), unit

    def _unit_of_name(self) -> Unit | None:
        return split_unit(self._column.name)[1] or unit_of_pubchem(self._column.name)

    def _unit(self, rows: NDArray[np.int64]) -> Unit | None:
        """The unit that most of the cells, or of the cells beside them, have."""
        name = self._companions.unit
        if name is not None:
            counts = self._texts[name].counts(rows)
            units = {text: unit_of(text) for text in counts}
            known = [text for text, _ in counts.most_common() if units[text] is not None]
            first = units[known[0]] if known else None
            odd = [
                text for text, unit in units.items() if first and (unit is None or unit.dimension != first.dimension)
            ]
            if odd and first is not None:
                listed = ", ".join(f"{text or 'nothing'} ({counts[text]:,})" for text in counts)
                raise InputError(
                    f"{name!r} holds {listed}, which cannot be converted into each other; choose one with "
                    f"{setting('where', {name: known[0]})}"
                )
            return first
        index = self._column.unit_index()
        own = index[rows][index[rows] >= 0]
        return self._column.units[int(np.bincount(own).argmax())] if len(own) else None

    def _in_one_unit(self, numbers: Floats, unit: Unit | None) -> Floats:
        """All numbers in the unit, those of cells and rows that have another converted.

        Raises:
            InputError: Some cells have a unit, others have none, and neither has the column.
        """
        column, name = self._column, self._companions.unit
        factors = np.ones(numbers.shape[1])
        if unit is None or (name is None and not column.units):
            return numbers
        rows = np.flatnonzero(~np.isnan(numbers).all(axis=0))
        index = column.unit_index()
        beside = self._unit_of_name() or unit_of(self._told.unit or "")
        texts = self._texts[name].cells if name is not None else None
        bare = []
        for row in rows.tolist():
            other = unit_of(texts[row].strip("'\" ")) if texts else beside
            own = column.units[index[row]] if index[row] >= 0 else other
            if own is None:
                bare.append(row)
            elif own.dimension != unit.dimension:
                raise InputError(
                    f"column {column.name!r} has a value in {own.name} in {column.place(self._rows[row])}, and others "
                    f"in {unit.name}, which cannot be converted into each other; make a column of each"
                )
            else:
                factors[row] = own.factor / unit.factor
        if bare:
            raise InputError(
                f"column {column.name!r} has values with a unit and {len(bare):,} without, the first in "
                f"{column.place(self._rows[bare[0]])}; write the unit in the header, as in {column.name} ({unit.name})"
            )
        n_converted = int((factors[rows] != 1.0).sum())
        if n_converted:
            self._notes.append(f"{column.name!r}: {n_converted:,} values in other units were converted to {unit.name}")
        return numbers * factors

    @property
    def _rows(self) -> NDArray[np.int64]:
        return self._column.rows()

    def _p_values(self, numbers: Floats, found: NamedQuantity, kind: TaskKind, how: str) -> Target:
        """Values that are negative logarithms by their name, if they can be."""
        column, told = self._column, self._told
        measured = numbers[0][~np.isnan(numbers[0])]
        fits = (measured >= _LEAST_P) & (measured <= _MOST_P)
        if len(measured) and fits.mean() < _MOST_OF_THEM:
            self._notes.append(
                f"{column.name!r} is called a p-value, and {int((~fits).sum()):,} of {len(measured):,} values cannot "
                f"be any ({measured.min():.3g} to {measured.max():.3g}); are they concentrations? Then call the "
                f"column, say, {found.symbol} (nM)"
            )
            return self._finish(numbers, TaskSpec(column.name, kind, told.unit, self._direction(None)), "", how)
        if found.symbol == "ChEMBL" and column.gaps:
            self._notes.append(
                f"{column.name!r} is empty where no value was measured: bounds such as >10000 nM stand in the column "
                "of standard values alone, and `target_columns=['Standard Value']` learns them too"
            )
        task = TaskSpec(column.name, kind, told.unit or P_UNIT, self._direction(found.direction))
        return self._finish(numbers, task, "a p-value", how)

    def _plain_values(
        self, numbers: Floats, found: NamedQuantity, unit: Unit | None, kind: TaskKind, how: str
    ) -> Target:
        """Concentrations, times, percentages: checked, converted to p-values where the field does so."""
        column, told = self._column, self._told
        is_p = found.quantity.is_potency and unit is not None and unit.dimension == "molar concentration"
        is_positive = found.quantity.is_potency or (unit is not None and unit.dimension != "percentage")
        measured = numbers[0][~np.isnan(numbers[0])]
        if is_positive:
            self._refuse_negative(numbers)
            if is_p or suits_logarithms(measured[measured > 0]):
                self._bound_zeros(numbers, found.symbol)
        if is_p and unit is not None:
            direction = told.directions.get(found.p_name) or _flipped(self._direction(found.direction))
            task = TaskSpec(found.p_name, kind, P_UNIT, direction)
            with np.errstate(divide="ignore"):
                logs = -np.log10(numbers * unit.factor)
            logs[~np.isfinite(logs)] = np.nan
            what = f"{_article(found.symbol)} in {unit.name}, learned as {task.name} = -log10(mol/L)"
            return self._finish(logs[[0, 2, 1]], task, what, how)
        lowest, highest = self._range(numbers, found, unit)
        name = told.unit or (None if unit is None else unit.name)
        is_known = not found.quantity.is_potency or unit is not None
        direction = self._direction(found.direction if is_known else None)
        task = TaskSpec(column.name, kind, name, direction, lowest, highest)
        if not is_known:
            self._notes.append(
                f"{column.name!r} has no unit, so it is learned as it is, and a screen asks which way is better; "
                f"say `units='nM'`, or whatever its unit is, to have p{found.symbol} learned, or "
                f"{setting('directions', {column.name: 'minimize'})}"
            )
            return self._finish(numbers, task, "", how)
        return self._finish(numbers, task, f"{found.symbol} in {name}" if name else found.symbol, how)

    def _direction(self, known: Direction | None) -> Direction | None:
        """Which way the column is better: as the caller says, or as its quantity is."""
        return self._told.directions.get(self._column.name, known)

    def _refuse_negative(self, numbers: Floats) -> None:
        column = self._column
        rows = np.flatnonzero((numbers < 0).any(axis=0))
        if len(rows):
            value = np.nanmin(numbers[:, rows[0]])
            raise InputError(
                f"column {column.name!r} has {value:g} in {column.place(self._rows[rows[0]])} and {len(rows):,} values "
                "below 0 in all, which no concentration, time or rate can be; are they logarithms? Then say so in the "
                "header (log IC50), or take the numbers as they are with `as_is=True`, or leave them out with `missing`"
            )

    def _bound_zeros(self, numbers: Floats, word: str) -> None:
        """Take a few values of 0 as smaller than the least that was measured."""
        column = self._column
        rows = np.flatnonzero(numbers[0] == 0)
        measured = numbers[0][numbers[0] > 0]
        if len(rows) == 0 or len(measured) == 0:
            return
        where = places(column, self._rows[rows])
        if len(rows) > max(_FEW_ZEROS, _SHARE_OF_ZEROS * (len(rows) + len(measured))):
            raise InputError(
                f"column {column.name!r} is 0 in {len(rows):,} of {len(rows) + len(measured):,} cells ({where}), which "
                f"no {word} is; leave them out with `missing=['0']`, write bounds as in <{measured.min():g}, or take "
                "the numbers as they are with `as_is=True`"
            )
        numbers[2, rows] = measured.min()
        numbers[0, rows] = np.nan
        self._notes.append(
            f"{column.name!r} is 0 in {where}: taken as less than {measured.min():g}, the smallest that was measured"
        )

    def _remark_on_zeros(self, values: Floats) -> None:
        """Say where zeros keep logarithms from being learned."""
        measured = values[~np.isnan(values)]
        rows = np.flatnonzero(values == 0)
        positive = measured[measured > 0]
        are_few = 0 < len(rows) <= _SHARE_OF_ZEROS * len(measured) and len(rows) + len(positive) == len(measured)
        if are_few and suits_logarithms(positive):
            self._notes.append(
                f"{self._column.name!r} is 0 in {places(self._column, self._rows[rows])}, which has no logarithm: the "
                f"others would be learned as logarithms; write <{positive.min():g} there if 0 means less than could be "
                "measured, or leave it out with `missing=['0']`"
            )

    def _range(self, numbers: Floats, found: NamedQuantity, unit: Unit | None) -> tuple[float | None, float | None]:
        """The values that the quantity can have, where its name says so and all numbers agree."""
        known = numbers[~np.isnan(numbers)]
        if found.quantity.name == "inhibition" or len(known) == 0 or known.min() < 0:
            return None, None
        most = found.quantity.highest
        factor = 1.0 if unit is None else unit.factor
        return 0.0, most if most is not None and known.max() * factor <= most else None

    def _finish(self, numbers: Floats, task: TaskSpec, what: str, how: str) -> Target:
        column = self._column
        n_bounds = int((np.isnan(numbers[0]) & ~np.isnan(numbers[1:]).all(axis=0)).sum())
        bounds = numbers[1:] if n_bounds else None
        if special := column.special_cells():
            self._notes.append(f"{column.name!r}: {special}")
        if what:
            better = {"maximize": "more is better", "minimize": "less is better", None: "no direction"}[task.direction]
            told = f"{column.name!r} is {what}, {better}" + (f"; {how}" if how else "")
            self._notes.insert(0, f"{told} (`as_is=True` takes the numbers as they are)")
        elif how:
            self._notes.insert(0, f"{column.name!r}: {how} (`as_is=True` takes the numbers as they are)")
        return Target(task, numbers[0], bounds, tuple(self._notes))


def _flipped(direction: Direction | None) -> Direction | None:
    """The direction of a p-value, from that of the concentration."""
    return None if direction is None else "maximize" if direction == "minimize" else "minimize"


def _two(bounds: Floats | None, n: int) -> Floats:
    return np.full((2, n), math.nan) if bounds is None else bounds.copy()


def _article(word: str) -> str:
    sounds = "AEFILMNOX" if word[:2].isupper() else "AEIO"
    return f"{'an' if word[:1] in sounds else 'a'} {word}"
