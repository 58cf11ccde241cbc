"""The calibration of a model folder, read from arrays that are checked against its settings."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from molgraph.config.uncertainty import CalibrationSettings
from molgraph.results.labels import labels_from_arrays
from molgraph.results.member_outputs import QUANTILE_LEVELS
from molgraph.results.tasks import TaskKind, are_labels_of
from molgraph.uncertainty.calibration import Calibration, is_positive
from molgraph.uncertainty.calibration_data import CalibrationData
from molgraph.uncertainty.probabilities import ProbabilityCalibration, probability_calibration_from_arrays
from molgraph.uncertainty.variance_scaling import VarianceScaling


def calibration_from_arrays(
    kinds: tuple[TaskKind, ...], arrays: Mapping[str, NDArray[np.generic]], settings: CalibrationSettings
) -> Calibration:
    """The calibration that `Calibration.to_arrays` took apart.

    Raises:
        KeyError: An array is missing.
        ValueError: An array has another type or shape, or `model` is not below `settings.n_models`.
    """
    model = arrays["model"]
    if model.dtype != np.int64 or model.ndim != 1:
        raise ValueError(f"model is {model.dtype} {model.shape}, not int64 [n]")
    if len(model) and not 0 <= model.min() <= model.max() < settings.n_models:
        raise ValueError(f"model is not a row of numbers below {settings.n_models}")
    n = len(model)
    tables = {}
    shapes = {name: (n, len(kinds)) for name in ("labels", "mean", "aleatoric_var", "epistemic_var")}
    optional = {"quantiles": (n, len(kinds), len(QUANTILE_LEVELS)), "bounds": (2, n, len(kinds))}
    for name, shape in (shapes | {name: shape for name, shape in optional.items() if name in arrays}).items():
        array = arrays[name]
        if array.dtype != np.float64 or array.shape != shape:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, not float64 {shape}")
        tables[name] = np.asarray(array, dtype=np.float64)
    if not are_labels_of(kinds, tables["labels"]):
        raise ValueError("a class has labels other than 0 and 1")
    scalings: list[VarianceScaling | None] = []
    probabilities: list[ProbabilityCalibration | None] = []
    for t, kind in enumerate(kinds):
        is_class = kind == "classification"
        scalings.append(None if is_class else _scaling(arrays[f"scaling.{t}"]))
        prefix = f"probability.{t}."
        maps = {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
        probabilities.append(probability_calibration_from_arrays(settings.classes, maps) if is_class else None)
    data = CalibrationData(
        model=np.asarray(model, dtype=np.int64),
        labels=labels_from_arrays(tables),
        mean=tables["mean"],
        aleatoric_var=tables["aleatoric_var"],
        epistemic_var=tables["epistemic_var"],
        quantiles=tables.get("quantiles"),
    )
    is_log = arrays["is_log"]
    if is_log.dtype != np.bool_ or is_log.shape != (len(kinds),):
        raise ValueError(f"is_log is {is_log.dtype} {is_log.shape}, not bool {(len(kinds),)}")
    if any(log and not is_positive(data, t) for t, log in enumerate(is_log.tolist())):
        raise ValueError("is_log names a task with labels or predictions that are not above 0")
    return Calibration(kinds, settings, data, tuple(scalings), tuple(probabilities), tuple(is_log.tolist()))


def _scaling(array: NDArray[np.generic]) -> VarianceScaling:
    if array.dtype != np.float64 or array.shape != (3,):
        raise ValueError(f"a scaling is {array.dtype} {array.shape}, not float64 (3,)")
    constant, aleatoric, epistemic = np.asarray(array, dtype=np.float64).tolist()
    return VarianceScaling(constant=constant, aleatoric=aleatoric, epistemic=epistemic)
