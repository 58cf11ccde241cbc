"""Recognition of a column of numbers: quantity, unit, scale, bounds and range, and the task that it is learned as."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
from molgraph.results.labels import Labels
from molgraph.results.tasks import Direction, TaskKind, TaskSpec

Floats = NDArray[np.float64]

#: Among concentrations, so many values of 0 (or this fraction) are taken as below the limit of detection; more are
#: refused.
_FEW_ZEROS, _FRACTION_OF_ZEROS = 2, 0.05

#: Possible p-values: a concentration of 1e-16 to 100 mol/L.
_LEAST_P, _MOST_P = -2.0, 16.0

#: Fraction of values that must be in that range.
_LEAST_IN_RANGE = 0.9

#: Entries that a message shows.
_SHOWN_ROWS = 5


@dataclass(frozen=True)
class Target:
    """A column as it is learned.

    Attributes:
        task: Its name, kind, unit, direction, range and classes.
        labels: `[n]` values, and bounds of those that were not measured.
        notes: Notes on how the column was interpreted.
    """

    task: TaskSpec
    labels: Labels
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnOptions:
    """What the caller specifies about a column.

    Attributes:
        kind: Kind of its task.
        unit: Its unit; None where not given.
        directions: Which way is better, by the name of the column or of its task.
        concentrations: Unit of concentrations whose unit is not found otherwise; None where not given.

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


def target_as_is(column: NumberColumn, options: ColumnOptions) -> Target:
    """The target of the unchanged numbers of a column, with the options of the caller and nothing recognised."""
    labels = column.labels()
    kind = column.kind(options.kind)
    if kind == "classification" and column.is_signed_class:
        labels = replace(labels, values=np.where(labels.values < 0, 0.0, labels.values))
    names = column.class_names if kind == "classification" else None
    task = TaskSpec(column.name, kind, options.unit, options.directions.get(column.name), class_names=names)
    return Target(task, labels)


class Recognizer:
    """Makes a target of a column and its companions."""

    def __init__(
        self, column: NumberColumn, companions: Companions, texts: Mapping[str, TextColumn], options: ColumnOptions
    ) -> None:
        self._column = column
        self._companions = companions
        self._texts = texts
        self._options = options
        self._notes: list[str] = []

    def target(self) -> Target:
        """The column as it is learned.

        Raises:
            InputError: One column has values of several quantities or units, or a concentration is negative.
        """
        column, options = self._column, self._options
        kind = column.kind(options.kind)
        if kind == "classification":
            target = target_as_is(column, options)
            notes = [f"{column.name!r}: -1 and 1 are the classes inactive and active"] if column.is_signed_class else []
            if any(column.gaps):  # spellings other than empty cells
                notes.append(f"{column.name!r}: {column.special_cells()}")
            return Target(target.task, target.labels, tuple(notes))
        labels = column.labels()
        numbers = np.stack([labels.values, *labels.bounds])
        censoring = self._apply_relation(numbers)
        quantity, unit = self._quantity(numbers)
        numbers = self._in_one_unit(numbers, unit)
        if quantity is None:
            self._remark_on_zeros(numbers[0])
            name, task_unit = column.name, options.unit or (None if unit is None else unit.name)
            return self._finish(numbers, TaskSpec(name, kind, task_unit, self._direction(None)), "", censoring)
        if quantity.scale == "p":
            return self._p_values(numbers, quantity, kind, censoring)
        if quantity.scale == "log10":
            unit_name = f"log10({unit.name})" if unit else "log10"
            task = TaskSpec(column.name, kind, options.unit or unit_name, self._direction(quantity.direction))
            return self._finish(numbers, task, f"log10 of {_article(quantity.symbol)}", censoring)
        return self._plain_values(numbers, quantity, unit, kind, censoring)

    def _apply_relation(self, numbers: Floats) -> str:
        """Move values with a relation to the bounds; returns a note on the column of relations."""
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
        """The measured quantity, by the column of types or the column's name, and its unit."""
        column = self._column
        rows = np.flatnonzero(~np.isnan(numbers).all(axis=0))
        unit = self._unit(rows) or unit_of(self._options.unit or "") or self._unit_of_name()
        name = self._companions.type
        if name is not None and len(rows):
            types = self._texts[name].counts(rows)
            # Several texts of which none is a quantity are no types of measurement.
            if len(types) > 1 and any(named(text) is not None for text in types):
                listed = ", ".join(f"{text or 'nothing'} ({count:,})" for text, count in types.most_common(_SHOWN_ROWS))
                best = types.most_common(1)[0][0]
                raise InputError(
                    f"{name!r} holds {listed}: values of several kinds cannot be learned as one; choose one with "
                    f"{setting('where', {name: best})}"
                )
            text = next(iter(types))
            quantity = named(f"{text} ({unit.name})") if unit is not None else named(text)
            if quantity is not None:
                return quantity, unit
        bare = split_unit(column.name)[0]
        if unit is None and p_name_of(bare) is not None:
            unit = unit_of(self._options.concentrations or "")
        quantity = named(f"{bare} ({unit.name})") if unit is not None else named(bare)
        return quantity or named(column.name), unit

    def _unit_of_name(self) -> Unit | None:
        return split_unit(self._column.name)[1] or unit_of_pubchem(self._column.name)

    def _unit(self, rows: NDArray[np.int64]) -> Unit | None:
        """The most frequent unit of the companion column of units, or else of the cells."""
        name = self._companions.unit
        if name is not None:
            counts = self._texts[name].counts(rows)
            units = {text: unit_of(text) for text in counts}
            unit_texts = [text for text, _ in counts.most_common() if units[text] is not None]
            first = units[unit_texts[0]] if unit_texts else None
            others = [
                text for text, unit in units.items() if first and (unit is None or unit.dimension != first.dimension)
            ]
            if others and first is not None:
                listed = ", ".join(f"{text or 'nothing'} ({counts[text]:,})" for text in counts)
                raise InputError(
                    f"{name!r} holds {listed}, which cannot be converted into each other; choose one with "
                    f"{setting('where', {name: unit_texts[0]})}"
                )
            return first
        index = self._column.unit_index()
        given = index[rows][index[rows] >= 0]
        return self._column.units[int(np.bincount(given).argmax())] if len(given) else None

    def _in_one_unit(self, numbers: Floats, unit: Unit | None) -> Floats:
        """All numbers converted to the unit.

        Raises:
            InputError: Some cells have a unit, others have none, nor has the column.
        """
        column, name = self._column, self._companions.unit
        factors = np.ones(numbers.shape[1])
        if unit is None or (name is None and not column.units):
            return numbers
        rows = np.flatnonzero(~np.isnan(numbers).all(axis=0))
        index = column.unit_index()
        default = self._unit_of_name() or unit_of(self._options.unit or "")
        texts = self._texts[name].cells if name is not None else None
        bare = []
        for row in rows.tolist():
            other = unit_of(texts[row].strip("'\" ")) if texts else default
            cell_unit = column.units[index[row]] if index[row] >= 0 else other
            if cell_unit is None:
                bare.append(row)
            elif cell_unit.dimension != unit.dimension:
                raise InputError(
                    f"column {column.name!r} has a value in {cell_unit.name} in {column.place(self._rows[row])}, and "
                    f"others in {unit.name}, which cannot be converted into each other; make a column of each"
                )
            else:
                factors[row] = cell_unit.factor / unit.factor
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

    def _p_values(self, numbers: Floats, quantity: NamedQuantity, kind: TaskKind, censoring: str) -> Target:
        """Values that are negative logarithms by their name, if they are in range."""
        column, options = self._column, self._options
        measured = numbers[0][~np.isnan(numbers[0])]
        fits = (measured >= _LEAST_P) & (measured <= _MOST_P)
        if len(measured) and fits.mean() < _LEAST_IN_RANGE:
            self._notes.append(
                f"{column.name!r} is called a p-value, and {int((~fits).sum()):,} of {len(measured):,} values are out "
                f"of range ({measured.min():.3g} to {measured.max():.3g}); if they are concentrations, call the "
                f"column e.g. {quantity.symbol} (nM)"
            )
            task = TaskSpec(column.name, kind, options.unit, self._direction(None))
            return self._finish(numbers, task, "", censoring)
        if quantity.symbol == "ChEMBL" and column.gaps:
            self._notes.append(
                f"{column.name!r} is empty where no value was measured: bounds such as >10000 nM are only in the "
                "column of standard values, and `target_columns=['Standard Value']` learns them too"
            )
        task = TaskSpec(column.name, kind, options.unit or P_UNIT, self._direction(quantity.direction))
        return self._finish(numbers, task, "a p-value", censoring)

    def _plain_values(
        self, numbers: Floats, quantity: NamedQuantity, unit: Unit | None, kind: TaskKind, censoring: str
    ) -> Target:
        """Concentrations, times, percentages: checked, and concentrations of potency converted to p-values."""
        column, options = self._column, self._options
        is_p = quantity.quantity.is_potency and unit is not None and unit.dimension == "molar concentration"
        is_positive = quantity.quantity.is_potency or (unit is not None and unit.dimension != "percentage")
        measured = numbers[0][~np.isnan(numbers[0])]
        if is_positive:
            self._refuse_negative(numbers)
            if is_p or suits_logarithms(measured[measured > 0]):
                self._bound_zeros(numbers, quantity.symbol)
        if is_p and unit is not None:
            direction = options.directions.get(quantity.p_name) or _flipped(self._direction(quantity.direction))
            task = TaskSpec(quantity.p_name, kind, P_UNIT, direction)
            with np.errstate(divide="ignore"):
                logs = -np.log10(numbers * unit.factor)
            logs[~np.isfinite(logs)] = np.nan
            what = f"{_article(quantity.symbol)} in {unit.name}, learned as {task.name} = -log10(mol/L)"
            return self._finish(logs[[0, 2, 1]], task, what, censoring)
        lowest, highest = self._range(numbers, quantity, unit)
        name = options.unit or (None if unit is None else unit.name)
        is_known = not quantity.quantity.is_potency or unit is not None
        direction = self._direction(quantity.direction if is_known else None)
        task = TaskSpec(column.name, kind, name, direction, lowest, highest)
        if not is_known:
            self._notes.append(
                f"{column.name!r} has no unit, so it is learned as it is, and a screen asks which way is better; "
                f"say `units='nM'`, or whatever its unit is, to have p{quantity.symbol} learned, or "
                f"{setting('directions', {column.name: 'minimize'})}"
            )
            return self._finish(numbers, task, "", censoring)
        return self._finish(numbers, task, f"{quantity.symbol} in {name}" if name else quantity.symbol, censoring)

    def _direction(self, default: Direction | None) -> Direction | None:
        """Which way the column is better: as the caller specifies, else as its quantity is."""
        return self._options.directions.get(self._column.name, default)

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

    def _bound_zeros(self, numbers: Floats, symbol: str) -> None:
        """Censor a few values of 0 as below the smallest measured value."""
        column = self._column
        rows = np.flatnonzero(numbers[0] == 0)
        measured = numbers[0][numbers[0] > 0]
        if len(rows) == 0 or len(measured) == 0:
            return
        where = places(column, self._rows[rows])
        if len(rows) > max(_FEW_ZEROS, _FRACTION_OF_ZEROS * (len(rows) + len(measured))):
            raise InputError(
                f"column {column.name!r} is 0 in {len(rows):,} of {len(rows) + len(measured):,} cells ({where}), which "
                f"no {symbol} is; leave them out with `missing=['0']`, write bounds as in <{measured.min():g}, or take "
                "the numbers as they are with `as_is=True`"
            )
        numbers[2, rows] = measured.min()
        numbers[0, rows] = np.nan
        self._notes.append(
            f"{column.name!r} is 0 in {where}: taken as less than {measured.min():g}, the smallest that was measured"
        )

    def _remark_on_zeros(self, values: Floats) -> None:
        """Note that zeros keep logarithms from being learned."""
        measured = values[~np.isnan(values)]
        rows = np.flatnonzero(values == 0)
        positive = measured[measured > 0]
        are_few = 0 < len(rows) <= _FRACTION_OF_ZEROS * len(measured) and len(rows) + len(positive) == len(measured)
        if are_few and suits_logarithms(positive):
            self._notes.append(
                f"{self._column.name!r} is 0 in {places(self._column, self._rows[rows])}, which has no logarithm: the "
                f"others would be learned as logarithms; write <{positive.min():g} there if 0 means less than could be "
                "measured, or leave it out with `missing=['0']`"
            )

    def _range(self, numbers: Floats, quantity: NamedQuantity, unit: Unit | None) -> tuple[float | None, float | None]:
        """Lowest and highest possible value of the quantity, if all numbers are within."""
        values = numbers[~np.isnan(numbers)]
        if quantity.quantity.name == "inhibition" or len(values) == 0 or values.min() < 0:
            return None, None
        most = quantity.quantity.highest
        factor = 1.0 if unit is None else unit.factor
        return 0.0, most if most is not None and values.max() * factor <= most else None

    def _finish(self, numbers: Floats, task: TaskSpec, what: str, censoring: str) -> Target:
        column = self._column
        labels = Labels(*numbers)
        if special := column.special_cells():
            self._notes.append(f"{column.name!r}: {special}")
        if what:
            better = {"maximize": "more is better", "minimize": "less is better", None: "no direction"}[task.direction]
            note = f"{column.name!r} is {what}, {better}" + (f"; {censoring}" if censoring else "")
            self._notes.insert(0, f"{note} (`as_is=True` takes the numbers as they are)")
        elif censoring:
            self._notes.insert(0, f"{column.name!r}: {censoring} (`as_is=True` takes the numbers as they are)")
        return Target(task, labels if labels.is_censored.any() else Labels(labels.values), tuple(self._notes))


def _flipped(direction: Direction | None) -> Direction | None:
    """The direction of a p-value, from that of the concentration."""
    return None if direction is None else "maximize" if direction == "minimize" else "minimize"


def _article(noun: str) -> str:
    vowels = "AEFILMNOX" if noun[:2].isupper() else "AEIO"
    return f"{'an' if noun[:1] in vowels else 'a'} {noun}"
