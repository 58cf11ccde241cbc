"""Compounds that were measured for the training of a model: as they are, but for stereo, or but for their salt."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.identity import canonical_smiles
from molgraph.features.environments import graph_hashes
from molgraph.features.featurize import featurize
from molgraph.results.labels import Labels
from molgraph.results.prediction import Prediction

_Key = TypeVar("_Key")

#: Values of stereoisomers that are shown; a text of more says nothing.
_MOST_SHOWN = 3


class MeasuredCompounds:
    """The training compounds of a model, for looking up what is asked; they are parsed at the first look.

    Args:
        smiles: `[B]` their standardized structures; None for a model without these, which knows no values.
        labels: `[B, T]` their labels.
        standardized: Gives structures as the model reads them.
        in_training: Gives for each canonical SMILES whether it was in the training; None where that is unknown.
    """

    def __init__(
        self,
        smiles: Sequence[str] | None,
        labels: Labels,
        *,
        standardized: Callable[[Sequence[str]], list[str]],
        in_training: Callable[[Sequence[str]], list[bool] | None],
    ) -> None:
        self.n_tasks = labels.n_tasks
        self._smiles = () if smiles is None else smiles
        self._labels = labels
        self._standardized = standardized
        self._in_training = in_training

    @cached_property
    def _exact(self) -> Mapping[str, list[int]]:
        keys = [str(canonical_smiles(text)) for text in self._smiles]
        return _rows_of(keys, range(len(keys)))

    @cached_property
    def _stereo_free(self) -> Mapping[int, list[int]]:
        graphs = featurize(self._smiles, standardizer="none")
        return _rows_of(graph_hashes(graphs).tolist(), graphs.row_index.tolist())

    def texts(self, smiles: Sequence[str]) -> NDArray[np.object_]:
        """What is known of structures whose graph is that of a training compound, `[n, T]`.

        For example `6.52 (same structure)`, `>10 (same but for stereo)`, or without a value where the model does not
        hold it. Empty where the compound was measured for another task alone.

        Args:
            smiles: n structures as they came.
        """
        texts = self._standardized(smiles)
        keys = [str(canonical_smiles(text)) for text in texts]
        known: Sequence[bool | None] = self._in_training(keys) or [None] * len(keys)
        graphs = featurize(texts, standardizer="none")
        hashes = dict(zip(graphs.row_index.tolist(), graph_hashes(graphs).tolist(), strict=True))
        found = np.full((len(texts), self.n_tasks), "", dtype=np.object_)
        for row, (came, text, key, is_same) in enumerate(zip(smiles, texts, keys, known, strict=True)):
            is_salt = came.split(maxsplit=1)[0].count(".") > text.count(".")  # the standardizer took fragments away
            how = _likeness(is_same=is_same, is_salt=is_salt)
            rows = self._exact.get(key) or self._stereo_free.get(hashes.get(row, -1), [])
            found[row] = [self._text(rows, t, how) for t in range(self.n_tasks)]
        return found

    def _text(self, rows: Sequence[int], task: int, how: str) -> str:
        if not rows:
            return how  # one that only calibrated, or a model without structures
        values = dict.fromkeys(self._value(row, task) for row in rows)
        shown = [value for value in values if value]
        return f"{' or '.join(shown[:_MOST_SHOWN])} ({how})" if shown else ""

    def _value(self, row: int, task: int) -> str:
        value = self._labels.values[row, task]
        if not math.isnan(value):
            return f"{value:.6g}"
        lower, upper = self._labels.bounds
        return bound_text(lower[row, task], upper[row, task])


def measured_texts(
    compounds: Sequence[MeasuredCompounds], prediction: Prediction, smiles: Sequence[str]
) -> NDArray[np.object_] | None:
    """What was measured of each compound for each task, `[B, T]`; None if the prediction does not say what was.

    Args:
        compounds: The training compounds of each model that predicted.
        prediction: Their prediction of B compounds.
        smiles: `[B]` the structures as they came.
    """
    if prediction.is_measured is None:
        return None
    found = np.full(prediction.is_measured.shape, "", dtype=np.object_)
    start = 0
    for own in compounds:
        rows = np.flatnonzero(prediction.is_measured[:, start])
        columns = slice(start, start := start + own.n_tasks)
        if len(rows):
            found[rows, columns] = own.texts([smiles[row] for row in rows.tolist()])
    return found


def bound_text(above: float, below: float) -> str:
    """What is known of a value that was only bounded; empty where it was not.

    >>> bound_text(10.0, math.nan), bound_text(math.nan, math.nan)
    ('>10', '')
    """
    return " ".join(f"{sign}{end:.6g}" for sign, end in ((">", above), ("<", below)) if not math.isnan(end))


def _likeness(*, is_same: bool | None, is_salt: bool) -> str:
    """How a compound relates to the measured one; hashes of another RDKit leave it open whether stereo is the same."""
    stereo: list[str] = {True: [], False: ["stereo"], None: ["perhaps stereo"]}[is_same]
    differs = stereo + ["salt"] * is_salt
    return f"same but for {' and '.join(differs)}" if differs else "same structure"


def _rows_of(keys: Sequence[_Key], rows: Sequence[int]) -> dict[_Key, list[int]]:
    found: dict[_Key, list[int]] = {}
    for key, row in zip(keys, rows, strict=True):
        found.setdefault(key, []).append(row)
    return found
