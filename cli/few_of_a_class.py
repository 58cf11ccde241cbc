"""Warning of an imprecise ROC AUC where a class has few compounds."""

from typing import TYPE_CHECKING

from .text import significant, tell

if TYPE_CHECKING:
    from molgraph.datasets.dataset import Dataset
    from molgraph.model_folder.card import ModelCard

#: Compounds of each class from which a ROC AUC is shown without a warning.
_ENOUGH = 20

#: Tasks that are listed.
_SHOWN = 10


def tell_few_of_a_class(card: "ModelCard", dataset: "Dataset") -> None:
    """Warn of classification tasks with few compounds of a class: the confidence interval of their ROC AUC."""
    from molgraph.metrics.scores import roc_auc_interval

    shown = 0
    areas = {record.task: record.mean for record in card.metrics if record.metric == "roc_auc"}
    for t, task in enumerate(dataset.tasks):
        labels, area = dataset.labels.values[:, t], areas.get(task.name)
        n_one, n_zero = int((labels == 1).sum()), int((labels == 0).sum())
        if area is None or min(n_one, n_zero) >= _ENOUGH or min(n_one, n_zero) == 0 or shown == _SHOWN:
            continue
        shown += 1
        low, high = roc_auc_interval(area, n_one, n_zero)
        rare, n = (1, n_one) if n_one <= n_zero else (0, n_zero)
        tell(
            f"WARNING: {task.name}: only {n} compounds of class {rare}: the 95% confidence interval of the roc_auc of "
            f"{significant(area)} is {significant(low)} to {significant(high)}"
        )
