"""The heads of each row of `molgraph.config.uncertainty_methods.UNCERTAINTY_METHODS`."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from molgraph.config.training import Loss
from molgraph.config.uncertainty_methods import UNCERTAINTY_METHODS, Uncertainty
from molgraph.models.heads import point
from molgraph.models.heads.head import Head
from molgraph.results.tasks import TaskKind


def heads_of(uncertainty: Uncertainty) -> Mapping[TaskKind, Head]:
    """The head of each kind of task: the `HEADS` of the module that the row names, for other kinds those of a point.

    A class is 0 or 1, so its probability determines its variance: `mve` and `quantile` leave tasks of
    classes as they are.

    >>> heads_of("mve")["regression"].n_outputs, heads_of("mve")["classification"] is point.PROBABILITY
    (2, True)
    """
    module = UNCERTAINTY_METHODS[uncertainty].heads
    own: Mapping[TaskKind, Head] = {} if module is None else import_module(module).HEADS
    return MappingProxyType({**point.HEADS, **own})


def head_of(uncertainty: Uncertainty, kind: TaskKind, loss: Loss = "squared") -> Head:
    """The head of a task; with absolute errors a point head predicts the median.

    >>> head_of("ensemble", "regression", "absolute") is point.MEDIAN
    True
    """
    head = heads_of(uncertainty)[kind]
    return point.MEDIAN if head is point.VALUE and loss == "absolute" else head
