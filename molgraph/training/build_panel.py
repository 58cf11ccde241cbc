"""The panel as it is made: a table of endpoints, and a model of each, trained for the package data.

Models are Gaussian processes on the embeddings of the built-in encoder, which costs the whole panel one pass of
it. Where a network of its own pays for one more, an endpoint blends that with its process; what decided that is in
`benchmarks/README.md`. The models hold vectors and hashes of their training compounds and no structures, and read the
encoder of the installation instead of holding a copy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molgraph.chem.identity import parent_key
from molgraph.config.encoder import EncoderConfig
from molgraph.config.learners import LearnerName, Preset
from molgraph.config.training import TrainConfig
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.tables import read_table
from molgraph.files import open_records
from molgraph.model_folder.card import About
from molgraph.model_folder.folder import save_model
from molgraph.model_folder.percentiles import reference_values
from molgraph.prediction.predictor import Predictor
from molgraph.results.member_outputs import MemberOutputs
from molgraph.results.tasks import Direction, TaskKind
from molgraph.storage.atomic import make_folder
from molgraph.storage.decode import decode_toml
from molgraph.storage.decode_typed import decode
from molgraph.training.ensemble import train_ensemble
from molgraph.training.out_of_fold import TrainedEnsemble
from molgraph.training.train import to_stored_model


@dataclass(frozen=True)
class EndpointTask:
    """One column of an endpoint's table.

    Attributes:
        column: Its name in the table.
        name: Name of the task.
        unit: Unit of the values; None for classes.
        direction: Which way is better; None where that depends on the project.
        lowest: Least value that the quantity can have; None if there is none.
        highest: Largest value that it can have; None if there is none.
        class_names: What classes 0 and 1 are called; None for inactive and active.
    """

    column: str
    name: str
    unit: str | None
    direction: Direction | None
    lowest: float | None = None
    highest: float | None = None
    class_names: tuple[str, str] | None = None


@dataclass(frozen=True)
class Endpoint:
    """One model of the panel.

    Attributes:
        name: Its name, and that of its folder.
        file: Table that it is learned from, in the folder of data sets.
        smiles_column: Column of structures.
        kind: What the columns hold.
        learner: What learns it; None for what `preset` blends.
        preset: Learners that are blended instead of one, with a fine-tuned encoder where the rows are many.
        folds: Members, as in `TrainConfig`.
        tasks: Columns that are learned.
        about: Description of the built-in model on its card.
    """

    name: str
    file: str
    smiles_column: str
    kind: TaskKind
    learner: LearnerName | None
    preset: Preset
    folds: int
    tasks: tuple[EndpointTask, ...]
    about: About


#: The reference compounds, in the folder of data sets, and what they are called.
REFERENCE_FILE = "libraries/chembl_approved_drugs.csv"
REFERENCE_NAME = "{count:,} approved drugs (ChEMBL)"

_RECIPE = "panel.toml"


def endpoints() -> tuple[Endpoint, ...]:
    """The endpoints of `data/panel.toml`.

    Raises:
        InputError: The file says something that is not allowed.

    >>> [endpoint.name for endpoint in endpoints()][:2]
    ['herg', 'ames']
    """
    values = decode_toml(resources.files("molgraph_data").joinpath(_RECIPE).read_bytes())
    return tuple(_endpoint(entry, values["not_for"]) for entry in values["endpoints"])


def _endpoint(entry: Mapping[str, Any], not_for: str) -> Endpoint:
    values = dict(entry)
    own = {key: values.pop(key) for key in ("title", "group", "source", "licence")}
    about = {**own, "not_for": not_for, "defects": values.pop("defects", [])}
    tasks = [{"unit": None, "direction": None, "name": task["column"], **task} for task in values.pop("tasks")]
    learner = None if "preset" in values else "gp_embedding"
    defaults = {"learner": learner, "preset": TrainConfig.preset, "folds": TrainConfig.folds}
    whole = {**defaults, **values, "tasks": tasks, "about": about}
    return decode(Endpoint, whole, f"{_RECIPE}: {values.get('name')}")


def endpoint_dataset(endpoint: Endpoint, data: str | Path) -> Dataset:
    """The labelled structures of an endpoint.

    Args:
        endpoint: One of `endpoints`.
        data: Folder of data sets.

    Raises:
        InputError: The table is not there, or is not what the recipe says.
    """
    columns = [task.column for task in endpoint.tasks]
    dataset = read_table(
        Path(data, endpoint.file),
        smiles_column=endpoint.smiles_column,
        target_columns=columns,
        task_kind=endpoint.kind,
        units={task.column: task.unit for task in endpoint.tasks if task.unit is not None},
        directions={task.column: task.direction for task in endpoint.tasks if task.direction is not None},
        as_is=True,
        name=endpoint.file,
    )
    tasks = tuple(
        replace(task, name=own.name, class_names=own.class_names)
        for task, own in zip(dataset.tasks, endpoint.tasks, strict=True)
    )
    known = {own.name: (own.lowest, own.highest) for own in endpoint.tasks if endpoint.kind == "regression"}
    return replace(dataset, tasks=tasks).with_ranges(known)


def build_endpoint(endpoint: Endpoint, data: str | Path, output: str | Path) -> Predictor:
    """Train the model of an endpoint and write its folder, in the folder `output`.

    Args:
        endpoint: One of `endpoints`.
        data: Folder of data sets.
        output: Folder of models.

    Raises:
        InputError: A table cannot be used, or the model's folder exists.
    """
    dataset = endpoint_dataset(endpoint, data)
    config = TrainConfig(
        preset=endpoint.preset,
        learner=endpoint.learner,
        folds=endpoint.folds,
        encoder=EncoderConfig(tuning="auto" if endpoint.learner is None else "frozen"),
        device="cpu",
    )
    trained = train_ensemble(dataset, config)
    model = to_stored_model(dataset, trained, keep="hashes")
    drugs = _reference_structures(Path(data, REFERENCE_FILE))
    mean = Predictor(model, digest="", device="cpu").predict(drugs).mean
    reference = reference_values(_unseen(mean, drugs, dataset, trained))
    card = replace(
        model.card,
        about=replace(endpoint.about, defects=(*endpoint.about.defects, *_defects(dataset))),
        reference=REFERENCE_NAME.format(count=reference.values.shape[1]),
    )
    folder = Path(output, endpoint.name)
    save_model(folder, replace(model, card=card, reference=reference), with_encoder=False)
    return Predictor.load(folder, device="cpu")


def build_panel(
    data: str | Path, output: str | Path, *, tell: Callable[[str], None] = lambda _line: None
) -> tuple[Path, ...]:
    """Train the models of all endpoints that `output` does not hold yet; returns their folders.

    Args:
        data: Folder of data sets.
        output: Folder of models.
        tell: Called with a line for people after each model.

    Raises:
        InputError: A table cannot be used.
    """
    make_folder(output)
    folders = []
    for endpoint in endpoints():
        folder = Path(output, endpoint.name)
        folders.append(folder)
        if folder.exists():
            continue
        card = build_endpoint(endpoint, data, output).card
        first = card.metrics[0]
        shown = "undefined" if first.mean is None else f"{first.mean:.3f}"
        tell(f"{endpoint.name}: {card.data.rows_used:,} compounds, cross-validated {first.metric} {shown}")
    return tuple(folders)


def _reference_structures(path: Path) -> list[str]:
    with open_records(str(path)) as reader:
        return [text for batch in reader for text in batch.smiles]


def _unseen(
    mean: NDArray[np.float64], drugs: Sequence[str], dataset: Dataset, trained: TrainedEnsemble
) -> NDArray[np.float64]:
    """Predictions `[n, T]` of the reference compounds, without what is remembered of those that were trained on.

    A compound of the training, or its salt, stereoisomer or tautomer, gets the out-of-fold prediction, or NaN where
    there is none: else it would be its remembered label that a new compound is ranked among.
    """
    held_out = MemberOutputs(trained.out_of_fold[None], *(np.zeros((2, 1, *trained.out_of_fold.shape))))
    out_of_fold = trained.calibration.apply(held_out)[0]
    rows_of: dict[str, list[int]] = {}
    for row, text in enumerate(dataset.smiles):
        rows_of.setdefault(str(parent_key(text)), []).append(row)
    found = mean.copy()
    for i, text in enumerate(drugs):
        key = parent_key(text)
        if isinstance(key, str) and key in rows_of:
            found[i] = out_of_fold[rows_of[key]].mean(axis=0)
    return found


def _defects(dataset: Dataset) -> tuple[str, ...]:
    """What was found wrong with the table when it was read, and done about it."""
    account = dataset.account()
    found = []
    if account.rejected:
        found.append(f"{account.rejected:,} rows gave no molecule and were left out.")
    if account.merged_groups:
        found.append(
            f"{account.merged_groups:,} structures came several times and were merged, "
            f"{account.conflicting_groups:,} of them with labels that contradict each other."
        )
    return tuple(found)
