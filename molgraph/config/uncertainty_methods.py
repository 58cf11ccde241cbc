"""The uncertainty methods: one row each, with the module of its heads and what it goes together with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal


@dataclass(frozen=True)
class UncertaintySpec:
    """One source of the spread of a prediction.

    Attributes:
        name: As settings and model cards have it.
        title: What it is, in a few words.
        description: What gives the spread, for people.
        heads: Dotted name of the module whose `HEADS` has its head for each kind of task; kinds that it leaves out, and
            all of them where there is no module, have the heads of `molgraph.models.heads.point`.
        has_own_loss: What training makes small where values are learned is fixed by its head, so that absolute errors
            cannot be asked for.
        values_only: A class has no spread of this kind; refused where all tasks are classes.
        is_sampled: A prediction is the mean of several thinned networks, and their disagreement is the spread
            (Monte-Carlo dropout).
        intervals: Nonconformity score of intervals by default: learned quantiles, or residuals over the spread.
        networks_only: Other learners cannot be asked for it.
    """

    name: str
    title: str
    description: str
    heads: str | None = None
    has_own_loss: bool = False
    values_only: bool = False
    is_sampled: bool = False
    intervals: Literal["normalised", "quantile"] = "normalised"
    networks_only: bool = True


#: All uncertainty methods, in the order in which settings list them.
UNCERTAINTY_METHODS: "Mapping[Uncertainty, UncertaintySpec]" = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            UncertaintySpec(
                name="ensemble",
                title="ensemble",
                description="the disagreement of the ensemble's members alone",
                networks_only=False,
            ),
            UncertaintySpec(
                name="mve",
                title="mean-variance estimation",
                description="with it a variance that each member learns (mean-variance estimation; Nix and Weigend "
                "1994, doi:10.1109/ICNN.1994.374138)",
                heads="molgraph.models.heads.mean_variance",
                has_own_loss=True,
                values_only=True,
            ),
            UncertaintySpec(
                name="evidential",
                title="evidential",
                description="with it a distribution over the distributions that the label may come from (Amini et al. "
                "2020, arXiv:1910.02600)",
                heads="molgraph.models.heads.evidential",
                has_own_loss=True,
            ),
            UncertaintySpec(
                name="quantile",
                title="quantile regression",
                description="with it quantiles that each member learns (Koenker and Bassett 1978)",
                heads="molgraph.models.heads.quantile",
                has_own_loss=True,
                values_only=True,
                intervals="quantile",
            ),
            UncertaintySpec(
                name="dropout",
                title="Monte-Carlo dropout",
                description="with it the disagreement of thinned networks (Monte-Carlo dropout; Gal and Ghahramani "
                "2016, arXiv:1506.02142)",
                is_sampled=True,
            ),
        )
    }
)

# The names are those of the rows: written here once more, they would be a second place to add a method.
if TYPE_CHECKING:
    Uncertainty = str
else:
    Uncertainty = Literal[*UNCERTAINTY_METHODS]


def methods_that(suits: Callable[[UncertaintySpec], bool]) -> tuple[Uncertainty, ...]:
    """The names of the methods that suit, in the order of the table.

    >>> methods_that(lambda spec: not spec.values_only)
    ('ensemble', 'evidential', 'dropout')
    """
    return tuple(name for name, spec in UNCERTAINTY_METHODS.items() if suits(spec))


def choose_method(suits: Callable[[UncertaintySpec], bool]) -> str:
    """What to do where a method does not suit, for messages.

    >>> choose_method(lambda spec: not spec.has_own_loss)
    "choose `uncertainty.method='ensemble'` or `uncertainty.method='dropout'`"
    """
    *others, last = (f"`uncertainty.method={name!r}`" for name in methods_that(suits))
    return f"choose {', '.join(others)} or {last}" if others else f"choose {last}"
