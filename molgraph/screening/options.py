"""What can be asked of a screen."""

from dataclasses import asdict, dataclass
from typing import Any, get_args

from molgraph.chem.alerts import ALERT_CATALOGUES
from molgraph.config.screening import DiversityRule, DomainRule, FdrMethod, NeighbourSpace
from molgraph.errors import InputError
from molgraph.screening.selection import DEFAULT_FDR, check_options

#: More measured compounds beside a hit than this are no help.
_MOST_NEAREST = 20

#: What each option that has names for values may be.
_CHOICES = {
    "domain": get_args(DomainRule),
    "nearest_by": get_args(NeighbourSpace),
    "diverse_by": get_args(DiversityRule),
}


@dataclass(frozen=True)
class ScreenOptions:
    """All that decides what comes out of a screen, besides model and library; see `molgraph.screening.screen.screen`.

    Raises:
        InputError: A value is not allowed, or two do not go together.
    """

    top: int
    goal: str | None
    profile: str | None
    hit: str | None
    fdr: float | None
    fdr_method: FdrMethod
    level: float
    domain: DomainRule
    nearest: int
    nearest_by: NeighbourSpace
    smiles_column: str | None
    id_column: str | None
    keep_columns: tuple[str, ...]
    alerts: tuple[str, ...]
    diverse: int | None
    diverse_by: DiversityRule

    def __post_init__(self) -> None:
        if self.top < 1:
            raise InputError(f"top is {self.top}; it must be at least 1")
        if not 1 <= self.nearest <= _MOST_NEAREST:
            raise InputError(f"nearest is {self.nearest}; it must lie between 1 and {_MOST_NEAREST}")
        if not 0 < self.level < 1:
            raise InputError(f"level is {self.level}; it must lie between 0 and 1, e.g. 0.9")
        for name, choices in _CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise InputError(f"{name} is {value!r}; choose one of {', '.join(choices)}")
        if self.goal is not None and self.profile is not None:
            raise InputError("goal and profile both say what ranks; give one of the two")
        check_options(self.hit, self.fdr, self.fdr_method)
        if self.diverse is not None and not 1 <= self.diverse <= self.top:
            raise InputError(f"diverse is {self.diverse}; it must lie between 1 and top, which is {self.top}")
        for name in self.alerts:
            if name not in ALERT_CATALOGUES:
                raise InputError(f"alerts names {name!r}; choose of {', '.join(ALERT_CATALOGUES)}, or none at all")

    def shown(self, *, goal: str, smiles_column: str, id_column: str | None) -> dict[str, Any]:
        """These as `summary.json` has them, with what was found out.

        Args:
            goal: What ranks.
            smiles_column: The column of structures.
            id_column: The column of identifiers.
        """
        selects = self.hit is not None
        return asdict(self) | {
            "goal": goal,
            "fdr": (self.fdr or DEFAULT_FDR) if selects else None,
            "fdr_method": self.fdr_method if selects else None,
            "smiles_column": smiles_column,
            "id_column": id_column,
            "keep_columns": list(self.keep_columns),
            "alerts": list(self.alerts),
            "diverse_by": self.diverse_by if self.diverse is not None else None,
        }
