"""StructurePredictor: what one model and a panel of models have in common, predictions of structures."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.standardize import StandardizerName
from molgraph.features.featurize import featurize_molecules
from molgraph.features.molecules import Molecules
from molgraph.files.frames import Structures, structure_list
from molgraph.results.prediction import Prediction


class StructurePredictor(ABC):
    """One trained model or several, which predict structures that are parsed and featurized once for all of them."""

    @property
    @abstractmethod
    def standardizer(self) -> StandardizerName:
        """Standardizer of the structures, which all of the models share."""

    @abstractmethod
    def predict_molecules(self, molecules: Molecules, *, domain: bool = False) -> Prediction:
        """Predictions of molecules that were featurized with the model's own standardizer, aligned with the input rows.

        A part of such graphs (`take`, `slice`) has no rejected rows, and its predictions are aligned with itself.

        Args:
            molecules: B molecules; their structures are there for models that need them (`needs_structures`).
            domain: Fill in `Prediction.latent_distance`, `leverage` and `domain` too.

        Raises:
            InputError: The graphs belong to another feature schema, or the structures are needed and not there.
            ModelError: A prediction is not finite.
        """

    def predict(
        self, smiles: Structures, *, ids: Iterable[str] | None = None, processes: int = 1, domain: bool = False
    ) -> Prediction:
        """Predictions aligned with `smiles`; rows that could not be used hold NaN and are listed in `.rejected`.

        Args:
            smiles: B structures, as SMILES or RDKit molecules; a list, an array or a column of a frame.
            ids: Identifiers for the list of rejected rows.
            processes: Processes that parse and featurize.
            domain: Fill in `Prediction.latent_distance`, `leverage`, `domain` and `measured` too.

        Raises:
            InputError: `smiles` is a single structure, or a whole table.
        """
        smiles = structure_list(smiles)
        prediction = self.predict_texts(smiles, ids=ids, processes=processes, domain=domain)
        return replace(prediction, measured=self.measured(prediction, smiles)) if domain else prediction

    def predict_texts(
        self, smiles: list[str], *, ids: Iterable[str] | None = None, processes: int = 1, domain: bool = False
    ) -> Prediction:
        """As `predict`, without a look at what was measured (`Prediction.measured` is None)."""
        molecules = featurize_molecules(smiles, ids=ids, standardizer=self.standardizer, processes=processes)
        return self.predict_molecules(molecules, domain=domain)

    @abstractmethod
    def measured(self, prediction: Prediction, smiles: Sequence[str]) -> NDArray[np.object_] | None:
        """What was measured of each compound for each task, `[B, T]`; see `Prediction.measured`.

        Args:
            prediction: Of this, with `domain`.
            smiles: `[B]` its structures as they came.
        """
