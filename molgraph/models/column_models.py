"""The models that predict from columns of numbers: how each kind is read back, and how members come together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from molgraph.config.learners import LearnerName
from molgraph.models.boosted import boosted_from_arrays, join_boosted
from molgraph.models.committee import ColumnModel
from molgraph.models.forest import forest_from_arrays, join_forests
from molgraph.models.kernel import join_processes, latent_from_arrays, tanimoto_from_arrays
from molgraph.results.tasks import TaskKind


@dataclass(frozen=True)
class ColumnModelKind:
    """One kind of model.

    Attributes:
        from_arrays: Takes arrays, the kinds of the tasks and M, and gives the model that `to_arrays` took apart; raises
            ValueError where they do not fit.
        join: Makes one model of the members of several.
    """

    from_arrays: Callable[[Mapping[str, NDArray[Any]], tuple[TaskKind, ...], int], ColumnModel]
    join: Callable[[Sequence[Any]], ColumnModel]


_TREES = ColumnModelKind(boosted_from_arrays, join_boosted)

#: The kind of each learner that reads columns.
COLUMN_MODELS: Mapping[LearnerName, ColumnModelKind] = MappingProxyType(
    {
        "embedding": _TREES,
        "boosting": _TREES,
        "maplight": _TREES,
        "forest": ColumnModelKind(forest_from_arrays, join_forests),
        "kernel": ColumnModelKind(tanimoto_from_arrays, join_processes),
        "latent": ColumnModelKind(latent_from_arrays, join_processes),
    }
)
