"""What a ROC AUC of few compounds of a class is worth."""

from typing import TYPE_CHECKING

from .text import significant, tell

if TYPE_CHECKING:
    from molgraph.datasets.dataset import Dataset
    from molgraph.model_folder.card import ModelCard

#: With so many compounds of each class, and more, a ROC AUC is shown without a word.
_ENOUGH = 20

#: Tasks that are listed.
_SHOWN = 10


def tell_few_of_a_class(card: "ModelCard", dataset: "Dataset") -> None:
    """Warn of class tasks with few compounds of a class: what their ROC AUC may be."""
    from molgraph.metrics.scores import roc_auc_interval

    shown = 0
    areas = {record.task: record.mean for record in card.metrics if record.metric == "roc_auc"}
    for t, task in enumerate(dataset.tasks):
        labels, area = dataset.labels[:, t], areas.get(task.name)
        n_one, n_zero = int((labels == 1).sum()), int((labels == 0).sum())
        if area is None or min(n_one, n_zero) >= _ENOUGH or min(n_one, n_zero) == 0 or shown == _SHOWN:
            continue
        shown += 1
        low, high = roc_auc_interval(area, n_one, n_zero)
        rare, n = (1, n_one) if n_one <= n_zero else (0, n_zero)
        tell(
            f"WARNING: {task.name}: {n} of class {rare}, so that the roc_auc of {significant(area)} may be anywhere "
            f"from {significant(low)} to {significant(high)}"
        )
