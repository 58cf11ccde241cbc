"""The learner of each row of `molgraph.config.learners.LEARNERS`."""

from importlib import import_module

from molgraph.config.learners import LEARNERS, LearnerName
from molgraph.learners.base import TabularLearner


def tabular_learner(name: LearnerName) -> TabularLearner:
    """The `LEARNER` of the module that the row names, which is imported when it is first asked for.

    Raises:
        ValueError: It reads graphs, and no columns.

    >>> tabular_learner("maplight") is tabular_learner("catboost")
    True
    """
    module = LEARNERS[name].module
    if module is None:
        raise ValueError(f"{name} is no tabular learner")
    learner: TabularLearner = import_module(module).LEARNER
    return learner
