"""Split conformal recalibration of a trained model, from compounds that no member was trained on."""

from dataclasses import replace

import numpy as np

from molgraph.datasets.dataset import Dataset
from molgraph.errors import InputError
from molgraph.model_folder.folder import StoredModel
from molgraph.prediction.predictor import Predictor
from molgraph.results.member_outputs import MemberOutputs
from molgraph.uncertainty.calibration import fit_calibration
from molgraph.uncertainty.calibration_data import CalibrationData
from molgraph.uncertainty.conformal import rows_needed

#: Level whose intervals must be finite after recalibration: it sets the least number of compounds.
_LEAST_LEVEL = 0.9


def recalibrated_model(predictor: Predictor, dataset: Dataset, outputs: MemberOutputs) -> StoredModel:
    """The model with variances, probabilities, intervals, calls and p-values calibrated on these compounds alone.

    Their predictions are those of the whole ensemble, as for new compounds, so the guarantees of split conformal
    prediction hold exactly for compounds drawn from the same distribution. Weights and applicability domain stay as
    they are.

    Args:
        predictor: A model.
        dataset: n new compounds; labels are `[n, T]`.
        outputs: Outputs of the members for them.

    Raises:
        InputError: A task has too few compounds.
    """
    _check_rows(predictor, dataset)
    pooled = outputs.pooled()
    data = CalibrationData(
        model=np.zeros(len(dataset), dtype=np.int64),
        labels=dataset.labels,
        mean=pooled.mean,
        aleatoric_var=pooled.aleatoric_var,
        epistemic_var=pooled.epistemic_var,
        quantiles=pooled.quantiles,
    )
    settings = replace(predictor.calibration.settings, rows="split", n_models=1)
    kinds = tuple(task.kind for task in predictor.tasks)
    calibration = fit_calibration(kinds, data, settings, is_log=predictor.calibration.is_log)
    card = replace(
        predictor.card,
        calibration=settings,
        calibration_rows=tuple(sum(counts) for counts in calibration.rows_of),
        recalibrated_on=dataset.account(),
    )
    return predictor.recalibrated(calibration, dataset.smiles, card)


def _check_rows(predictor: Predictor, dataset: Dataset) -> None:
    needed = rows_needed(_LEAST_LEVEL)
    for t, task in enumerate(predictor.tasks):
        labels = dataset.labels.task(t).measured
        counts = {"": len(labels)}
        if task.kind == "classification":
            counts = {f" of class {c}": int((labels == c).sum()) for c in (0, 1)}
        for which, count in counts.items():
            if count < needed:
                raise InputError(
                    f"task {task.name} has {count} compounds{which} to calibrate with; {_LEAST_LEVEL:.0%} intervals "
                    f"need at least {needed}, and some hundred are better"
                )
