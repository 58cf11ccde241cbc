"""`train`: from a table to a model folder."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np

from molgraph.applicability.applicability import without_measured
from molgraph.chem.fingerprints import morgan_fingerprints
from molgraph.chem.identity import canonical_smiles, known_compounds
from molgraph.chem.standardize import STANDARDIZERS
from molgraph.config.training import KindChoice, TrainConfig
from molgraph.datasets.dataset import Dataset
from molgraph.datasets.tables import read_table
from molgraph.errors import InputError
from molgraph.features.blocks import BLOCKS, ENCODER
from molgraph.features.schema import SCHEMAS
from molgraph.files.frames import TableLike
from molgraph.model_folder.card import MetricRecord, ModelCard
from molgraph.model_folder.folder import StoredModel, check_model_target, none_if_undefined, save_model
from molgraph.model_folder.libraries import library_versions
from molgraph.model_folder.parts import TrainingStructures
from molgraph.prediction.predictor import Predictor
from molgraph.results.labels import Labels
from molgraph.results.tasks import Direction
from molgraph.storage.locks import exclusive
from molgraph.training.domain_errors import domain_records
from molgraph.training.ensemble import train_ensemble
from molgraph.training.out_of_fold import TrainedEnsemble, calibration_rows
from molgraph.training.training_progress import ProgressListener, silent
from molgraph.uncertainty.unordered import own_order
from molgraph.version import __version__


def train(
    table: TableLike | Dataset,
    *,
    output: str | Path,
    target_columns: Sequence[str] | None = None,
    smiles_column: str | None = None,
    id_column: str | None = None,
    weight_column: str | None = None,
    task_kind: KindChoice = "auto",
    units: Mapping[str, str] | str | None = None,
    directions: Mapping[str, Direction] | None = None,
    missing: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    as_is: bool = False,
    ranges: Mapping[str, tuple[float | None, float | None]] | None = None,
    config: TrainConfig | None = None,
    resume: bool = False,
    overwrite: bool = False,
    keep_structures: bool = True,
    processes: int = 1,
    on_progress: ProgressListener = silent,
) -> Predictor:
    r"""A trained ensemble, saved in the folder `output` and ready to predict.

    Args:
        table: File with structures and labels; a frame of pandas, polars or Arrow, or a mapping of columns; or a
            `Dataset` that was read before.
        output: Model folder to write. While training runs, its state is in `<output>.training` beside it.
        target_columns: Columns to learn, or `["*"]` for all of numbers; may be left out if only one can be meant.
        smiles_column: Column of structures; found by name if left out.
        id_column: Column of identifiers; found by name if left out.
        weight_column: Column with the weight of each row in the loss.
        task_kind: What the columns hold; `auto` takes columns of two classes for classification.
        units: Unit of a column, by name; or one of all concentrations whose columns name none, e.g. `nM`.
        directions: Which way a column is better, by its name or that of the task that is learned of it.
        missing: Cells that mean "not measured" besides the usual ones, e.g. `["-999", "inactive"]`.
        where: Rows to take: the text that they must have in a column, e.g. `{"Standard Type": "IC50"}`.
        as_is: Learn the numbers as they are, and recognise no quantities, units and relations: an IC50 in nM is learned
            as pIC50 otherwise, see `molgraph.datasets.tables.read_table`.
        ranges: Least and largest value that a column can have, by name, e.g. `{"bound": (0.0, 100.0)}` for per cent;
            None where there is none. No prediction and no end of an interval is outside.
        config: Settings; the defaults train five members.
        resume: Go on where a killed training stopped; the model is the same as if it had not been killed.
        overwrite: Replace `output` if it exists.
        keep_structures: Store the training compounds, which show the neighbours of hits. Without them the model holds
            no row of any compound but where it lies in the space of the domain, and calibrates from labels in no order;
            learners that hold rows are left out of a preset, and refused by name.
        processes: Processes that compute RDKit's descriptors, where a learner reads them (two of `accurate` do). A
            script that asks for several must guard its start with `if __name__ == "__main__":`. The rest is the work
            of threads, one a core.
        on_progress: Called after each training step.

    Raises:
        InputError: The table or a setting cannot be used, or `output` exists.
        DeviceError: The device is not there.
        TrainingError: The loss is not finite, or there is nothing that fits to resume from.
        WorkerError: A process that computes descriptors died.

    Example:
        >>> import tempfile
        >>> from molgraph import TrainConfig, train
        >>> folder = Path(tempfile.mkdtemp())
        >>> rows = "\n".join(f"{'C' * n}O,{n}" for n in range(1, 21))
        >>> _ = (folder / "assay.csv").write_text("smiles,y\n" + rows)
        >>> config = TrainConfig(folds=2, epochs=2)
        >>> model = train(folder / "assay.csv", target_columns=["y"], output=folder / "model", config=config)
        >>> model
        Predictor(1 task: y; 2 models, on cpu)
        >>> model.card.metrics[0].metric
        'rmse'
    """
    config = config or TrainConfig()
    _refuse_unwritable(Path(output), overwrite=overwrite)
    if isinstance(table, Dataset):
        dataset = table
        options = (target_columns, smiles_column, id_column, weight_column, units, directions, missing, where, as_is)
        if any(options) or task_kind != "auto":
            raise InputError("table is a Dataset, whose columns were chosen when it was read; leave out their options")
    else:
        dataset = read_table(
            table,
            smiles_column=smiles_column,
            target_columns=target_columns,
            task_kind=task_kind,
            weight_column=weight_column,
            id_column=id_column,
            standardizer=config.standardizer,
            units=units,
            directions=directions,
            missing=missing,
            where=where,
            as_is=as_is,
        )
    dataset = dataset.with_ranges(ranges or {})
    target = os.path.realpath(output)  # "." means another folder once the new one has taken its place
    state_folder = Path(f"{target}.training")
    with exclusive(
        Path(f"{state_folder}.lock"),
        f"{output} is being trained by another process; wait for it, or give another output",
    ):
        trained = train_ensemble(
            dataset,
            config,
            checkpoint_folder=state_folder,
            resume=resume,
            processes=processes,
            keeps_rows=keep_structures,
            on_progress=on_progress,
        )
        model = to_stored_model(dataset, trained, keep="structures" if keep_structures else "nothing")
        save_model(target, model, overwrite=overwrite)
        shutil.rmtree(state_folder, ignore_errors=True)
    return Predictor.load(target, device=config.device)


def to_stored_model(
    dataset: Dataset, trained: TrainedEnsemble, *, keep: Literal["structures", "hashes", "nothing"] = "structures"
) -> StoredModel:
    """What `save_model` writes, from what training gave.

    Args:
        dataset: The rows.
        trained: What was learned of them.
        keep: What is kept of the compounds: hashes recognise those that somebody has, and show none.
    """
    structures = known = None
    canonical = () if keep == "nothing" else tuple(str(canonical_smiles(text)) for text in dataset.smiles)
    if keep == "hashes":
        known = known_compounds(canonical)
    if keep == "structures":
        fingerprints = morgan_fingerprints(dataset.smiles)
        calibrating = calibration_rows(trained.fold, split=trained.config.uncertainty.calibration == "split")
        structures = TrainingStructures(
            ids=dataset.ids,
            smiles=dataset.smiles,
            canonical=canonical,
            fingerprints=fingerprints,
            calibration_canonical=tuple(canonical[i] for i in calibrating),
            calibration_fingerprints=fingerprints[calibrating],
        )
    model = StoredModel(
        card=_card(dataset, trained, has_structures=structures is not None),
        learners=trained.learners,
        calibration=trained.calibration,
        domain=without_measured(trained.domain) if keep == "nothing" else trained.domain,
        fold=trained.fold,
        labels=dataset.labels,
        out_of_fold=trained.out_of_fold,
        structures=structures,
        encoder=trained.encoder.weights if trained.encoder and ENCODER in _blocks(trained) else None,
        known=known,
    )
    return _without_rows(model) if keep == "nothing" else model


def _without_rows(model: StoredModel) -> StoredModel:
    """The same model without what stands in the order of the table."""
    data, latent = model.calibration.data, model.domain.latent
    order = own_order(data)
    places = latent.reference[np.lexsort(latent.reference.T)]
    return replace(
        model,
        calibration=replace(model.calibration, data=data.take(order)),
        domain=replace(
            model.domain,
            calibration=model.domain.calibration[order],
            latent=replace(latent, reference=places),
        ),
        fold=model.fold[:0],
        labels=Labels(model.labels.values[:0]),
        out_of_fold=model.out_of_fold[:0],
    )


def _blocks(trained: TrainedEnsemble) -> tuple[str, ...]:
    """Columns that the learners read."""
    return tuple(dict.fromkeys(name for own in trained.names for name in trained.config.blocks_of(own)))


def _refuse_unwritable(output: Path, *, overwrite: bool) -> None:
    """Notice before hours of training that the model could not be written after them."""
    try:
        check_model_target(output, overwrite=overwrite)
        parent = Path(os.path.realpath(output)).parent
        if not parent.is_dir():
            raise InputError(f"cannot write {output}: the folder {parent} does not exist; make it first")
        with TemporaryDirectory(dir=parent, prefix=".tmp-"):
            pass
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}; check the name and the permissions") from error


def _card(dataset: Dataset, trained: TrainedEnsemble, *, has_structures: bool) -> ModelCard:
    config = trained.config
    return ModelCard(
        molgraph_version=__version__,
        tasks=dataset.tasks,
        schema=trained.schema,
        schema_hash=SCHEMAS[trained.schema].schema_hash,
        standardizer=config.standardizer,
        standardizer_version=STANDARDIZERS[config.standardizer].version,
        n_members=trained.learners.n_members,
        learners=trained.names,
        blocks={name: BLOCKS[name].identity for name in _blocks(trained) if name != ENCODER},
        config=config,
        encoder=None if trained.encoder is None else trained.encoder.digest,
        data=dataset.account(),
        metrics=_metric_records(trained),
        best_epochs=trained.best_epochs,
        calibration=trained.calibration.settings,
        calibration_rows=tuple(sum(counts) for counts in trained.calibration.rows_of),
        recalibrated_on=None,
        has_structures=has_structures,
        domain=domain_records(dataset, trained),
        reference=None,
        about=None,
        libraries=library_versions("python", "numpy", "rdkit", "torch"),
        files={},
        new_series=trained.new_series,
        new_series_unknown=trained.new_series_unknown,
    )


def _metric_records(trained: TrainedEnsemble) -> tuple[MetricRecord, ...]:
    return tuple(
        MetricRecord(
            task=task.task,
            metric=value.metric,
            mean=none_if_undefined(value.mean),
            std=none_if_undefined(value.std),
            folds=tuple(none_if_undefined(fold) for fold in value.folds),
            n_rows=task.n_rows,
        )
        for task in trained.metrics
        for value in task.scores
    )
