"""What decides the result of a screen, besides the models and the library."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from molgraph.config.level import DEFAULT_LEVEL, check_level
from molgraph.config.settings import checked_settings, require_choices
from molgraph.config.short_repr import short_repr
from molgraph.errors import InputError, setting
from molgraph.spelling import did_you_mean

#: Where structures outside the applicability domain go: into a file of their own, or among the hits.
DomainRule = Literal["separate", "ignore"]

#: How compounds are selected at a false discovery rate: all that can be, with weights for a library that is unlike the
#: table, or few of many scaffolds.
FdrMethod = Literal["cfbh", "weighted", "diverse"]

#: How hits are picked that differ: each as unlike those before as can be, or the best of each Murcko scaffold, or of
#: each cluster of similar compounds.
DiversityRule = Literal["maxmin", "scaffold", "cluster"]

#: By what measured compounds are near: by their structure, or in the model's own space.
NeighbourSpace = Literal["structure", "model"]

#: Catalogues of structural alerts (`molgraph.chem.alerts.ALERT_CATALOGUES`).
AlertName = Literal["pains", "brenk", "nih", "chembl"]

#: False discovery rate where hits are selected and no rate is named.
DEFAULT_FDR = 0.1

#: More measured compounds beside a hit than this are no help.
_MOST_NEAREST = 20


@checked_settings
@dataclass(frozen=True)
class ScreenConfig:
    """What decides the result of a screen (`molgraph.screen`), besides the models and the library.

    Attributes:
        top: Structures in the hit list.
        goal: Task that ranks, alone or after `maximize` or `minimize`; may be left out with a single task, or with
            `hit`, which then ranks by how clearly a compound is a hit.
        profile: TOML file of a multi-objective desirability profile, see `molgraph.rank.profile`; it ranks
            in the place of a goal.
        hit: What a hit is, e.g. `pIC50 >= 7`, see `molgraph.rank.parse_hit.parse_hit`; each compound then gets a
            p-value, and hits are selected.
        fdr: The share of the selected that may be no hits, on average over many tables and libraries, where a list that
            stays empty counts as free of error; `DEFAULT_FDR` if left out. It does not hold for a rate that was tried
            out.
        fdr_method: How to select: `cfbh` all that can be, `weighted` with the calibration compounds weighted to look
            like the library (which is read twice), `diverse` fewer, of as many scaffolds as can be.
        level: Probability with which the intervals and calls hold the truth.
        domain: `separate` keeps structures out of the hit list that are outside the applicability domain of the first
            model (`molgraph.applicability.applicability`); `ignore` ranks all alike.
        nearest: Training compounds that are shown beside each hit.
        nearest_by: Which: those of the most similar `structure`, or the nearest in the `model`'s own space, see
            `Predictor.neighbours`.
        smiles_column: Column of structures; found by name if left out.
        id_column: Column of identifiers; found by name if left out.
        keep_columns: Columns of the library to carry into the hits.
        alerts: Catalogues of structural alerts (`molgraph.chem.alerts.ALERT_CATALOGUES`) whose findings are shown
            beside the hits, with their drug-likeness; nothing of this if empty.
        diverse: Pick so many of the hits that differ from each other, into `diverse.csv`: from as much of the top of
            the list as keeps four fifths of the hits expected of as many at its top (see `molgraph.screening.picks`).
        diverse_by: How: `maxmin` takes the best, and then always the one that is most unlike those before (Tanimoto,
            Morgan radius 2); `scaffold` takes the best of each Murcko scaffold, then the second best, and so on;
            `cluster` likewise of each cluster (`molgraph.rank.diverse.clusters`).

    Raises:
        InputError: A value is not allowed, or two do not go together.

    >>> ScreenConfig(top=200, hit="pIC50 >= 7").rate
    0.1
    """

    top: int = 500
    goal: str | None = None
    profile: str | Path | None = None
    hit: str | None = None
    fdr: float | None = None
    fdr_method: FdrMethod = "cfbh"
    level: float = DEFAULT_LEVEL
    domain: DomainRule = "separate"
    nearest: int = 1
    nearest_by: NeighbourSpace = "structure"
    smiles_column: str | None = None
    id_column: str | None = None
    keep_columns: Sequence[str] = ()
    alerts: Sequence[AlertName] = ("pains", "brenk")
    diverse: int | None = None
    diverse_by: DiversityRule = "maxmin"

    def __repr__(self) -> str:
        return short_repr(self)

    def __post_init__(self) -> None:
        require_choices(self)
        if self.top < 1:
            raise InputError(f"top is {self.top}; it must be at least 1")
        if not 1 <= self.nearest <= _MOST_NEAREST:
            raise InputError(f"nearest is {self.nearest}; it must lie between 1 and {_MOST_NEAREST}")
        check_level(self.level)
        self._check_ranking()
        if self.diverse is not None and not 1 <= self.diverse <= self.top:
            raise InputError(f"diverse is {self.diverse}; it must lie between 1 and top, which is {self.top}")
        for field in ("keep_columns", "alerts"):
            names = getattr(self, field)
            if isinstance(names, str):
                raise InputError(f"{field} is {names!r}; it must be a list of names, e.g. [{names!r}]")
            object.__setattr__(self, field, tuple(names))
        catalogues = get_args(AlertName)
        for name in self.alerts:
            if name not in catalogues:
                near = did_you_mean(name, catalogues)
                raise InputError(f"alerts names {name!r}; {near}choose of {', '.join(catalogues)}, or none at all")

    def _check_ranking(self) -> None:
        if self.goal is not None and self.profile is not None:
            raise InputError("goal and profile both say what ranks; give one of the two")
        if self.fdr is not None and not 0 < self.fdr < 1:
            raise InputError(f"fdr is {self.fdr:g}; it must lie between 0 and 1, e.g. {DEFAULT_FDR}")
        if self.hit is None and (self.fdr is not None or self.fdr_method != "cfbh"):
            raise InputError(
                f"a false discovery rate needs a hit; say what a hit is, e.g. {setting('hit', 'pIC50 >= 7')}"
            )

    @property
    def rate(self) -> float | None:
        """The false discovery rate at which hits are selected; None where none are."""
        if self.hit is None:
            return None
        return DEFAULT_FDR if self.fdr is None else self.fdr
