"""Retrospective virtual screen on data in the RDKit distribution: train, screen, and evaluate on held-out compounds.

A quarter of a measured series is held out and hidden in a library of other compounds. The report then gives the
enrichment of actives, the false discovery rate among the compounds selected, and the coverage of the intervals.
"""

import csv
import json
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from molgraph.config.compute import ComputeConfig
from molgraph.config.screening import ScreenConfig
from molgraph.config.training import Device, TrainConfig
from molgraph.datasets.embedded import (
    ASSAY_COLUMN,
    MeasuredCompound,
    embedded_assay,
    embedded_library,
)
from molgraph.errors import InputError
from molgraph.files.stream_progress import StreamProgress
from molgraph.prediction.builtin_models import PANEL
from molgraph.prediction.predictor import Predictor
from molgraph.screening.hit_table import HitTable
from molgraph.screening.screen import screen
from molgraph.screening.summary import ScreenResult
from molgraph.storage.atomic import make_folder
from molgraph.training.train import train
from molgraph.training.training_progress import ProgressListener

#: pIC50 from which a compound counts as active: about the best quarter of the series.
ACTIVE_FROM = 7.5

HIDDEN_SHARE = 0.25
HIDDEN = "hidden.csv"
TOP = 100
SHOWN_SAFE = 10
LEVEL = 0.9
EPOCHS = 40

#: False discovery rate of the selection: fraction that may be inactive, on average over many tables and libraries.
FDR = 0.2


#: Built-in models of toxicity in the second ranking.
TOXICITY = ("herg", "ames", "dili")

#: Desirability profile of the second ranking: potent, and a low probability of toxicity.
_PROFILE = f"""[[objective]]
task = "{ASSAY_COLUMN}"
curve = "sigmoid"
low = 6.5
high = 8.5
weight = 2.0
""" + "".join(
    f"""
[[objective]]
task = "{name}"
curve = "reverse_sigmoid"
low = 0.2
high = 0.8
"""
    for name in TOXICITY
)


@dataclass(frozen=True)
class Risk:
    """Prediction of a built-in toxicity model for a compound.

    Attributes:
        endpoint: Name of the model.
        probability: That the compound has the effect.
        percentile: Per cent of the approved drugs with a lower probability.
        domain: Inside, at the edge of, or outside the applicability domain of the model; outside, it is unreliable.
    """

    endpoint: str
    probability: float
    percentile: float
    domain: str


@dataclass(frozen=True)
class PotentAndSafe:
    """A compound of the second ranking: potency up, toxicity down.

    Attributes:
        id: Identifier in the library.
        value: Predicted potency.
        lower: Lower end of its interval.
        upper: Upper end.
        measured: The measured value of a hidden compound; None for others.
        risks: Predictions of the models of `TOXICITY`.
    """

    id: str
    value: float
    lower: float
    upper: float
    measured: float | None
    risks: tuple[Risk, ...]


@dataclass(frozen=True)
class DemoReport:
    """Results of the demonstration, evaluated on the hidden compounds.

    Attributes:
        trained_on: Compounds that the model was trained on.
        library_rows: Rows of the library, hidden compounds included.
        library_rejected: Rows that could not be used.
        hidden: Held-out compounds of the assay in the library.
        hidden_actives: Those that are active.
        top: Length of the hit list.
        set_aside: Structures that score as well as the hits but are outside the applicability domain; `top` at most.
        actives_found: Hidden actives in the hit list.
        first_hits_active: Actives among the first `hidden_actives` hits; a perfect ranking has all of them there.
        first_hits_by_chance: Expected number if the hits were drawn at random from the hidden compounds: a baseline for
            the ranking within the series, apart from its separation from other chemistry.
        enrichment: Enrichment factor: hidden actives in the hit list, over those in as many random rows of the library.
        best_enrichment: Largest possible enrichment factor.
        picked: Hits that are predicted to be active.
        picked_known: Those of them that were measured.
        picked_wrong: Those of them that are inactive.
        false_discovery_rate: `picked_wrong / picked_known`; None if none was measured.
        fdr: False discovery rate that the selection controls, on average over many tables and libraries, empty lists
            included.
        selected: Compounds that were selected as active.
        selected_known: Those of them that were measured.
        selected_wrong: Those of them that are inactive.
        selected_fdr: `selected_wrong / selected_known`, to compare with `fdr`; None if none was measured.
        shift_fires: Whether the library in the domain differs significantly from the calibration compounds.
        out_of_fold_rmse: Error in cross-validation.
        hidden_rmse: Error on the hidden compounds.
        level: Nominal coverage of the intervals.
        coverage: Fraction of the hidden compounds whose measured value is inside their interval.
        mean_width: Mean width of the intervals.
        screened_per_second: Rows of the library a second, start-up included.
        potent_and_safe: The first of the ranking by potency up and toxicity down.
    """

    trained_on: int
    library_rows: int
    library_rejected: int
    hidden: int
    hidden_actives: int
    top: int
    set_aside: int
    actives_found: int
    first_hits_active: int
    first_hits_by_chance: float
    enrichment: float
    best_enrichment: float
    picked: int
    picked_known: int
    picked_wrong: int
    false_discovery_rate: float | None
    fdr: float
    selected: int
    selected_known: int
    selected_wrong: int
    selected_fdr: float | None
    shift_fires: bool
    out_of_fold_rmse: float
    hidden_rmse: float
    level: float
    coverage: float
    mean_width: float
    screened_per_second: float
    potent_and_safe: tuple[PotentAndSafe, ...]


def run_demo(
    output: str | Path,
    *,
    seed: int = 0,
    epochs: int = EPOCHS,
    device: Device = "auto",
    processes: int | None = 1,
    overwrite: bool = False,
    tell: Callable[[str], None] = lambda _line: None,
    training_bar: Callable[[], AbstractContextManager[ProgressListener]] | None = None,
    screening_bar: Callable[[], AbstractContextManager[Callable[[StreamProgress], None]]] | None = None,
) -> DemoReport:
    """Train, screen, evaluate, and rank once more with built-in models of toxicity.

    Writes `assay.csv`, `library.smi`, `hidden.csv`, `model/`, `hits/`, `profile.toml`, `safe/` and `report.json`.

    Args:
        output: Folder to write.
        seed: Seed of the held-out compounds and of training.
        epochs: Passes over the training compounds.
        device: Where to compute.
        processes: Worker processes of the screen; None for one per core.
        overwrite: Replace what is in `output`.
        tell: Called with a message before each step.
        training_bar: Context manager that gives a progress callback for training.
        screening_bar: Context manager that gives a progress callback for the screen.

    Raises:
        InputError: `output` exists and may not be replaced, or cannot be written.
    """
    folder = Path(output)
    if folder.is_dir() and any(folder.iterdir()):
        if not overwrite:
            raise InputError(f"{folder} exists and is not empty; give another `output`, or `overwrite=True`")
        if not (folder / HIDDEN).exists():  # an assay.csv of the user must not be replaced
            raise InputError(f"{folder} exists and is not the output of a demonstration; give another `output`")
    make_folder(folder)
    training, hidden, n_library = write_inputs(folder, seed=seed)
    tell(f"1. Train on {len(training)} measured compounds; {len(hidden)} are held out.")
    with training_bar() if training_bar else nullcontext(lambda _progress: None) as listener:
        model = train(
            folder / "assay.csv",
            output=folder / "model",
            target_columns=[ASSAY_COLUMN],
            directions={ASSAY_COLUMN: "maximize"},
            config=TrainConfig(epochs=epochs, seed=seed, device=device),
            overwrite=overwrite,
            on_progress=listener,
        )
    (folder / "profile.toml").write_text(_PROFILE, encoding="utf-8")

    def search(models: Sequence[str | Path], name: str, *, hit: str | None, profile: Path | None) -> ScreenResult:
        with screening_bar() if screening_bar else nullcontext(lambda _progress: None) as stream_listener:
            return screen(
                models,
                folder / "library.smi",
                output=folder / name,
                config=ScreenConfig(top=TOP, hit=hit, fdr=None if hit is None else FDR, profile=profile, level=LEVEL),
                compute=ComputeConfig(device=device, processes=processes),
                overwrite=overwrite,
                on_progress=stream_listener,
            )

    tell(f"2. Screen a library of {n_library:,} rows that contains the {len(hidden)} held-out compounds.")
    result = search([folder / "model"], "hits", hit=f"{ASSAY_COLUMN} >= {ACTIVE_FROM}", profile=None)
    tell(f"3. Rank again with built-in models ({', '.join(TOXICITY)}) for high potency and low toxicity.")
    toxicity = f"{PANEL}:{','.join(TOXICITY)}"
    safe = search([folder / "model", toxicity], "safe", hit=None, profile=folder / "profile.toml")
    tell("4. Evaluate on the measured values of the held-out compounds.")
    report = _evaluate(model, hidden, result, safe.hits)
    (folder / "report.json").write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    return report


def _split(assay: list[MeasuredCompound], seed: int) -> tuple[list[MeasuredCompound], list[MeasuredCompound]]:
    order = np.random.default_rng(seed).permutation(len(assay)).tolist()
    n_hidden = round(HIDDEN_SHARE * len(assay))
    return [assay[i] for i in sorted(order[n_hidden:])], [assay[i] for i in sorted(order[:n_hidden])]


def write_inputs(folder: Path, *, seed: int = 0) -> tuple[list[MeasuredCompound], list[MeasuredCompound], int]:
    """Write `assay.csv`, `hidden.csv` and `library.smi`.

    Returns:
        The compounds to train on, the hidden ones, and the number of rows of the library.
    """
    training, hidden = _split(embedded_assay(), seed)
    for name, compounds in (("assay.csv", training), (HIDDEN, hidden)):
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["smiles", "id", ASSAY_COLUMN])
            writer.writerows([compound.smiles, compound.id, compound.value] for compound in compounds)
    library = [(compound.smiles, compound.id) for compound in embedded_library()]
    library += [(compound.smiles, compound.id) for compound in hidden]
    order = np.random.default_rng([seed, 1]).permutation(len(library)).tolist()
    lines = [f"{library[i][0]}\t{library[i][1]}\n" for i in order]
    (folder / "library.smi").write_text("".join(lines), encoding="utf-8")
    return training, hidden, len(library)


def _evaluate(model: Predictor, hidden: list[MeasuredCompound], result: ScreenResult, safe: HitTable) -> DemoReport:
    truth = np.array([compound.value for compound in hidden])
    is_active = {compound.id: compound.value >= ACTIVE_FROM for compound in hidden}
    hits, selected = [*result.hits], [*(result.selected or ())]
    n_found = sum(is_active.get(hit["id"], False) for hit in hits)
    picked = [hit["id"] for hit in hits if hit[f"{ASSAY_COLUMN}_pred"] >= ACTIVE_FROM]
    picked_active = [is_active[name] for name in picked if name in is_active]
    selected_active = [is_active[row["id"]] for row in selected if row["id"] in is_active]
    n_actives = sum(is_active.values())
    expected = n_actives * len(hits) / result.rows_read
    prediction = model.predict([compound.smiles for compound in hidden])
    lower, upper = prediction.interval(LEVEL)
    inside = (truth >= lower[:, 0]) & (truth <= upper[:, 0])
    return DemoReport(
        trained_on=model.card.data.rows_used,
        library_rows=result.rows_read,
        library_rejected=result.rejected,
        hidden=len(hidden),
        hidden_actives=n_actives,
        top=len(hits),
        set_aside=len(result.outside),
        actives_found=n_found,
        first_hits_active=sum(is_active.get(hit["id"], False) for hit in hits[:n_actives]),
        first_hits_by_chance=n_actives * n_actives / len(hidden),
        enrichment=n_found / expected,
        best_enrichment=min(n_actives, len(hits)) / expected,
        picked=len(picked),
        picked_known=len(picked_active),
        picked_wrong=len(picked_active) - sum(picked_active),
        false_discovery_rate=None if not picked_active else 1 - sum(picked_active) / len(picked_active),
        fdr=FDR,
        selected=len(selected),
        selected_known=len(selected_active),
        selected_wrong=len(selected_active) - sum(selected_active),
        selected_fdr=None if not selected_active else 1 - sum(selected_active) / len(selected_active),
        shift_fires=result.shift is not None and result.shift.fires,
        out_of_fold_rmse=next(r.mean for r in model.card.metrics if r.metric == "rmse") or math.nan,
        hidden_rmse=float(np.sqrt(np.mean((prediction.mean[:, 0] - truth) ** 2))),
        level=LEVEL,
        coverage=float(inside.mean()),
        mean_width=float((upper - lower).mean()),
        screened_per_second=result.molecules_per_second,
        potent_and_safe=_potent_and_safe(safe, hidden),
    )


def _potent_and_safe(hits: HitTable, hidden: list[MeasuredCompound]) -> tuple[PotentAndSafe, ...]:
    measured = {compound.id: compound.value for compound in hidden}
    value, lower, upper = (f"{ASSAY_COLUMN}_{ending}" for ending in ("pred", "lower", "upper"))
    return tuple(
        PotentAndSafe(
            id=row["id"],
            value=row[value],
            lower=row[lower],
            upper=row[upper],
            measured=measured.get(row["id"]),
            risks=tuple(
                Risk(
                    endpoint=name,
                    probability=row[f"{name}_pred"],
                    percentile=row[f"{name}_percentile"],
                    domain=row[f"{name}_domain"],
                )
                for name in TOXICITY
            ),
        )
        for row in islice(hits, SHOWN_SAFE)
    )
