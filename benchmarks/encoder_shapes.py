"""What width and depth of an encoder bring downstream, and what they cost in screening.

    python benchmarks/encoder_shapes.py [--per-library 10000] [--epochs 4]

Encoders of several shapes are pretrained alike on the same sample of the corpus, and judged by what a Gaussian process
on their vectors (`latent`) says out of fold of the training parts of six ADMET sets. Their rates are measured in turns,
on one core. Some hours on one core; goes on where it stopped. Prints the table, and writes a record,
`benchmarks/results/encoder_shapes.json`. What it computes is kept under `benchmarks/.runs/encoder-shapes/`.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from inputs import LIBRARY, data_folder, library_smiles, sha256
from peers import package_versions
from rdkit import RDConfig
from records import RESULTS, machine, new_record, write_record

from molgraph import EncoderConfig, ModelConfig, PretrainConfig, TrainConfig, featurize, pretrain
from molgraph.model_folder.encoder_folder import load_encoder
from molgraph.models.precision import resolve_device, resolve_precision
from molgraph.training.build_panel import endpoint_dataset, endpoints
from molgraph.training.ensemble import train_ensemble

#: Width and depth; the first is that of the encoder that comes along.
SHAPES = ((300, 3), (150, 3), (300, 2), (300, 5), (600, 3))

#: Endpoints of the panel that judge, and by what.
JUDGES = {
    "caco2": "rmse",
    "clearance_hepatocyte": "rmse",
    "herg": "roc_auc",
    "dili": "roc_auc",
    "hia": "roc_auc",
    "bioavailability": "roc_auc",
}

KEPT_OUT = (
    *("BBBP.csv", "Lipophilicity.csv", "SAMPL.csv", "bace.csv", "clintox.csv", "delaney-processed.csv"),
    *("qm7.csv", "qm8.csv.gz", "sider.csv", "tox21.csv"),
)
#: In the data folder; with these goes the NCI file that RDKit brings along.
LIBRARIES = (
    *("moleculenet/HIV.csv.gz", "moleculenet/muv.csv.gz", "moleculenet/toxcast_data.csv.gz"),
    *("libraries/broad_repurposing_hub.csv", "libraries/chembl_approved_drugs.csv", LIBRARY),
    "libraries/mcule_purchasable_1.2M.smi.gz",
)
RUNS = Path(__file__).resolve().parent / ".runs" / "encoder-shapes"
N_RATE, TURNS = 4000, 5


@dataclass(frozen=True)
class Judged:
    """What one encoder is worth.

    Attributes:
        hidden: Its width.
        depth: Its message-passing steps.
        r2: Median R2 of the descriptors on held-out molecules.
        scores: Out-of-fold figure of each endpoint; errors over the labels' deviation.
    """

    hidden: int
    depth: int
    r2: float
    scores: dict[str, float]


def main(arguments: list[str] | None = None) -> int:
    """Trains and judges what is not there yet, measures the rates, and prints the table."""
    options = _options(arguments)
    data = data_folder()
    judged = [_judged(shape, options, data) for shape in SHAPES]
    rates = _rates([_runs(options) / _name(shape) for shape in SHAPES], library_smiles(data, N_RATE))
    print(_table(judged, rates))
    record = {
        **new_record("encoders", _versions(), {name: sha256(data / name) for name in LIBRARIES}),
        "machine": machine(),
        "settings": {"per_library": options.per_library, "epochs": options.epochs, "molecules_timed": N_RATE},
        "encoders": [{**asdict(own), "rates": rate} for own, rate in zip(judged, rates, strict=True)],
    }
    write_record(record, RESULTS / "encoder_shapes.json")
    return 0


def _runs(options: argparse.Namespace) -> Path:
    """Where encoders of these settings are: those of others must not be taken for them."""
    return RUNS / f"{options.per_library}-records-{options.epochs}-epochs"


def _name(shape: tuple[int, int]) -> str:
    return f"{shape[0]}x{shape[1]}"


def _versions() -> dict[str, str]:
    return package_versions(Path(sys.executable), ("molgraph-toolkit", "torch", "rdkit"))


def _judged(shape: tuple[int, int], options: argparse.Namespace, data: Path) -> Judged:
    """The encoder of a shape, trained and judged, or as it was judged before."""
    folder, said = _runs(options) / _name(shape), _runs(options) / f"{_name(shape)}.json"
    if not (folder / "card.json").exists():
        _pretrain(shape, options, data, folder)
    known: dict[str, float] = json.loads(said.read_text(encoding="utf-8")) if said.exists() else {}
    config = TrainConfig(learner="gp_embedding", encoder=EncoderConfig(str(folder)), device="cpu", model=_model(shape))
    for endpoint in endpoints():
        if endpoint.name in JUDGES and endpoint.name not in known:
            known[endpoint.name] = _out_of_fold(endpoint.name, config, data)
            said.write_text(json.dumps(known), encoding="utf-8")
            print(f"{_name(shape)} {endpoint.name}: {known[endpoint.name]:.3f}", file=sys.stderr, flush=True)
    r2 = load_encoder(folder).card.median_r2["descriptors"]
    return Judged(*shape, r2=float("nan") if r2 is None else r2, scores={name: known[name] for name in JUDGES})


def _model(shape: tuple[int, int]) -> ModelConfig:
    return ModelConfig(hidden=shape[0], depth=shape[1])


def _pretrain(shape: tuple[int, int], options: argparse.Namespace, data: Path, folder: Path) -> None:
    sets = [*(data / "moleculenet" / name for name in KEPT_OUT), *sorted(data.glob("tdc_admet/*/train_val.csv"))]
    config = PretrainConfig(model=_model(shape), per_library=options.per_library, epochs=options.epochs, device="cpu")
    start = time.monotonic()
    card = pretrain(
        [*(data / name for name in LIBRARIES), Path(RDConfig.RDDataDir, "NCI", "first_5K.smi")],
        output=folder,
        keep_out=sets,
        config=config,
        targets=RUNS / f"targets-{options.per_library}-records",
        processes=options.processes,
        resume=True,
        on_progress=lambda at: print(f"{at.stage} {at.molecules_done:,}", file=sys.stderr, flush=True),
    )
    print(f"{_name(shape)}: {card.n_train:,} molecules, {time.monotonic() - start:,.0f} s", file=sys.stderr, flush=True)


def _out_of_fold(name: str, config: TrainConfig, data: Path) -> float:
    endpoint = next(endpoint for endpoint in endpoints() if endpoint.name == name)
    dataset = endpoint_dataset(endpoint, data)
    scores = {score.metric: score.mean for score in train_ensemble(dataset, config).metrics[0].scores}
    value = scores[JUDGES[name]]
    return float(value / dataset.labels.values.std()) if JUDGES[name] == "rmse" else value


def _rates(folders: list[Path], smiles: list[str]) -> list[list[float]]:
    """Molecules a second of each encoder, graphs to vectors, a value for each turn."""
    import torch

    torch.set_num_threads(1)
    graphs = featurize(smiles)
    device = resolve_device("cpu")
    encoders = [load_encoder(folder).frozen(device, resolve_precision("auto", device)) for folder in folders]
    rates: list[list[float]] = [[] for _ in encoders]
    for turn in range(TURNS):
        places = [*range(len(encoders))]
        for place in places if turn % 2 == 0 else reversed(places):
            start = time.perf_counter()
            encoders[place].vectors(graphs)
            rates[place].append(len(graphs) / (time.perf_counter() - start))
    return rates


def _table(judged: list[Judged], rates: list[list[float]]) -> str:
    first = float(np.median(rates[0]))
    lines = [
        "| width x depth | rate | R2 | " + " | ".join(JUDGES) + " |",
        "|---" * (len(JUDGES) + 3) + "|",
    ]
    for own, rate in zip(judged, rates, strict=True):
        cells = [f"{float(np.median(rate)) / first:.2f}", f"{own.r2:.3f}", *(f"{own.scores[n]:.3f}" for n in JUDGES)]
        lines.append(f"| {own.hidden} x {own.depth} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-library", type=int, default=10_000, help="records of each library (10,000)")
    parser.add_argument("--epochs", type=int, default=4, help="passes over the molecules (4)")
    parser.add_argument("--processes", type=int, default=1, help="processes that compute targets (1)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
