"""Conversion to and from data sets of DeepChem."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from molgraph.chem.identity import canonical_smiles
from molgraph.chem.standardize import StandardizerName, standardize_smiles
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.duplicates import merge_duplicates
from molgraph.errors import InputError
from molgraph.results.labels import Labels
from molgraph.results.prediction import Rejected
from molgraph.results.tasks import TaskKind, TaskSpec

if TYPE_CHECKING:  # importing deepchem takes seconds
    from deepchem.data import NumpyDataset


def to_deepchem(dataset: Dataset) -> "NumpyDataset":
    r"""A `NumpyDataset` of the same rows: X and ids are SMILES, y the labels, w the weights, 0 where not measured.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from molgraph import load_dataset
    >>> table = Path(tempfile.mkdtemp()) / "assay.csv"
    >>> _ = table.write_text("smiles,pIC50\nCCO,5.5\nc1ccccc1O,6.5\n")
    >>> converted = to_deepchem(load_dataset(table))
    >>> converted.X.tolist(), converted.y.tolist()
    (['CCO', 'c1ccccc1O'], [[5.5], [6.5]])
    """
    deepchem = _deepchem()
    labels = dataset.labels
    return deepchem.data.NumpyDataset(
        X=np.array(dataset.smiles, dtype=object),
        y=np.nan_to_num(labels.values),
        w=labels.is_measured * dataset.weights[:, None],
        ids=np.array(dataset.smiles, dtype=object),
        n_tasks=len(dataset.tasks),
    )


def from_deepchem(
    source: Any,
    *,
    task_names: Sequence[str],
    kind: TaskKind,
    name: str = "deepchem",
    standardizer: StandardizerName = "default",
) -> Dataset:
    """The rows of a DeepChem data set whose ids are SMILES, as in MoleculeNet; labels of weight 0 are not measured.

    Args:
        source: Any `deepchem.data.Dataset`.
        task_names: Name of each of the T columns of y.
        kind: Kind of all of these tasks.
        name: Name of the data set, for messages.
        standardizer: Standardizer of the structures.

    Raises:
        InputError: The ids are not SMILES, no row is left, or the names do not fit.
    """
    labels = np.asarray(source.y, dtype=np.float64).reshape(len(source), -1).copy()
    weights = np.asarray(source.w, dtype=np.float64).reshape(len(source), -1)
    if len(task_names) != labels.shape[1]:
        raise InputError(f"task_names has {len(task_names)} names for {labels.shape[1]} columns of y")
    labels[np.broadcast_to(weights, labels.shape) == 0] = np.nan
    texts = [str(text) for text in source.ids]
    standard = [standardize_smiles(text, standardizer, row=row, id=text) for row, text in enumerate(texts)]
    keys = [
        smiles if isinstance(smiles, Rejected) else canonical_smiles(smiles, row=row, id=texts[row])
        for row, smiles in enumerate(standard)
    ]
    rejected = tuple(key for key in keys if isinstance(key, Rejected))
    is_labelled = [not row.all() for row in np.isnan(labels)]
    used = [row for row, key in enumerate(keys) if not isinstance(key, Rejected) and is_labelled[row]]
    if not used:
        why = f"the first: {rejected[0].text!r}, {rejected[0].reason}" if rejected else "none has a label"
        raise InputError(f"no row of the data set can be used ({why}); its ids must be SMILES")
    tasks = tuple(TaskSpec(task_name, kind) for task_name in task_names)
    used_smiles = [str(standard[row]) for row in used]
    row_weights = weights[used].max(axis=1)
    merged = merge_duplicates(
        [str(keys[row]) for row in used], [texts[row] for row in used], Labels(labels[used]), row_weights, tasks
    )
    return Dataset(
        name=name,
        smiles=tuple(used_smiles[i] for i in merged.index),
        ids=tuple(texts[used[i]] for i in merged.index),
        labels=merged.labels,
        weights=merged.weights,
        tasks=tasks,
        rejected=rejected,
        merges=merged.report,
        rows_read=len(texts),
        n_unlabelled=len(texts) - len(rejected) - len(used),
    )


def _deepchem() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it and its dependencies warn of missing packages and of each other
            import deepchem
    except ImportError as error:
        raise InputError("DeepChem is not installed; it needs Python below 3.12: pip install deepchem") from error
    return deepchem
