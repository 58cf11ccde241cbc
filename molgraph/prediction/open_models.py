"""Models as a caller has them, opened for prediction: folders and names, or what is loaded already."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeAlias

from molgraph.config.compute import ComputeConfig
from molgraph.errors import InputError
from molgraph.prediction.builtin_models import model_folders
from molgraph.prediction.panel import Panel
from molgraph.prediction.parallel_predict import ModelSource, ParallelPredictor, open_parallel_predictor
from molgraph.prediction.predictor import Predictor

#: A model folder or the name of a built-in model, or a model that is loaded.
Model: TypeAlias = Predictor | Panel | str | Path


def model_list(model: Model | Sequence[Model]) -> list[Model]:
    """One model, or several, as a list.

    Raises:
        InputError: There is none.
    """
    models = [model] if isinstance(model, str | Path) or not isinstance(model, Sequence) else [*model]
    if not models:
        raise InputError("there is no model; give one model folder, or more")
    return models


def model_paths(models: Sequence[Model]) -> list[str | Path]:
    """Those that are folders or names."""
    return [one for one in models if isinstance(one, str | Path)]


def open_models(models: Sequence[Model], compute: ComputeConfig) -> AbstractContextManager[ParallelPredictor]:
    """What predicts batches with all of these models; several processes need models that are not loaded yet.

    Raises:
        InputError: Some models are loaded and some are not.
    """
    paths = model_folders(model_paths(models))
    loaded = [one for one in models if not isinstance(one, str | Path)]
    if not loaded:
        source = ModelSource(paths, compute.device, compute.precision)
        others = None
        if compute.engine == "ray":
            from molgraph.prediction.ray_workers import start_ray_workers

            others = start_ray_workers(source, compute.address)
        return open_parallel_predictor(source, compute.processes_that_fit, domain=True, others=others)
    if paths:
        raise InputError("some models are loaded and some are folders; load all of them, or none")
    parts = [part for one in loaded for part in one.predictors]
    return nullcontext(ParallelPredictor(Panel(parts), domain=True))
