"""`tune`: settings of the network that predict best what its members have not seen, found by Optuna."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from molgraph.config.training import TrainConfig, settings_by_name
from molgraph.datasets.dataset import Dataset
from molgraph.errors import InputError, TrainingError
from molgraph.metrics.scores import METRICS
from molgraph.storage.atomic import atomic_path, make_folder
from molgraph.training.ensemble import train_ensemble
from molgraph.training.training_progress import TrainProgress

STUDY = "study.sqlite"
BEST = "best.toml"
TRIALS = "trials.csv"
_NAME = "molgraph"
_ABOUT = "about"

#: Epochs after which the median of other trials may end one that is worse.
_LEAST_EPOCHS = 5


@dataclass(frozen=True)
class Range:
    """What a setting may be.

    Attributes:
        low: Least value.
        high: Largest value.
        step: Distance of the values between; None where all are possible, evenly in their logarithm.
    """

    low: float
    high: float
    step: float | None = None


#: What is searched, by the name of the setting; that of its group stands before it.
SEARCH_SPACE: Mapping[str, Range | tuple[str, ...]] = MappingProxyType(
    {
        "model.hidden": Range(100, 600, 50),
        "model.depth": Range(2, 6, 1),
        "model.head_layers": Range(1, 3, 1),
        "model.dropout": Range(0.0, 0.4, 0.05),
        "model.readout": ("norm", "mean", "sum"),
        "optimizer.peak_lr": Range(3e-4, 3e-3),
        "optimizer.weight_decay": Range(1e-6, 1e-2),
        "batch_size": Range(16, 128, 16),
        "optimizer.warmup_epochs": Range(1, 5, 1),
    }
)


@dataclass(frozen=True)
class Trial:
    """One choice of settings.

    Attributes:
        number: Counted from 0.
        settings: By name, as in `SEARCH_SPACE`.
        value: Mean out-of-fold loss over the tasks; None if the trial was ended early.
    """

    number: int
    settings: dict[str, Any]
    value: float | None


@dataclass(frozen=True)
class TuneResult:
    """What tuning found.

    Attributes:
        config: The best settings.
        best: The trial that had them.
        trials: All trials, of this run and those before it.
        default_value: The loss of the settings that tuning began with.
    """

    config: TrainConfig
    best: Trial
    trials: tuple[Trial, ...]
    default_value: float


def tune(
    dataset: Dataset,
    output: str | Path,
    *,
    n_trials: int = 30,
    config: TrainConfig | None = None,
    on_trial: Callable[[Trial], None] = lambda _trial: None,
) -> TuneResult:
    """Try settings of the network, and write the best as `best.toml` for `config_from_toml`, and for `molgraph train`.

    Each trial trains as `train` does, and is scored by its out-of-fold predictions:
    root mean squared error over the labels' deviation, or 1 - ROC AUC, mean over the tasks. A trial whose loss on inner
    rows lies above the median of the others at the same epoch is ended. The first trial has the settings of `config`.
    All trials are kept in `study.sqlite`, so another call with the same data goes on with them.

    Args:
        dataset: Structures and labels.
        output: Folder of the study.
        n_trials: Trials in all, those of earlier calls included.
        config: Settings that are not searched, and the first trial.
        on_trial: Called after each trial.

    Raises:
        InputError: Optuna is not installed, or the folder holds a study of other data or settings.
    """
    optuna = _optuna()
    if n_trials < 1:
        raise InputError(f"n_trials is {n_trials}; it must be 1 or more")
    base = replace(config or TrainConfig(), learner="network")
    folder = make_folder(output)
    study = _open_study(optuna, folder, dataset, base)
    finished = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    if not study.get_trials(states=finished):
        study.enqueue_trial(_settings_of(base), skip_if_exists=True)
    while len(study.get_trials(deepcopy=False, states=finished)) < n_trials:
        study.optimize(lambda trial: _objective(optuna, trial, dataset, base), n_trials=1, catch=(TrainingError,))
        on_trial(_trial(study.get_trials(deepcopy=False)[-1]))
    trials = tuple(_trial(trial) for trial in study.get_trials(deepcopy=False, states=finished))
    completed = [trial for trial in trials if trial.value is not None]
    if not completed:
        raise InputError(f"none of {len(trials)} trials was trained to its end; give more trials")
    best = min(completed, key=lambda trial: (trial.value, trial.number))
    result = TuneResult(_with(base, best.settings), best, trials, float(completed[0].value or 0.0))
    _write(folder, result)
    return result


def _open_study(optuna: Any, folder: Path, dataset: Dataset, base: TrainConfig) -> Any:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(f"sqlite:///{(folder / STUDY).resolve()}")
    n_before = 0
    if _NAME in optuna.study.get_all_study_names(storage):
        n_before = len(optuna.load_study(study_name=_NAME, storage=storage).get_trials(deepcopy=False))
    study = optuna.create_study(
        study_name=_NAME,
        storage=storage,
        # Another seed for each call, or a study that goes on would draw again what it has drawn.
        sampler=optuna.samplers.TPESampler(seed=base.seed + n_before, multivariate=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=_LEAST_EPOCHS),
        direction="minimize",
        load_if_exists=True,
    )
    about = {"data": dataset.fingerprint, "settings": json.dumps(asdict(base), sort_keys=True)}
    before = study.user_attrs.get(_ABOUT)
    if before is not None and before != about:
        what = "data" if before.get("data") != about["data"] else "settings"
        raise InputError(f"{folder} holds a study of other {what}; give another folder, or go on with the same")
    study.set_user_attr(_ABOUT, about)
    return study


def _objective(optuna: Any, trial: Any, dataset: Dataset, base: TrainConfig) -> float:
    config = _with(base, {name: _suggest(trial, name) for name in SEARCH_SPACE})
    losses: dict[int, list[float]] = {}
    reported: set[int] = set()

    def listen(progress: TrainProgress) -> None:
        if progress.inner_loss is not None:
            losses.setdefault(progress.epoch, []).append(progress.inner_loss)
        # Members train side by side: an epoch is reported when the first of them is two epochs further.
        done = progress.epoch - 2
        if done in losses and done not in reported:
            reported.add(done)
            trial.report(float(np.mean(losses[done])), done)
            if trial.should_prune():
                raise optuna.TrialPruned

    return _loss(dataset, train_ensemble(dataset, config, on_progress=listen).metrics)


def _loss(dataset: Dataset, metrics: Any) -> float:
    parts = []
    for t, task in enumerate(metrics):
        leading = task.scores[0]
        if np.isfinite(leading.mean):
            labels = dataset.labels.values[:, t]
            is_loss = METRICS[leading.metric].direction == "minimize"
            parts.append(leading.mean / max(float(np.nanstd(labels)), 1e-12) if is_loss else 1.0 - leading.mean)
    return float(np.mean(parts)) if parts else float("inf")


def _suggest(trial: Any, name: str) -> Any:
    space = SEARCH_SPACE[name]
    if isinstance(space, tuple):
        return trial.suggest_categorical(name, space)
    if space.step is None:
        return trial.suggest_float(name, space.low, space.high, log=True)
    if float(space.low).is_integer() and float(space.step).is_integer():
        return trial.suggest_int(name, int(space.low), int(space.high), step=int(space.step))
    return trial.suggest_float(name, space.low, space.high, step=space.step)


def _with(base: TrainConfig, settings: Mapping[str, Any]) -> TrainConfig:
    groups: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        group, _, own = name.rpartition(".")
        groups.setdefault(group, {})[own] = value
    top, model, optimizer = (groups.get(group, {}) for group in ("", "model", "optimizer"))
    if "peak_lr" in optimizer:  # the schedule keeps its shape
        scale = optimizer["peak_lr"] / base.optimizer.peak_lr
        optimizer |= {name: getattr(base.optimizer, name) * scale for name in ("initial_lr", "final_lr")}
    if "hidden" in model:
        model["head_hidden"] = model["hidden"]
    return replace(base, model=replace(base.model, **model), optimizer=replace(base.optimizer, **optimizer), **top)


def _settings_of(config: TrainConfig) -> dict[str, Any]:
    """The settings that are searched, as near to these as the search space allows."""
    values, settings = dict[str, Any](), settings_by_name(config)
    for name, space in SEARCH_SPACE.items():
        value = settings[name]
        if isinstance(space, Range):
            value = min(max(value, space.low), space.high)
            if space.step is not None:
                value = space.low + round((value - space.low) / space.step) * space.step
        values[name] = value
    return values


def _trial(trial: Any) -> Trial:
    is_complete = trial.state.name == "COMPLETE"
    return Trial(trial.number, dict(trial.params), float(trial.value) if is_complete else None)


def _write(folder: Path, result: TuneResult) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "loss", *SEARCH_SPACE])
    for trial in result.trials:
        loss = "" if trial.value is None else f"{trial.value:.6g}"
        writer.writerow([trial.number, loss, *(trial.settings.get(name, "") for name in SEARCH_SPACE)])
    with atomic_path(folder / TRIALS) as path:
        path.write_text(text.getvalue(), encoding="utf-8")
    with atomic_path(folder / BEST) as path:
        path.write_text(to_toml(result.config), encoding="utf-8")


def to_toml(config: TrainConfig) -> str:
    """The settings that differ from the defaults, as `config_from_toml` reads them.

    >>> from molgraph.config.training import ModelConfig
    >>> print(to_toml(TrainConfig(epochs=80, model=ModelConfig(hidden=400))))
    epochs = 80
    <BLANKLINE>
    [model]
    hidden = 400
    <BLANKLINE>
    """
    default, lines = settings_by_name(TrainConfig()), dict[str, list[str]]()
    for name, value in settings_by_name(config).items():
        if value != default[name]:
            group, _, own = name.rpartition(".")
            lines.setdefault(group, []).append(f"{own} = {json.dumps(value)}")
    tables = [line for group, own in lines.items() if group for line in ("", f"[{group}]", *own)]
    return "\n".join([*lines.get("", ()), *tables]) + "\n"


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise InputError("tuning needs Optuna: pip install 'molgraph-toolkit[tune]'") from error
    return optuna
