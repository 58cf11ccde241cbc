"""Companion columns of a column of values: its relation (`>`), its unit, and its type of measurement.

ChEMBL writes `Standard Type`, `Standard Relation`, `Standard Value` and `Standard Units`, PubChem the same; others
write `IC50 (nM)` and `IC50 qualifier`, or a single column `relation` beside the only value.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from molgraph.files.columns import plain
from molgraph.quantities.names import named, split_unit
from molgraph.quantities.units import Unit, unit_of

Role = Literal["relation", "unit", "type"]

#: Terms for the roles at the beginning or the end of a column's name, as regular expressions.
_ROLES: Mapping[Role, str] = MappingProxyType(
    {
        "relation": r"relations?|relationship|qualifiers?|operators?|modifiers?|prefix|censor(?:ed|ing)?|inequality",
        "unit": r"units?|uom",
        "type": r"types?|endpoint|parameter|measurement",
    }
)

_PATTERNS: Mapping[Role, re.Pattern[str]] = MappingProxyType(
    {role: re.compile(rf"(?:(.*?)_)?(?:{terms})(?:_(.*))?") for role, terms in _ROLES.items()}
)

#: Names of values of any kind: what was measured is in another column, or unknown.
_GENERIC = re.compile(r"(?:(?:pubchem_)?(?:standard|published|activity|assay)_?)?(?:values?|results?)")

#: Texts of a relation column: whether the value is above or below the number, or equal to it.
_RELATIONS: Mapping[str, Literal["above", "below", "exact", "about"]] = MappingProxyType(
    {
        **dict.fromkeys((">", ">=", ">>", "=>", "\u2265", "gt", "ge"), "above"),
        **dict.fromkeys(("<", "<=", "<<", "=<", "\u2264", "lt", "le"), "below"),
        **dict.fromkeys(("=", "==", "eq", ""), "exact"),
        **dict.fromkeys(("~", "~=", "\u2248", "ca", "ca.", "about"), "about"),
    }
)


@dataclass(frozen=True)
class Companions:
    """The companion columns of a column of values; None where there is none."""

    relation: str | None = None
    unit: str | None = None
    type: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of those that exist."""
        return tuple(name for name in (self.relation, self.unit, self.type) if name is not None)


def is_generic(column: str) -> bool:
    """Whether the name of a column is generic, so that another column has the type of measurement."""
    return _GENERIC.fullmatch(plain(split_unit(column)[0])) is not None


def find_companions(column: str, names: Sequence[str], *, is_alone: bool) -> Companions:
    """The columns among `names` that belong to `column` by their names.

    Args:
        column: A column of values.
        names: All columns.
        is_alone: Whether it is the only target, to which a column `relation` or `unit` must belong.

    >>> find_companions("Standard Value", ["Standard Type", "Standard Relation", "Standard Value"], is_alone=True)
    Companions(relation='Standard Relation', unit=None, type='Standard Type')
    """
    return Companions(
        relation=_find("relation", column, names, is_alone=is_alone),
        unit=_find("unit", column, names, is_alone=is_alone),
        type=_find("type", column, names, is_alone=is_alone),
    )


def companion_names(names: Sequence[str]) -> tuple[str, ...]:
    """Those of the names that are names of companions."""
    return tuple(name for name in names if any(pattern.fullmatch(plain(name)) for pattern in _PATTERNS.values()))


def _find(role: Role, column: str, names: Sequence[str], *, is_alone: bool) -> str | None:
    stem_of_column, generic = _stem(column), is_generic(column)
    if role == "unit" and unit_of_pubchem(column) is not None:
        return None  # PubChem converted these; the units beside them are those of the standard value
    quantity = named(column)
    is_p = quantity is not None and quantity.scale == "p"
    if is_p and role != "relation":
        return None
    wanted = {stem_of_column, stem_of_column.removeprefix("pubchem_")}
    if generic:
        wanted |= {re.sub(r"_?(?:values?|results?)$", "", stem) for stem in wanted}
    candidates = []
    for name in names:
        match = _PATTERNS[role].fullmatch(plain(name))
        if match is None or name == column:
            continue
        stem = _stem("_".join(part for part in match.groups() if part))
        if stem in wanted:
            return name
        # ChEMBL's standard relation is that of the concentration, and not of the p-value beside it.
        if stem == "" or (stem in {"standard", "activity", "value", "result"} and not is_p):
            candidates.append(name)
    # A type is for a generic column of values; other columns have it in their names.
    return candidates[0] if len(candidates) == 1 and is_alone and (role != "type" or generic) else None


def _stem(name: str) -> str:
    return plain(split_unit(name)[0]).strip("_()[]")


def unit_of_pubchem(column: str) -> Unit | None:
    """The unit of PubChem's standard values, which it converts to; None for other columns."""
    return unit_of("uM") if plain(column) == "pubchem_standard_value" else None


@dataclass
class TextColumn:
    """The cells of a companion column, unchanged."""

    name: str
    cells: list[str] = field(default_factory=list)

    def counts(self, rows: NDArray[np.int64]) -> Counter[str]:
        """Count of each text in the given rows."""
        return Counter(self.cells[row].strip().strip("'\"").strip() for row in rows.tolist())


def relation_sides(column: TextColumn) -> NDArray[np.int64] | None:
    """`[n]` 0 where the relation is "above the number", 1 below, -1 neither; None if some cell is no relation.

    Args:
        column: A column with the name of a relation.
    """
    sides = {"above": 0, "below": 1, "exact": -1, "about": -1}
    relations = {text: _RELATIONS.get(text.strip().strip("'\"").strip().lower()) for text in set(column.cells)}
    relations = {text: "exact" if text.strip().lower() in _NONE else found for text, found in relations.items()}
    if any(relation is None for relation in relations.values()):
        return None
    return np.array([sides[relations[text] or "exact"] for text in column.cells], dtype=np.int64)


_NONE = frozenset({"none", "na", "nan", "null", "n/a"})
