"""Every head by its name."""

from collections.abc import Mapping
from types import MappingProxyType

from molgraph.config.training import Loss
from molgraph.config.uncertainty import Uncertainty
from molgraph.models.heads.evidential import EVIDENTIAL_CLASS, EVIDENTIAL_VALUE
from molgraph.models.heads.head import Head
from molgraph.models.heads.mean_variance import MEAN_VARIANCE
from molgraph.models.heads.point import MEDIAN, PROBABILITY, VALUE
from molgraph.models.heads.quantile import QUANTILE
from molgraph.results.tasks import TaskKind

#: The head of a task, by what gives the spread and by the kind of the task. A class is 0 or 1, so its probability says
#: all there is to say of its spread: `mve` and `quantile` leave tasks of classes as they are.
HEADS: Mapping[tuple[Uncertainty, TaskKind], Head] = MappingProxyType(
    {
        ("ensemble", "regression"): VALUE,
        ("ensemble", "classification"): PROBABILITY,
        ("dropout", "regression"): VALUE,
        ("dropout", "classification"): PROBABILITY,
        ("mve", "regression"): MEAN_VARIANCE,
        ("mve", "classification"): PROBABILITY,
        ("evidential", "regression"): EVIDENTIAL_VALUE,
        ("evidential", "classification"): EVIDENTIAL_CLASS,
        ("quantile", "regression"): QUANTILE,
        ("quantile", "classification"): PROBABILITY,
    }
)


def head_of(uncertainty: Uncertainty, kind: TaskKind, loss: Loss) -> Head:
    """The head of a task; with absolute errors the one that says a single value says the median."""
    head = HEADS[uncertainty, kind]
    return MEDIAN if head is VALUE and loss == "absolute" else head
