"""Fixtures shared by all tests."""

import csv
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from rdkit import RDConfig

from molgraph.config.training import TrainConfig

# Under `nohup` hang-ups are ignored, and programs that tests start would inherit that.
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Small products gain nothing from threads, and many threads on a busy machine cost a lot. Read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Nor do the defaults of whoever runs the tests count.
os.environ["MOLGRAPH_CONFIG"] = ""

# Machines are shared and noisy: no test fails for want of speed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder with the benchmark sets and libraries; tests skip without it."""
    folder = Path(os.environ.get("MOLGRAPH_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "moleculenet").is_dir():
        pytest.skip(f"no benchmark data: {folder} has no moleculenet folder; set MOLGRAPH_DATA")
    return folder


@pytest.fixture(scope="session")
def assay() -> tuple[list[str], np.ndarray]:
    """The 1,017 structures of the assay that RDKit ships, in a fixed random order, and their pIC50."""
    folder = Path(RDConfig.RDContribDir, "FreeWilson", "data")
    with (folder / "CHEMBL2321810_act.csv").open(newline="") as file:
        activity = {row["Name"]: float(row["Act"]) for row in csv.DictReader(file)}
    lines = [line.split() for line in (folder / "CHEMBL2321810.smi").read_text().splitlines() if line.strip()]
    order = np.random.default_rng(0).permutation(len(lines))
    return [lines[i][0] for i in order], np.array([activity[lines[i][1]] for i in order])


@pytest.fixture(scope="session")
def small_config() -> TrainConfig:
    """Settings with which a model is trained in a second."""
    from molgraph import ModelConfig, TrainConfig

    model = ModelConfig(hidden=32, head_hidden=32)
    return TrainConfig(learner="network", model=model, folds=2, epochs=3, batch_size=16, device="cpu")


@pytest.fixture(scope="session")
def assay_table(assay: tuple[list[str], np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty compounds of the assay: `name, smiles, pIC50, active`, the last one with gaps."""
    path = tmp_path_factory.mktemp("assay") / "assay.csv"
    smiles, values = assay[0][:60], assay[1][:60]
    active = ["" if row % 7 == 0 else int(value > np.median(values)) for row, value in enumerate(values)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "smiles", "pIC50", "active"])
        writer.writerows(zip([f"cpd-{row}" for row in range(60)], smiles, values, active, strict=True))
    return path


@pytest.fixture(scope="session")
def model_folder(assay_table: Path, small_config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of pIC50."""
    from molgraph import train

    folder = tmp_path_factory.mktemp("models") / "pic50"
    train(assay_table, target_columns=["pIC50"], output=folder, config=small_config)
    return folder


@pytest.fixture(scope="session")
def mixed_folder(assay_table: Path, small_config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of pIC50 (regression) and active (classification), without its training structures."""
    from molgraph import train

    folder = tmp_path_factory.mktemp("models") / "mixed"
    train(
        assay_table,
        target_columns=["pIC50", "active"],
        units={"pIC50": "log10(mol/L)"},
        output=folder,
        config=small_config,
        keep_structures=False,
    )
    return folder


@pytest.fixture(scope="session")
def encoder_folder(assay: tuple[list[str], np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder of width 32, pretrained for a second on 150 compounds of the assay."""
    from molgraph import ModelConfig, PretrainConfig, pretrain

    folder = tmp_path_factory.mktemp("pretrained")
    (folder / "library.smi").write_text("".join(f"{text}\n" for text in assay[0][-150:]))
    config = PretrainConfig(
        model=ModelConfig(hidden=32), decoder_hidden=32, epochs=3, batch_size=16, held_out_fraction=0.1, device="cpu"
    )
    pretrain([folder / "library.smi"], output=folder / "encoder", config=config)
    return folder / "encoder"


@pytest.fixture(scope="session")
def margins() -> Callable[[Path], set[str]]:
    """Which edges of a PNG file are blank, all around it; where one is not, something was cut off."""
    from matplotlib.image import imread

    def blank(path: Path) -> set[str]:
        pixels = imread(path)[..., :3]
        edges = {"top": pixels[0], "bottom": pixels[-1], "left": pixels[:, 0], "right": pixels[:, -1]}
        return {name for name, edge in edges.items() if (edge == 1.0).all()}

    return blank
