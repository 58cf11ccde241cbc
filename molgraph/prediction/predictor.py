"""Predictor: a trained model, loaded once and called many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self, get_args

import numpy as np
import rdkit
from numpy.typing import NDArray

from molgraph.applicability.applicability import OUTSIDE, ApplicabilityDomain, degree_names
from molgraph.applicability.neighbours import k_closest, k_nearest, similarities
from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.chem.identity import canonical_smiles, known_compounds
from molgraph.chem.parse import parse_smiles
from molgraph.chem.standardize import StandardizerName, standardize_smiles
from molgraph.config.learners import LearnerName
from molgraph.config.screening import NeighbourSpace
from molgraph.config.training import Device, Precision
from molgraph.errors import InputError, ModelError
from molgraph.features.blocks import MoleculeFeatures, needs_structures
from molgraph.features.environments import structure_vectors
from molgraph.features.featurize import featurize, featurize_molecules
from molgraph.features.molecules import Molecules
from molgraph.features.schema import SCHEMAS
from molgraph.model_folder.card import ModelCard
from molgraph.model_folder.percentiles import ReferenceValues, reference_values
from molgraph.prediction.builtin_models import model_folder
from molgraph.prediction.measured_compounds import MeasuredCompounds, measured_texts
from molgraph.prediction.structure_predictor import StructurePredictor
from molgraph.prediction.training_neighbours import Neighbours, in_rows
from molgraph.results.member_outputs import MemberOutputs
from molgraph.results.prediction import Prediction, Rejected
from molgraph.results.tasks import TaskSpec, ranges
from molgraph.spelling import counted
from molgraph.storage.hashes import text_hashes
from molgraph.uncertainty.calibration import Calibration

if TYPE_CHECKING:  # these import torch, which takes seconds: it is imported when a model is loaded
    from molgraph.model_folder.folder import StoredModel
    from molgraph.model_folder.parts import TrainingStructures
    from molgraph.models.frozen import EncoderWeights, FrozenEncoder


class Predictor(StructurePredictor):
    r"""A trained ensemble that predicts structures.

    Example:
        >>> import tempfile
        >>> from molgraph import Predictor, TrainConfig, train
        >>> folder = tempfile.mkdtemp()
        >>> table = Path(folder, "assay.csv")
        >>> _ = table.write_text("smiles,y\n" + "\n".join(f"{'C' * n}O,{n}" for n in range(1, 21)))
        >>> _ = train(table, target_columns=["y"], output=Path(folder, "model"), config=TrainConfig(folds=2, epochs=2))
        >>> predictor = Predictor.load(Path(folder, "model"))
        >>> prediction = predictor.predict(["CCO", "not a molecule"])
        >>> prediction.mean.shape, [row.row for row in prediction.rejected]
        ((2, 1), [1])
    """

    def __init__(
        self, model: StoredModel, *, digest: str, device: Device = "auto", precision: Precision = "float32"
    ) -> None:
        from molgraph.models.inference import NetworkInference
        from molgraph.models.precision import resolve_device, resolve_precision

        self.card: ModelCard = model.card
        self.digest = digest
        self.device = resolve_device(device)
        self._dtype = resolve_precision(precision, self.device)
        self.precision = str(self._dtype).removeprefix("torch.")
        self._model = model
        network, schema = model.learners.network, model.card.schema
        self._network: NetworkInference | None = None
        if network is not None:
            self._network = NetworkInference(network, schema=schema, device=self.device, dtype=self._dtype)
        self.encoder: FrozenEncoder | None = None
        if model.encoder is not None and model.card.encoder is not None:
            self.encoder = self._frozen(model.encoder, model.card.encoder)

    @classmethod
    def load(cls, path: str | Path, *, device: Device = "auto", precision: Precision = "float32") -> Self:
        """The model in a folder that `train` wrote, or a built-in one; for several see `Panel.load`.

        Args:
            path: Model folder, or the name of a built-in model, e.g. `herg` (`molgraph models list`).
            device: Where to compute; `auto` takes a CUDA device if there is one.
            precision: Number format of the products; `auto` takes bfloat16 where the processor is fast at it.

        Raises:
            InputError: There is no such folder or name, or it means several models.
            ModelError: The folder is no model folder, is damaged, or is of another format.
            DeviceError: The device is not there.
        """
        from molgraph.model_folder.folder import load_model, model_hash

        folder = model_folder(path)
        return cls(load_model(folder), digest=model_hash(folder), device=device, precision=precision)

    def __repr__(self) -> str:
        names = ", ".join(self.card.task_names[:3]) + (", ..." if len(self.tasks) > 3 else "")
        tasks, members = counted(len(self.tasks), "task"), counted(self.card.n_members, "model")
        return f"Predictor({tasks}: {names}; {members}, on {self.device.type})"

    @property
    def predictors(self) -> tuple[Self, ...]:
        """This model alone."""
        return (self,)

    @property
    def standardizer(self) -> StandardizerName:
        """Standardizer of the structures."""
        return self.card.standardizer

    @property
    def tasks(self) -> tuple[TaskSpec, ...]:
        """The T tasks, in column order."""
        return self.card.tasks

    @property
    def calibration(self) -> Calibration:
        """What gives intervals and calls."""
        return self._model.calibration

    @property
    def domain(self) -> ApplicabilityDomain:
        """The applicability domain."""
        return self._model.domain

    @property
    def calibration_in_domain(self) -> NDArray[np.bool_]:
        """`[n]` whether each calibration row is in the domain, by what its own judges had seen."""
        return np.asarray(self._model.domain.calibration != OUTSIDE, dtype=np.bool_)

    @property
    def needs_structures(self) -> bool:
        """Whether graphs alone are not enough to predict, because a learner reads RDKit's descriptors."""
        return any(needs_structures(self.card.config.blocks_of(name)) for name in self.card.learners)

    @property
    def shares(self) -> dict[LearnerName, float]:
        """Share of each learner in a prediction, mean over members and tasks."""
        means = self._model.learners.weights.mean(axis=(1, 2))
        return dict(zip(self.card.learners, means.tolist(), strict=True))

    @property
    def reference(self) -> ReferenceValues | None:
        """Predictions of the reference compounds, for percentiles; None without any."""
        return self._model.reference

    @cached_property
    def measured_compounds(self) -> MeasuredCompounds:
        """The training compounds, for looking up what was measured; made when first asked for."""
        structures = self._model.structures
        return MeasuredCompounds(
            None if structures is None else structures.smiles,
            self._model.labels,
            standardized=self.standardized,
            in_training=self.in_training,
        )

    @property
    def structures(self) -> TrainingStructures | None:
        """The training compounds; None if the model was saved without them."""
        return self._model.structures

    def predict_molecules(self, molecules: Molecules, *, domain: bool = False) -> Prediction:
        """See `StructurePredictor.predict_molecules`."""
        return self.predict_features(MoleculeFeatures(molecules), domain=domain)

    def measured(self, prediction: Prediction, smiles: Sequence[str]) -> NDArray[np.object_] | None:
        """See `StructurePredictor.measured`."""
        return measured_texts([self.measured_compounds], prediction, smiles)

    def predict_features(self, features: MoleculeFeatures, *, domain: bool = False) -> Prediction:
        """As `predict_molecules`, of molecules whose descriptor blocks several models share."""
        graphs = features.molecules.graphs
        outputs = self._outputs_of(features)
        mean, aleatoric, epistemic = self.calibration.apply(outputs)
        if not np.isfinite(mean).all():  # what is stored is finite, but its sums need not be
            raise ModelError("the model predicts values that are not finite: it is damaged; train the model again")
        quantiles = outputs.pooled().quantiles
        row = graphs.row_index if graphs.rejected else None
        n_rows = graphs.n_rows
        distance, leverage, degrees, is_measured = None, None, None, None
        if domain:
            found = self.domain.assess(graphs, self._domain_vectors(features))
            distance, leverage = in_rows(found.distance, row, n_rows), in_rows(found.leverage, row, n_rows)
            named = np.full(n_rows, "", dtype=np.object_)
            named[slice(None) if row is None else row] = degree_names(found.degree)
            degrees = np.repeat(named[:, None], len(self.tasks), axis=1)
            held = np.zeros(n_rows, dtype=np.bool_)
            held[slice(None) if row is None else row] = found.is_measured
            is_measured = None if self.domain.measured is None else np.repeat(held[:, None], len(self.tasks), axis=1)
        values = in_rows(mean, row, n_rows)
        return Prediction(
            tasks=self.tasks,
            mean=values,
            epistemic_var=in_rows(epistemic, row, n_rows),
            aleatoric_var=in_rows(aleatoric, row, n_rows),
            members=in_rows(outputs.mean.swapaxes(0, 1), row, n_rows).swapaxes(0, 1),
            latent_distance=distance,
            leverage=leverage,
            domain=degrees,
            is_measured=is_measured,
            percentiles=None if self.reference is None else self.reference.percentiles(values),
            quantiles=None if quantiles is None else in_rows(quantiles, row, n_rows),
            rejected=graphs.rejected,
            calibration=self.calibration,
        )

    def member_outputs(self, molecules: Molecules) -> MemberOutputs:
        """Outputs of the members before calibration.

        Args:
            molecules: B molecules, as for `predict_molecules`.

        Raises:
            InputError: The graphs belong to another feature schema, or the structures are needed and not there.
        """
        return self._outputs_of(MoleculeFeatures(molecules))

    def _outputs_of(self, features: MoleculeFeatures) -> MemberOutputs:
        graphs = features.molecules.graphs
        if graphs.schema != self.card.schema:
            raise InputError(
                f"graphs of schema {graphs.schema!r} cannot be predicted by a model of {self.card.schema!r}; "
                "featurize the structures again"
            )
        blocks = {name: self.card.config.blocks_of(name) for name in self.card.learners}
        read = {name: features.of(own, self.encoder) for name, own in blocks.items() if own}
        return self._model.learners.predict(graphs, read, self._network).within(*ranges(self.tasks))

    def _domain_vectors(self, features: MoleculeFeatures) -> NDArray[np.float32]:
        """`[B, H]` vectors by which the domain is measured: none that a member learned, which knows its own rows."""
        if self.encoder is not None:
            return features.vectors(self.encoder)
        return structure_vectors(features.molecules.graphs)

    def domain_reasons(self, smiles: Sequence[str]) -> list[str]:
        """Why each structure is not inside the domain, in words, `[Q]`; empty where it is, or cannot be read.

        Args:
            smiles: Q structures.
        """
        molecules = featurize_molecules(smiles, standardizer=self.standardizer)
        reasons = [""] * len(smiles)
        found = self.domain.reasons(molecules.graphs, self._domain_vectors(MoleculeFeatures(molecules)))
        for row, reason in zip(molecules.graphs.row_index.tolist(), found, strict=True):
            reasons[row] = reason
        return reasons

    def are_measured(self, smiles: Sequence[str]) -> list[bool] | None:
        """Whether each structure, in whatever stereochemistry, was measured for the training; None if not known."""
        graphs = featurize(smiles, standardizer=self.standardizer)
        found = self.domain.are_measured(graphs)
        if found is None:
            return None
        known = dict(zip(graphs.row_index.tolist(), found.tolist(), strict=True))
        return [known.get(row, False) for row in range(len(smiles))]

    @cached_property
    def vectorizer(self) -> FrozenEncoder | None:
        """What makes a vector of a molecule: the frozen encoder, or that of the first member; None without either."""
        import torch

        from molgraph.models.frozen import EncoderWeights

        network = self._model.learners.network
        if self.encoder is not None or network is None or network.encoder is None:
            return self.encoder
        state = {key: tensor[:1].float().cpu() for key, tensor in network.encoder.state_dict().items()}
        width = network.encoder.n_out
        return self._frozen(EncoderWeights(state, torch.zeros(width), torch.ones(width)), self.digest)

    def _frozen(self, weights: EncoderWeights, digest: str) -> FrozenEncoder:
        from molgraph.models.frozen import FrozenEncoder

        config, schema = self.card.config.model, self.card.schema
        return FrozenEncoder(
            config, SCHEMAS[schema].vocabulary, weights,
            schema=schema, digest=digest, device=self.device, dtype=self._dtype,
        )  # fmt: skip

    def recalibrated(self, calibration: Calibration, smiles: Sequence[str], card: ModelCard) -> StoredModel:
        """This model with another calibration, for `molgraph.model_folder.folder.save_model`.

        Percentiles go where it is not known what the reference compounds would get now.

        Args:
            calibration: The calibration.
            smiles: Standardized structures that it was fitted to, which the model knows from then on.
            card: The card that says so.
        """
        canonical = tuple(str(canonical_smiles(text)) for text in smiles)
        structures, known, reference = self._model.structures, self._model.known, self._model.reference
        molecules = featurize_molecules(smiles, standardizer="none")
        domain = self.domain.recalibrated(molecules.graphs, self._domain_vectors(MoleculeFeatures(molecules)))
        if structures is not None:
            bits = morgan_fingerprints(smiles)
            structures = replace(structures, calibration_canonical=canonical, calibration_fingerprints=bits)
        if known is not None:
            known = known.joined(known_compounds(canonical))
        if reference is not None:
            means = calibration.means_after(self.calibration, reference.values.T.astype(np.float64))
            reference = None if means is None or not np.isfinite(means).all() else reference_values(means)
            card = card if reference is not None else replace(card, reference=None)
        return replace(
            self._model,
            calibration=calibration,
            domain=domain,
            structures=structures,
            known=known,
            reference=reference,
            card=card,
        )

    def in_training(self, keys: Sequence[str]) -> list[bool] | None:
        """Whether each canonical SMILES of a standardized structure is a compound of the training or calibration.

        None if the model holds neither structures nor hashes that this RDKit would have made.
        """
        if self._model.structures is not None:
            return [key in self._training_keys for key in keys]
        if self._model.known is None or self.card.libraries.get("rdkit") != rdkit.__version__:
            return None
        found: list[bool] = np.isin(text_hashes(keys), self._model.known.exact).tolist()
        return found

    @cached_property
    def _training_keys(self) -> frozenset[str]:
        structures = self._model.structures
        if structures is None:
            return frozenset()
        if self.card.libraries.get("rdkit") == rdkit.__version__:
            return frozenset((*structures.canonical, *structures.calibration_canonical))
        # Canonical SMILES are comparable only where one RDKit wrote them.
        return frozenset(
            str(canonical_smiles(text)) for text in (*structures.smiles, *structures.calibration_canonical)
        )

    def standardized(self, smiles: Sequence[str]) -> list[str]:
        """Each structure as the model sees it; one that it cannot read as it came."""
        texts = []
        for own in smiles:
            text = standardize_smiles(own, self.standardizer)
            if isinstance(text, Rejected) or (text != own and isinstance(parse_smiles(text), Rejected)):
                text = own  # that RDKit reads what RDKit wrote is not certain
            texts.append(text)
        return texts

    def neighbours(
        self, smiles: Sequence[str], *, count: int = 1, by: NeighbourSpace = "structure"
    ) -> Neighbours | None:
        """The nearest training compounds of each structure; None if the model was saved without structures.

        Args:
            smiles: Q structures, standardized as those of the training.
            count: K; as many as there are where there are fewer.
            by: `structure` for the most similar fingerprints; `model` for the least distance in the model's own space,
                that of `Prediction.latent_distance`, where compounds can be near that share no scaffold.

        Raises:
            InputError: A structure cannot be parsed, or `by` is none of the above.
        """
        if by not in get_args(NeighbourSpace):
            raise InputError(f"by is {by!r}; choose one of {', '.join(get_args(NeighbourSpace))}")
        structures = self._model.structures
        if structures is None:
            return None
        fingerprints = morgan_fingerprints(smiles)
        index, similarity = k_nearest(fingerprints, structures.fingerprints, count if by == "structure" else 1)
        if by == "model":
            index = k_closest(self._places(smiles), self._training_places, count)
            similarity = similarities(fingerprints, structures.fingerprints, index)
        return Neighbours(
            ids=tuple(tuple(structures.ids[i] for i in row) for row in index.tolist()),
            smiles=tuple(tuple(structures.smiles[i] for i in row) for row in index.tolist()),
            similarity=similarity,
            labels=self._model.labels.take(index),
        )

    @cached_property
    def _training_places(self) -> NDArray[np.float32]:
        structures = self._model.structures
        return self._places(() if structures is None else structures.smiles)

    def _places(self, smiles: Sequence[str]) -> NDArray[np.float32]:
        """`[Q, C]` where structures lie in the model's own space; NaN for one that gives no graph."""
        molecules = featurize_molecules(smiles, standardizer=self.standardizer)
        graphs = molecules.graphs
        places = self.domain.latent.projected(self._domain_vectors(MoleculeFeatures(molecules))).astype(np.float64)
        return in_rows(places, graphs.row_index if graphs.rejected else None, len(smiles)).astype(np.float32)
