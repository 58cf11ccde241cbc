"""Panel: one model or several that score the same structures in one pass."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.standardize import StandardizerName
from molgraph.config.training import Device, Precision
from molgraph.errors import InputError
from molgraph.features.blocks import MoleculeFeatures
from molgraph.features.molecules import Molecules
from molgraph.prediction.builtin_models import model_folders
from molgraph.prediction.measured_compounds import measured_texts
from molgraph.prediction.predictor import Predictor
from molgraph.prediction.structure_predictor import StructurePredictor
from molgraph.results.prediction import IntervalCalibration, Prediction
from molgraph.results.tasks import TaskSpec
from molgraph.spelling import counted
from molgraph.uncertainty.calibration import Calibration

Floats = NDArray[np.float64]


class Panel(StructurePredictor):
    """Models that read the same graphs; structures are parsed once for all of them.

    The first model is the one whose training compounds, domain and calibration count where only one can.

    Attributes:
        tasks: The tasks of all, in order.

    Raises:
        InputError: Two models have a task of the same name, or want their structures made ready in different ways.
    """

    def __init__(self, predictors: Sequence[Predictor]) -> None:
        self._predictors = tuple(predictors)
        self.tasks: tuple[TaskSpec, ...] = tuple(task for predictor in predictors for task in predictor.tasks)
        names = [task.name for task in self.tasks]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(
                f"two of the models have the task {repeated[0]!r}, so their columns would have the same names; "
                "give each task once"
            )
        for predictor in predictors[1:]:
            for what in ("standardizer", "schema"):
                first, other = getattr(self.first.card, what), getattr(predictor.card, what)
                if first != other:
                    raise InputError(
                        f"the models were trained with the {what} {first!r} and {other!r}, so they cannot share a "
                        "pass; screen with one at a time"
                    )

    @classmethod
    def load(
        cls, models: str | Path | Sequence[str | Path], *, device: Device = "auto", precision: Precision = "float32"
    ) -> Self:
        """The models in these folders, or those of these names.

        Args:
            models: Model folder, name of a built-in model, `panel` for all of these, or e.g.
                `panel:herg,ames` for some; or several of these.
            device: Where to compute; `auto` takes a CUDA device if there is one.
            precision: Number format of the products; `auto` takes bfloat16 where the processor is fast at it.

        Raises:
            ModelError: A folder cannot be used.
            InputError: A name is none, or the models do not go together.

        Example:
            >>> from molgraph import Panel
            >>> panel = Panel.load("panel:herg,solubility")
            >>> prediction = panel.predict(["CC(=O)Oc1ccccc1C(=O)O"], domain=True)
            >>> [task.name for task in prediction.tasks], prediction.domain.tolist()
            (['herg', 'solubility'], [['inside', 'inside']])
        """
        names = [models] if isinstance(models, str | Path) else models
        return cls([Predictor.load(path, device=device, precision=precision) for path in model_folders(names)])

    def __repr__(self) -> str:
        names = ", ".join(task.name for task in self.tasks[:3]) + (", ..." if len(self.tasks) > 3 else "")
        return f"Panel({counted(len(self.predictors), 'model')}, {counted(len(self.tasks), 'task')}: {names})"

    @property
    def predictors(self) -> tuple[Predictor, ...]:
        """The models, one or more."""
        return self._predictors

    @property
    def first(self) -> Predictor:
        """The model that counts where only one can."""
        return self.predictors[0]

    @property
    def standardizer(self) -> StandardizerName:
        """Standardizer of the structures, which all of the models share."""
        return self.first.standardizer

    @property
    def digest(self) -> str:
        """One hash for all models; of one model its own."""
        if len(self.predictors) == 1:
            return self.first.digest
        return hashlib.sha256("".join(predictor.digest for predictor in self.predictors).encode()).hexdigest()

    @property
    def calibration(self) -> IntervalCalibration:
        """What gives the intervals of all tasks."""
        if len(self.predictors) == 1:
            return self.first.calibration
        return _PanelCalibration(tuple((p.calibration, len(p.tasks), p.card.n_members) for p in self.predictors))

    @property
    def no_better_than_chance(self) -> tuple[str, ...]:
        """Tasks whose calibration compounds their model ranks no better than by chance."""
        return tuple(p.tasks[t].name for p in self.predictors for t in p.calibration.no_better_than_chance)

    def check_level(self, level: float) -> None:
        """Refuse a level that the calibration compounds of a model do not allow.

        Raises:
            InputError: They are too few.
        """
        for predictor in self.predictors:
            predictor.calibration.check_level(level)

    @property
    def has_reference(self) -> tuple[bool, ...]:
        """Whether the model of each task has reference compounds, and so percentiles."""
        return tuple(predictor.reference is not None for predictor in self.predictors for _ in predictor.tasks)

    @property
    def needs_structures(self) -> bool:
        """Whether graphs alone are not enough for one of the models."""
        return any(predictor.needs_structures for predictor in self.predictors)

    def predict_molecules(self, molecules: Molecules, *, domain: bool = False) -> Prediction:
        """See `StructurePredictor.predict_molecules`. The distances are those of the first model."""
        features = MoleculeFeatures(molecules)  # what several models read is computed once
        predictions = [predictor.predict_features(features, domain=domain) for predictor in self.predictors]
        return predictions[0] if len(predictions) == 1 else _joined(predictions, self.calibration)

    def measured(self, prediction: Prediction, smiles: Sequence[str]) -> NDArray[np.object_] | None:
        """See `StructurePredictor.measured`."""
        return measured_texts([predictor.measured_compounds for predictor in self.predictors], prediction, smiles)


@dataclass(frozen=True)
class _PanelCalibration:
    """Intervals of each model's tasks by its own calibration.

    Attributes:
        parts: Calibration, number of tasks and number of members of each model.
    """

    parts: tuple[tuple[Calibration, int, int], ...]

    @property
    def is_log(self) -> tuple[bool, ...]:
        """`[T]` tasks whose errors are those of logarithms."""
        return tuple(own for calibration, _, _ in self.parts for own in calibration.is_log)

    def interval(self, prediction: Prediction, level: float) -> tuple[Floats, Floats]:
        """Lower and upper ends `[B, T]`."""
        ends = [calibration.interval(part, level) for calibration, part in self._apart(prediction)]
        return np.hstack([lower for lower, _ in ends]), np.hstack([upper for _, upper in ends])

    def calls(self, prediction: Prediction, level: float) -> NDArray[np.object_]:
        """Calls `[B, T]`."""
        return np.hstack([calibration.calls(part, level) for calibration, part in self._apart(prediction)])

    def _apart(self, prediction: Prediction) -> list[tuple[Calibration, Prediction]]:
        parts, start = [], 0
        for calibration, n_tasks, n_members in self.parts:
            own = slice(start, start + n_tasks)
            start += n_tasks
            part = Prediction(
                tasks=prediction.tasks[own],
                mean=prediction.mean[:, own],
                epistemic_var=prediction.epistemic_var[:, own],
                aleatoric_var=prediction.aleatoric_var[:, own],
                members=prediction.members[:n_members, :, own],
                quantiles=None if prediction.quantiles is None else prediction.quantiles[:, own],
            )
            parts.append((calibration, part))
        return parts


def _joined(predictions: Sequence[Prediction], calibration: IntervalCalibration) -> Prediction:
    """Predictions of the same rows as one; where a model has fewer members, the others are NaN."""
    first = predictions[0]
    n_members = max(len(prediction.members) for prediction in predictions)
    members = [
        np.pad(p.members, ((0, n_members - len(p.members)), (0, 0), (0, 0)), constant_values=np.nan)
        for p in predictions
    ]
    quantiles = None
    known = [p.quantiles for p in predictions if p.quantiles is not None]
    if known:
        shape = known[0].shape[2]
        quantiles = np.concatenate(
            [np.full((*p.mean.shape, shape), np.nan) if p.quantiles is None else p.quantiles for p in predictions],
            axis=1,
        )
    domain = [p.domain for p in predictions if p.domain is not None]  # of all, or of none
    unknown = all(p.is_measured is None for p in predictions)
    is_measured = [np.zeros(p.mean.shape, np.bool_) if p.is_measured is None else p.is_measured for p in predictions]
    percentiles = [np.full(p.mean.shape, np.nan) if p.percentiles is None else p.percentiles for p in predictions]
    return Prediction(
        tasks=tuple(task for prediction in predictions for task in prediction.tasks),
        mean=np.hstack([prediction.mean for prediction in predictions]),
        epistemic_var=np.hstack([prediction.epistemic_var for prediction in predictions]),
        aleatoric_var=np.hstack([prediction.aleatoric_var for prediction in predictions]),
        members=np.concatenate(members, axis=2),
        latent_distance=first.latent_distance,
        leverage=first.leverage,
        domain=np.hstack(domain) if domain else None,
        is_measured=None if unknown else np.hstack(is_measured),
        percentiles=np.hstack(percentiles) if any(p.percentiles is not None for p in predictions) else None,
        quantiles=quantiles,
        rejected=first.rejected,
        calibration=calibration,
    )
