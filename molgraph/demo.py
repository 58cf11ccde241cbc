"""The main job on data that comes with RDKit, with the answers known.

A quarter of a measured series is kept out of training and hidden in a library of other compounds. So the demonstration
can say at the end what a chemist would ask: how many of the actives were found, how many picks were wrong, and whether
the intervals held what they promised.
"""

import csv
import json
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
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
from molgraph.packed_library.progress import StreamProgress
from molgraph.prediction.builtin_models import PANEL
from molgraph.prediction.predictor import Predictor
from molgraph.screening.screen import screen
from molgraph.screening.summary import ScreenResult
from molgraph.storage.atomic import make_folder
from molgraph.training.progress import ProgressListener
from molgraph.training.train import train

#: A compound counts as active from here on: about the best quarter of the series.
ACTIVE_FROM = 7.5

HIDDEN_SHARE = 0.25
HIDDEN = "hidden.csv"
TOP = 100
SHOWN_SAFE = 10
LEVEL = 0.9
EPOCHS = 40

#: Share of the selected compounds that may be inactive, on average over many tables and libraries.
FDR = 0.2


#: The models that come along and say what speaks against a compound.
TOXICITY = ("herg", "ames", "dili")

#: What a compound worth making is: potent, and likely free of what these models tell.
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
    """What a built-in model says of a compound.

    Attributes:
        endpoint: Name of the model.
        probability: That the compound has the effect.
        percentile: Per cent of the approved drugs with a smaller one.
        domain: Where it lies in the domain of the model; outside, the answer is a guess.
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
        measured: The hidden value; None for a compound that was not measured.
        risks: What the models of `TOXICITY` say.
    """

    id: str
    value: float
    lower: float
    upper: float
    measured: float | None
    risks: tuple[Risk, ...]


@dataclass(frozen=True)
class DemoReport:
    """What came out, judged on the hidden compounds.

    Attributes:
        trained_on: Compounds that the model was trained on.
        library_rows: Rows of the library, hidden compounds included.
        library_rejected: Rows that could not be used.
        hidden: Hidden compounds in the library, whose answer is known.
        hidden_actives: Those that are active.
        top: Length of the hit list.
        set_aside: Structures that score as well as the hits but are outside of what the model knows; `top` at most.
        actives_found: Hidden actives in the hit list.
        first_hits_active: Actives among the first `hidden_actives` hits; a perfect model would have all of them there.
        first_hits_by_chance: As many as there would be by chance, were the hits drawn from the hidden compounds alone:
            what the model knows beyond telling the series from other chemistry.
        enrichment: Times more hidden actives in the hit list than in as many random rows of the library.
        best_enrichment: The most that this could be.
        picked: Hits that are predicted to be active.
        picked_known: Those of them whose answer is known.
        picked_wrong: Those that are known to be inactive.
        false_discovery_rate: `picked_wrong / picked_known`; None if none is known.
        fdr: Share of inactives that the selection was asked to hold, on average over many tables and
            libraries, empty lists included.
        selected: Compounds that were selected as active.
        selected_known: Those of them whose answer is known.
        selected_wrong: Those that are known to be inactive.
        selected_fdr: `selected_wrong / selected_known`, to compare with `fdr`; None if none is known.
        shift_fires: Whether the library in the domain was found to differ from the calibration compounds.
        out_of_fold_rmse: Error that training promised.
        hidden_rmse: Error on the hidden compounds.
        level: What the intervals promised to hold.
        coverage: Share of the hidden compounds whose value was inside their interval.
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
    """Train, screen, judge, and rank once more with built-in models.

    Writes `assay.csv`, `library.smi`, `hidden.csv`, `model/`, `hits/`, `profile.toml`, `safe/` and `report.json`.

    Args:
        output: Folder to write.
        seed: Seed of what is hidden, and of training.
        epochs: Passes over the training compounds.
        device: Where to compute.
        processes: Processes that screen; None for one a core.
        overwrite: Replace what is in `output`.
        tell: Called with a line for people before each step.
        training_bar: Makes a listener to the progress of training.
        screening_bar: Makes a listener to the progress of the screen.

    Raises:
        InputError: `output` exists and may not be replaced, or cannot be written.
    """
    folder = Path(output)
    if folder.is_dir() and any(folder.iterdir()):
        if not overwrite:
            raise InputError(f"{folder} exists and is not empty; give another `output`, or `overwrite=True`")
        if not (folder / HIDDEN).exists():  # somebody's own assay.csv must not go
            raise InputError(f"{folder} exists and holds something else than a demonstration; give another `output`")
    make_folder(folder)
    training, hidden, n_library = write_inputs(folder, seed=seed)
    tell(f"1. Train on {len(training)} measured compounds; {len(hidden)} are kept back.")
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

    tell(f"2. Screen a library of {n_library:,} rows, in which the {len(hidden)} are hidden.")
    result = search([folder / "model"], "hits", hit=f"{ASSAY_COLUMN} >= {ACTIVE_FROM}", profile=None)
    tell(f"3. Rank once more, with built-in models ({', '.join(TOXICITY)}): potency up, toxicity down.")
    toxicity = f"{PANEL}:{','.join(TOXICITY)}"
    search([folder / "model", toxicity], "safe", hit=None, profile=folder / "profile.toml")
    tell("4. Compare with what is known of the hidden compounds.")
    report = _judge(folder, model, hidden, result)
    (folder / "report.json").write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    return report


def _part(assay: list[MeasuredCompound], seed: int) -> tuple[list[MeasuredCompound], list[MeasuredCompound]]:
    order = np.random.default_rng(seed).permutation(len(assay)).tolist()
    n_hidden = round(HIDDEN_SHARE * len(assay))
    return [assay[i] for i in sorted(order[n_hidden:])], [assay[i] for i in sorted(order[:n_hidden])]


def write_inputs(folder: Path, *, seed: int = 0) -> tuple[list[MeasuredCompound], list[MeasuredCompound], int]:
    """Write `assay.csv`, `hidden.csv` and `library.smi`.

    Returns:
        The compounds to train on, the hidden ones, and the number of rows of the library.
    """
    training, hidden = _part(embedded_assay(), seed)
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


def _judge(folder: Path, model: Predictor, hidden: list[MeasuredCompound], result: ScreenResult) -> DemoReport:
    truth = np.array([compound.value for compound in hidden])
    is_active = {compound.id: compound.value >= ACTIVE_FROM for compound in hidden}
    hits, selected = _rows(folder / "hits" / "hits.csv"), _rows(folder / "hits" / "selected.csv")
    found = sum(is_active.get(hit["id"], False) for hit in hits)
    picked = [hit["id"] for hit in hits if float(hit[f"{ASSAY_COLUMN}_pred"]) >= ACTIVE_FROM]
    known = [is_active[name] for name in picked if name in is_active]
    selected_known = [is_active[row["id"]] for row in selected if row["id"] in is_active]
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
        set_aside=result.outside_domain,
        actives_found=found,
        first_hits_active=sum(is_active.get(hit["id"], False) for hit in hits[:n_actives]),
        first_hits_by_chance=n_actives * n_actives / len(hidden),
        enrichment=found / expected,
        best_enrichment=min(n_actives, len(hits)) / expected,
        picked=len(picked),
        picked_known=len(known),
        picked_wrong=len(known) - sum(known),
        false_discovery_rate=None if not known else 1 - sum(known) / len(known),
        fdr=FDR,
        selected=len(selected),
        selected_known=len(selected_known),
        selected_wrong=len(selected_known) - sum(selected_known),
        selected_fdr=None if not selected_known else 1 - sum(selected_known) / len(selected_known),
        shift_fires=result.shift is not None and result.shift.fires,
        out_of_fold_rmse=next(r.mean for r in model.card.metrics if r.metric == "rmse") or math.nan,
        hidden_rmse=float(np.sqrt(np.mean((prediction.mean[:, 0] - truth) ** 2))),
        level=LEVEL,
        coverage=float(inside.mean()),
        mean_width=float((upper - lower).mean()),
        screened_per_second=result.molecules_per_second,
        potent_and_safe=_potent_and_safe(folder, hidden),
    )


def _potent_and_safe(folder: Path, hidden: list[MeasuredCompound]) -> tuple[PotentAndSafe, ...]:
    measured = {compound.id: compound.value for compound in hidden}
    value, lower, upper = (f"{ASSAY_COLUMN}_{ending}" for ending in ("pred", "lower", "upper"))
    return tuple(
        PotentAndSafe(
            id=row["id"],
            value=float(row[value]),
            lower=float(row[lower]),
            upper=float(row[upper]),
            measured=measured.get(row["id"]),
            risks=tuple(
                Risk(
                    endpoint=name,
                    probability=float(row[f"{name}_pred"]),
                    percentile=float(row[f"{name}_percentile"]),
                    domain=row[f"{name}_domain"],
                )
                for name in TOXICITY
            ),
        )
        for row in _rows(folder / "safe" / "hits.csv")[:SHOWN_SAFE]
    )


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table; none if there is no such file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
