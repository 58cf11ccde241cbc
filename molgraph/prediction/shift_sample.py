"""A random sample of a library, for the shift check against the calibration compounds."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from molgraph.applicability.shift import MOST_COMPARED, DensityRatio, ShiftReport, density_ratio, shift_check
from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.chem.identity import canonical_smiles
from molgraph.errors import InputError
from molgraph.files.library_reader import LibraryReader
from molgraph.prediction.predictor import Predictor
from molgraph.storage.hashes import text_hashes

#: Structures from which weights are learned, before those outside the domain are left out.
_WEIGHED = 4000

#: With fewer in the domain there is nothing to learn from.
_LEAST_WEIGHED = 50


class Sample:
    """Keeps `size` of the different texts that it is offered, each with the same chance, in whatever order they come.

    A text is drawn by its hash: those with the smallest stay. So the same library gives the same sample, however it is
    cut up and whoever reads it.

    >>> sample = Sample(2)
    >>> sample.offer(sample.draw(["a", "b", "c"]))
    >>> len(sample.texts)
    2
    """

    def __init__(self, size: int = MOST_COMPARED) -> None:
        #: Texts with a key above this have no chance.
        self.largest_key = 2**64 - 1
        self._size = size
        self._kept: dict[int, str] = {}

    def draw(self, texts: Sequence[str]) -> list[tuple[int, str]]:
        """Key and text of those that have a chance."""
        keys = text_hashes(texts)
        chosen = np.flatnonzero(keys <= np.uint64(self.largest_key))
        return [(int(keys[i]), texts[i]) for i in chosen.tolist()]

    def offer(self, drawn: Iterable[tuple[int, str]]) -> None:
        """Take in what was drawn."""
        self._kept.update(drawn)
        if len(self._kept) > 2 * self._size:
            self._prune()

    @property
    def texts(self) -> list[str]:
        """What was kept, in random order."""
        self._prune()
        return list(self._kept.values())

    def _prune(self) -> None:
        self._kept = dict(sorted(self._kept.items())[: self._size])
        if len(self._kept) == self._size:
            self.largest_key = max(self._kept)


def check_shift(
    predictor: Predictor, sample: Sample, standard_of: Mapping[str, str] = MappingProxyType({})
) -> ShiftReport | None:
    """Whether the library differs from the calibration compounds; None if the model was saved without structures.

    Training compounds in the library are left out: they are on both sides, and would hide a difference of the others.

    Args:
        predictor: The model.
        sample: Structures that were predicted.
        standard_of: By text the standardized structures that are there already.
    """
    if predictor.structures is None:
        return None
    new_texts = [text for text in sample.texts if text not in standard_of]
    structures = {**standard_of, **dict(zip(new_texts, predictor.standardized(new_texts), strict=True))}
    texts = [structures[text] for text in sample.texts]
    known = predictor.in_training([str(canonical_smiles(text)) for text in texts]) or []
    new = [text for text, is_known in zip(texts, known, strict=True) if not is_known]
    return shift_check(predictor.structures.calibration_fingerprints, morgan_fingerprints(new))


def weigh_calibration(predictor: Predictor, library: LibraryReader, *, restrict: bool) -> DensityRatio:
    """How much each calibration compound stands for the library, from one pass over its structures.

    Args:
        predictor: A model that was saved with its structures.
        library: Read to its end.
        restrict: Look at structures in the domain of the model only.

    Raises:
        InputError: Too few structures of the library are in the domain.
    """
    sample = Sample(_WEIGHED)
    for batch in library:
        sample.offer(sample.draw(batch.smiles))
    texts = sample.texts
    prediction = predictor.predict(texts, domain=True)
    is_usable = np.isfinite(prediction.mean[:, 0])
    if restrict:
        is_usable &= ~prediction.is_outside
    if predictor.structures is None or is_usable.sum() < _LEAST_WEIGHED:
        raise InputError(
            f"{is_usable.sum():,} of {len(texts):,} sampled rows of the library are in the domain of the model; "
            f"weights need {_LEAST_WEIGHED}; choose `fdr_method='cfbh'`"
        )
    kept = [texts[i] for i in np.flatnonzero(is_usable).tolist()]
    return density_ratio(predictor.structures.calibration_fingerprints, _fingerprints(predictor, kept))


def _fingerprints(predictor: Predictor, texts: Sequence[str]) -> NDArray[np.uint8]:
    return morgan_fingerprints(predictor.standardized(texts))
