"""The programs that are compared: where they are, and the command line of each job."""

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENTS = Path(__file__).resolve().parent / ".peers"
CHEMPROP_PINS = ("torch==2.13.0", "chemprop==2.3.1")
ADMET_AI_PINS = ("torch==2.13.0", "admet-ai==2.0.1")
WIDTH, DEPTH, BATCH_SIZE = 300, 3, 64


@dataclass(frozen=True)
class TrainJob:
    """What both programs are asked to train.

    Attributes:
        table: CSV file with the column `smiles`.
        target: Column of labels.
        kind: `regression` or `classification`.
        epochs: Passes over the training rows.
        members: Models in the ensemble; each program's own way of making them different.
        splits_column: Column with train, val or test for each row; None leaves an 80/10/10 random split to the program.
        seed: Seed of weights, shuffling and, without a splits column, of the split.
    """

    table: Path
    target: str
    epochs: int
    kind: str = "regression"
    members: int = 1
    splits_column: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class Chemprop:
    """Command lines of chemprop 2.3.1."""

    executable: Path

    @property
    def python(self) -> Path:
        return self.executable.parent / "python"

    def help(self) -> list[str | Path]:
        return [self.executable, "--help"]

    def train(self, job: TrainJob, output: Path) -> list[str | Path]:
        command = [self.executable, "train", "--data-path", job.table, "--output-dir", output]
        command += ["--smiles-columns", "smiles", "--target-columns", job.target, "--task-type", job.kind]
        command += ["--epochs", job.epochs, "--batch-size", BATCH_SIZE, "--ensemble-size", job.members]
        command += ["--message-hidden-dim", WIDTH, "--ffn-hidden-dim", WIDTH, "--depth", DEPTH]
        command += ["--pytorch-seed", job.seed, "--data-seed", job.seed, "--accelerator", "cpu"]
        if job.splits_column is not None:
            command += ["--splits-column", job.splits_column]
        return _texts(command)

    def predict(self, model: Path, library: Path, output: Path) -> list[str | Path]:
        command = [self.executable, "predict", "--test-path", library, "--preds-path", output]
        command += ["--model-paths", model, "--smiles-columns", "smiles", "--batch-size", BATCH_SIZE]
        command += ["--accelerator", "cpu", "--use-cuikmolmaker-featurization"]
        return _texts(command)


@dataclass(frozen=True)
class Molgraph:
    """Command lines of this project."""

    executable: Path

    def help(self) -> list[str | Path]:
        return self._command("--help")

    def train(self, job: TrainJob, output: Path) -> list[str | Path]:
        command = ["train", job.table, "-o", output, "-s", "smiles"]
        command += ["--target-columns", job.target, "-t", job.kind, "--folds", job.members, "--learner", "network"]
        command += ["--epochs", job.epochs, "--batch-size", BATCH_SIZE, "--seed", job.seed, "--device", "cpu"]
        return self._command(*command)

    def predict(self, model: Path, library: Path, output: Path, *, precision: str) -> list[str | Path]:
        return self._command("predict", model, library, "-o", output, "--precision", precision, "--device", "cpu")

    def screen(self, model: Path, library: Path, output: Path) -> list[str | Path]:
        return self._command("screen", model, library, "-o", output, "--top", 500, "--device", "cpu")

    def featurize(self, library: Path, output: Path) -> list[str | Path]:
        return self._command("featurize", library, "-o", output)

    def _command(self, *arguments: object) -> list[str | Path]:
        return _texts([self.executable, *arguments])


@dataclass(frozen=True)
class AdmetAi:
    """Command lines of ADMET-AI 2.0.1."""

    executable: Path

    @property
    def python(self) -> Path:
        return self.executable.parent / "python"

    def predict(self, library: Path, output: Path) -> list[str | Path]:
        return _texts([self.executable, "--data_path", library, "--save_path", output, "--smiles_column", "smiles"])


def install_chemprop() -> Chemprop:
    """chemprop in its own environment under `benchmarks/.peers`, made first if it is not there."""
    return Chemprop(_install("chemprop-2.3.1", CHEMPROP_PINS) / "chemprop")


def install_admet_ai() -> AdmetAi:
    """ADMET-AI, likewise."""
    return AdmetAi(_install("admet-ai-2.0.1", ADMET_AI_PINS) / "admet_predict")


def _install(name: str, pins: tuple[str, ...]) -> Path:
    """The folder of executables of an environment."""
    folder = ENVIRONMENTS / name
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    ready = folder / "ready"  # written last, so that an interrupted installation is started again
    if not ready.exists():
        print(f"installing {' '.join(pins)} under benchmarks/.peers", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([scripts / "python", "-m", "pip", "install", "--quiet", *pins], check=True)
        ready.touch()
    return scripts


def package_versions(python: Path, packages: tuple[str, ...]) -> dict[str, str]:
    """Versions of `packages` in the environment of another interpreter, without importing them."""
    script = "import sys, importlib.metadata as m\nfor name in sys.argv[1:]: print(m.version(name))"
    found = subprocess.run([python, "-c", script, *packages], check=True, capture_output=True, text=True)
    return dict(zip(packages, found.stdout.split(), strict=True))


def _texts(command: list[object]) -> list[str | Path]:
    return [part if isinstance(part, Path) else str(part) for part in command]
