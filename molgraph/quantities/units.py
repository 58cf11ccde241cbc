"""Units of measured quantities: their spellings, and their factors to the first unit of their dimension."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Dimension = Literal[
    "molar concentration",
    "mass concentration",
    "percentage",
    "time",
    "permeability",
    "clearance in vivo",
    "clearance by microsomes",
    "clearance by hepatocytes",
    "volume of distribution",
]

#: Unit of `-log10` of a molar concentration, as of a pIC50.
P_UNIT = "-log10(mol/L)"


@dataclass(frozen=True)
class Unit:
    """One unit.

    Attributes:
        name: As it is printed.
        dimension: What it measures; units of one dimension are converted into each other.
        factor: Conversion factor to the first unit of its dimension, e.g. to mol/L.
    """

    name: str
    dimension: Dimension
    factor: float


#: The units, and further spellings of each, compared after `_plain`. `m` and `M` distinguish metres, milli- and molar,
#: so the case counts where both are possible; see `unit_of`.
_SPELLINGS: tuple[tuple[Unit, tuple[str, ...]], ...] = (
    (Unit("M", "molar concentration", 1.0), ("mol/L", "mol L-1", "mol.L-1", "molar")),
    (Unit("mM", "molar concentration", 1e-3), ("mmol/L", "mmol.L-1", "millimolar", "10^-3 M", "1e-3 M")),
    (
        Unit("uM", "molar concentration", 1e-6),
        ("umol/L", "umol.L-1", "micromolar", "10^-6 M", "10-6 M", "1e-6 M", "10^-6 mol/L"),
    ),
    (Unit("nM", "molar concentration", 1e-9), ("nmol/L", "nmol.L-1", "nanomolar", "10^-9 M", "10-9 M", "1e-9 M")),
    (Unit("pM", "molar concentration", 1e-12), ("pmol/L", "pmol.L-1", "picomolar")),
    (Unit("fM", "molar concentration", 1e-15), ("fmol/L", "femtomolar")),
    (Unit("g/L", "mass concentration", 1.0), ("mg/mL", "mg.mL-1", "g.L-1", "ug/uL")),
    (Unit("ug/mL", "mass concentration", 1e-3), ("mg/L", "mcg/mL", "ug.mL-1", "mg.L-1", "ng/uL")),
    (Unit("ng/mL", "mass concentration", 1e-6), ("ug/L", "ng.mL-1", "ug.L-1")),
    (Unit("%", "percentage", 1.0), ("percent", "per cent", "pct")),
    (Unit("h", "time", 1.0), ("hr", "hrs", "hour", "hours")),
    (Unit("min", "time", 1 / 60), ("mins", "minute", "minutes")),
    (Unit("d", "time", 24.0), ("day", "days")),
    (Unit("s", "time", 1 / 3600), ("sec", "secs", "second", "seconds")),
    (Unit("cm/s", "permeability", 1.0), ("cm s-1", "cm.s-1", "cm/sec")),
    (
        Unit("10^-6 cm/s", "permeability", 1e-6),
        ("10-6 cm/s", "1e-6 cm/s", "e-6 cm/s", "x10-6 cm/s", "x 10^-6 cm/s", "ucm/s", "10^-6 cm/sec", "10'-6 cm/s"),
    ),
    (Unit("nm/s", "permeability", 1e-7), ("nm s-1", "nm.s-1", "nm/sec")),
    (Unit("mL/min/kg", "clearance in vivo", 1.0), ("mL.min-1.kg-1", "mL/kg/min")),
    (Unit("L/h/kg", "clearance in vivo", 1000 / 60), ("L/hr/kg", "L/kg/h")),
    (Unit("uL/min/mg", "clearance by microsomes", 1.0), ("uL.min-1.mg-1", "mL/min/g", "mL.min-1.g-1")),
    (
        Unit("uL/min/10^6 cells", "clearance by hepatocytes", 1.0),
        ("uL/min/million cells", "uL/min/1e6 cells", "uL/min/10-6 cells", "uL.min-1.(10^6cells)-1"),
    ),
    (Unit("L/kg", "volume of distribution", 1.0), ("L.kg-1",)),
    (Unit("mL/kg", "volume of distribution", 1e-3), ("mL.kg-1",)),
)


#: Micro, minus, dots, crosses and raised digits, as typesetters write them.
_SIGNS = str.maketrans(
    {
        "\u00b5": "u",
        "\u03bc": "u",
        "\u2212": "-",
        "\u207b": "-",
        "\u2013": "-",
        "\u00b7": ".",
        "\u00d7": "x",
        "\u00b9": "1",
        "\u2076": "6",
    }
)


def _plain(text: str) -> str:
    """A spelling normalised to one micro sign and one minus sign, without blanks."""
    return re.sub(r"\s+", "", text.translate(_SIGNS)).strip("()[]").removesuffix(".")


def _tables() -> tuple[Mapping[str, Unit], Mapping[str, Unit]]:
    exact = {_plain(text): unit for unit, spellings in _SPELLINGS for text in (unit.name, *spellings)}
    folded: dict[str, Unit] = {}
    for text, unit in exact.items():
        folded.setdefault(text.lower(), unit)
    # Case decides for units of one letter: "m" is not molar, and "S", "D" and "H" are not times.
    return MappingProxyType(exact), MappingProxyType({text: unit for text, unit in folded.items() if len(text) > 1})


_EXACT, _FOLDED = _tables()


def unit_of(text: str) -> Unit | None:
    """The unit that `text` spells; None if it is no unit. `nm` is read as nanomolar.

    >>> unit_of("µM").name, unit_of("ug.mL-1").name, unit_of("nm").name, unit_of("furlong")
    ('uM', 'ug/mL', 'nM', None)
    """
    plain = _plain(text)
    return _EXACT.get(plain) or _FOLDED.get(plain.lower())
