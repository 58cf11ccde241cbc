"""Quantities parsed from the names of columns: an IC50 in nM, a permeability, a half-life, a pIC50, a percentage.

The quantity decides which way is better, which values are possible, and whether the field reports the negative
logarithm: potencies and affinities that are molar concentrations become p-values (`pIC50 = -log10(mol/L)`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from molgraph.quantities.units import Dimension, Unit, unit_of
from molgraph.results.tasks import Direction

Scale = Literal["linear", "log10", "p"]


@dataclass(frozen=True)
class Quantity:
    """One kind of quantity.

    Attributes:
        name: Its name in the field, and behind the `p` of a p-value; empty to take it as the column writes it.
        pattern: Regular expression of its names; case does not matter.
        dimensions: What its units measure.
        direction: Which way its plain value is better; None where that depends on the project.
        is_potency: Whether it is a concentration that the field reports as a p-value.
        highest: The largest value in the first unit of its dimension; None for none. The least is 0.
    """

    name: str
    pattern: str
    dimensions: tuple[Dimension, ...] = ()
    direction: Direction | None = None
    is_potency: bool = False
    highest: float | None = None


_CONCENTRATIONS: tuple[Dimension, ...] = ("molar concentration", "mass concentration")
_CLEARANCES: tuple[Dimension, ...] = ("clearance in vivo", "clearance by microsomes", "clearance by hepatocytes")

#: The quantities, each before those whose names are part of its own.
QUANTITIES: tuple[Quantity, ...] = (
    Quantity("", r"(?:IC|EC|AC|XC|GI|ED)[ _-]?(?:50|90)", _CONCENTRATIONS, "minimize", is_potency=True),
    Quantity("", r"(?:CC|TC|LC|TD|TGI)[ _-]?50|TGI", _CONCENTRATIONS, "maximize", is_potency=True),
    Quantity("", r"Ki|Kd|Kb|MIC[ _-]?(?:50|90)?|MBC|MFC", _CONCENTRATIONS, "minimize", is_potency=True),
    Quantity("Potency", r"potency", _CONCENTRATIONS, "minimize", is_potency=True),
    Quantity("solubility", r"(?:aqueous|kinetic|thermodynamic|eq)?[ _-]?solubility", _CONCENTRATIONS, "maximize"),
    Quantity("permeability", r"P[ _-]?app|P[ _-]?eff|permeability|PAMPA|caco[ _-]?2", ("permeability",), "maximize"),
    Quantity("half-life", r"half[ _-]?life|t[ _-]?1[/_ ]?2|t[ _-]?half", ("time",)),
    Quantity("clearance", r"(?:intrinsic )?clearance|cl[ _-]?int|clint|CL", _CLEARANCES, "minimize"),
    Quantity("volume of distribution", r"vd[ _-]?ss|volume of distribution|vd", ("volume of distribution",)),
    Quantity("bioavailability", r"(?:oral )?bioavailability|F", ("percentage",), "maximize", highest=100.0),
    Quantity("protein binding", r"PPB[R]?|(?:plasma )?protein[ _-]binding|bound", ("percentage",), highest=100.0),
    Quantity("unbound", r"fu|f[ _-]u|(?:fraction[ _-])?unbound", ("percentage",), highest=100.0),
    Quantity("absorption", r"HIA|absorption|absorbed", ("percentage",), "maximize", highest=100.0),
    # Noise takes an inhibition below 0 and above 100: it has no range.
    Quantity("inhibition", r"inhibition|inh", ("percentage",), "maximize"),
)

#: Antitargets, at which binding is a liability: there a weak potency is better.
_ANTITARGETS = re.compile(
    r"(?<![A-Za-z])(?:hERG|KCNH2|CYP[ _-]?[1-3][A-Z][0-9]+|P-?gp|MDR1|ABCB1|BSEP|Nav1[._]5|cytotox\w*|HepG2|"
    r"5-?HT2B|PXR)(?![A-Za-z])",
    re.IGNORECASE,
)

_P_VALUE = re.compile(
    r"(?<![A-Za-z0-9])(?:p|-\s?log(?:10)?[ _(]*|neg[ _]?log(?:10)?[ _(]*)"
    r"(?P<name>(?:IC|EC|AC|XC|GI|CC|ED)[ _-]?50|Ki|Kd|Kb|MIC|chembl|activity|affinity|potency)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_LOG = re.compile(
    r"(?<![A-Za-z0-9-])(?:log(?:10)?)[ _(]*(?=(?:IC|EC|AC|XC|GI|CC)[ _-]?50|K[id](?![a-z]))", re.IGNORECASE
)
# A longer name is a sentence, on which regular expressions could backtrack for long.
_LONGEST = 100
_IN_BRACKETS = re.compile(r"[(\[]\s*(?:in\s+)?([^)\]]+?)\s*[)\]]\s*$")
_BEHIND = re.compile(r"[ _.\-,]+(?:in[ _])?([^\s_()\[\]]+(?:\s*/\s*\S+)?)\s*$")


@dataclass(frozen=True)
class NamedQuantity:
    """A quantity as parsed from the name of a column.

    Attributes:
        quantity: The kind of quantity.
        symbol: Its name as the field writes it, e.g. `IC50`.
        scale: Whether values are plain, decimal logarithms, or p-values.
        unit: Unit of the values, before any logarithm; None if the name has none.
        stem: The name without quantity and unit, e.g. the target; may be empty.
        direction: Which way larger numbers of the column are better; None where that depends on the project.
    """

    quantity: Quantity
    symbol: str
    scale: Scale
    unit: Unit | None
    stem: str
    direction: Direction | None

    @property
    def p_name(self) -> str:
        """Name of the p-value that is learned instead of the column."""
        return f"{self.stem} p{self.symbol}".strip()


_SYMBOLS: Mapping[str, str] = MappingProxyType({"KI": "Ki", "KD": "Kd", "KB": "Kb", "POTENCY": "Potency"})

_P_QUANTITY = Quantity("", "", direction="minimize", is_potency=True)


def split_unit(name: str) -> tuple[str, Unit | None]:
    """The name of a column without the unit at its end, and that unit.

    >>> split_unit("IC50 (nM)")[0], split_unit("Ki_uM")[1].name, split_unit("solubility")[1]
    ('IC50', 'uM', None)
    """
    if len(name) > _LONGEST:
        return name, None
    for pattern in (_IN_BRACKETS, _BEHIND):
        match = pattern.search(name)
        if match is not None and (unit := unit_of(match[1])) is not None and match.start() > 0:
            return name[: match.start()].rstrip(" _,"), unit
    if name.lstrip().startswith("%"):
        return name.lstrip(" %"), unit_of("%")
    match = re.search(r"(?<=[05])([fpnu\u00b5\u03bcm]M)$", name)
    return (name[: match.start()], unit_of(match[1])) if match is not None else (name, None)


def named(name: str, *, context: str = "") -> NamedQuantity | None:
    """Parses quantity, unit and scale from the name of a column; None if no quantity is recognised.

    Args:
        name: Name of the column, or a cell of a column of types such as ChEMBL's `Standard Type`.
        context: Further text on what was measured, e.g. the name of the target.

    >>> ic50 = named("BACE1 IC50 (nM)")
    >>> ic50.p_name, ic50.unit.name, ic50.direction, named("pIC50").direction, named("mw")
    ('BACE1 pIC50', 'nM', 'minimize', 'maximize', None)
    """
    if len(name) > _LONGEST:
        return None
    bare, unit = split_unit(name)
    is_liability = _ANTITARGETS.search(f"{name} {context}") is not None
    p_value = _P_VALUE.search(bare)
    if p_value is not None:
        direction: Direction = "minimize" if is_liability or "CC" in p_value["name"].upper() else "maximize"
        stem = (bare[: p_value.start()] + bare[p_value.end() :]).strip(" _-().")
        return NamedQuantity(_P_QUANTITY, _symbol(p_value["name"]), "p", None, stem, direction)
    for quantity in QUANTITIES:
        # A single letter such as F is ambiguous without a unit.
        needs_unit = quantity.dimensions and not quantity.is_potency
        match = re.search(rf"(?<![A-Za-z0-9])(?:{quantity.pattern})(?![A-Za-z0-9])", bare, re.IGNORECASE)
        if match is None or (needs_unit and not unit) or (unit and unit.dimension not in quantity.dimensions):
            continue
        log = _LOG.search(bare)
        scale: Scale = "log10" if log is not None and quantity.is_potency else "linear"
        direction_ = _liability(quantity) if is_liability else quantity.direction
        start = log.start() if log is not None and scale == "log10" else match.start()
        stem = (bare[:start] + " " + bare[match.end() :]).strip(" _-().")
        return NamedQuantity(
            quantity, quantity.name or _symbol(match[0]), scale, unit, re.sub(r"\s+", " ", stem), direction_
        )
    return None


def p_name_of(name: str) -> str | None:
    """Name of the p-value that is learned instead of a column of concentrations; None for any other name.

    >>> p_name_of("BACE1 IC50 (nM)"), p_name_of("Ki"), p_name_of("pIC50"), p_name_of("logD")
    ('BACE1 pIC50', 'pKi', None, None)
    """
    parsed = named(split_unit(name)[0])
    is_concentration = parsed is not None and parsed.scale == "linear" and parsed.quantity.is_potency
    return parsed.p_name if parsed is not None and is_concentration else None


def _liability(quantity: Quantity) -> Direction | None:
    """Which way a value is better at an antitarget."""
    if quantity.is_potency:
        return "maximize"
    return "minimize" if quantity.name == "inhibition" else quantity.direction


def _symbol(text: str) -> str:
    plain = re.sub(r"[ _-]", "", text).upper()
    return _SYMBOLS.get(plain, "ChEMBL" if plain == "CHEMBL" else plain)
