"""What the speed comparison measures: groups of runs, each giving one or more cases with a figure and a target."""

import csv
import json
import math
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from inputs import data_folder, library_smiles, write_library
from peers import Chemprop, Molgraph, TrainJob
from programs import Measurement, ProgramError, run_program

TABLE, TARGET = "moleculenet/Lipophilicity.csv", "exp"
MAX_PEAK_MB = 750.0
SAME_MEMORY = 1.1  # "the same for 10 times the rows": the peaks of two runs differ by a few per cent anyway
Command = list[str | Path]


@dataclass(frozen=True)
class Settings:
    """The size of the jobs."""

    repeats: int
    epochs: int
    train_rows: int | None
    library_rows: int


FULL = Settings(repeats=3, epochs=10, train_rows=None, library_rows=20_000)
QUICK = Settings(
    repeats=1, epochs=3, train_rows=200, library_rows=300
)  # chemprop needs more epochs than its 2 of warm-up


@dataclass(frozen=True)
class Case:
    """One line of the report.

    Attributes:
        title: What is compared.
        unit: Unit of the raw values.
        values: Raw values of each side, in the order in which they were measured.
        commands: Command line of each side.
        figure: What is judged, computed from the medians.
        at_least: Smallest figure that passes; None if there is no such limit.
        at_most: Largest figure that passes; None if there is no such limit.
    """

    title: str
    unit: str
    values: Mapping[str, Sequence[float]]
    commands: Mapping[str, str]
    figure: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        if self.at_least is None and self.at_most is None:
            return "no target"
        low_enough = self.at_most is None or self.figure <= self.at_most
        return "pass" if low_enough and (self.at_least is None or self.figure >= self.at_least) else "miss"


@dataclass
class Bench:
    """A folder with the inputs, and the models that have been trained in it.

    Every program runs inside the folder with relative paths, so the recorded command lines hold no
    path of the machine.
    """

    folder: Path
    chemprop: Chemprop
    molgraph: Molgraph
    settings: Settings
    fast_bfloat16: bool
    models: dict[tuple[str, int], Path] = field(default_factory=dict)

    def prepare(self) -> None:
        """Writes the inputs and starts both programs once, so that neither pays for a cold file cache."""
        source = (data_folder() / TABLE).read_text(encoding="utf-8").splitlines(keepends=True)
        n_lines = None if self.settings.train_rows is None else self.settings.train_rows + 1
        (self.folder / "table.csv").write_text("".join(source[:n_lines]), encoding="utf-8")
        for name, n_rows in self.libraries.items():
            write_library(library_smiles(data_folder(), n_rows), self.folder, name)
        for program in (self.chemprop, self.molgraph):
            self.run(program.help())

    @property
    def libraries(self) -> dict[str, int]:
        """Rows of each library file."""
        return {"library": self.settings.library_rows, "library10": 10 * self.settings.library_rows}

    def run(self, command: Command) -> Measurement:
        return run_program(command, cwd=self.folder)

    def train_commands(self, members: int, output: str) -> dict[str, Command]:
        job = TrainJob(Path("table.csv"), TARGET, self.settings.epochs, members=members)
        return {
            "chemprop": self.chemprop.train(job, Path(f"chemprop-{output}")),
            "molgraph": self.molgraph.train(job, Path(f"molgraph-{output}")),
        }

    def model(self, program: str, members: int) -> Path:
        """A trained model, trained now if no measured training has left one."""
        if (program, members) not in self.models:
            self.run(self.train_commands(members, f"model-{members}")[program])
            self.models[program, members] = Path(f"{program}-model-{members}")
        return self.models[program, members]

    def alternate(
        self, jobs: Mapping[str, Callable[[int], Measurement]], repeats: int | None = None
    ) -> dict[str, list[Measurement]]:
        """Measurements of each job; the order of the jobs turns round from one repeat to the next."""
        found: dict[str, list[Measurement]] = {name: [] for name in jobs}
        for repeat in range(repeats or self.settings.repeats):
            for name in list(jobs) if repeat % 2 == 0 else reversed(list(jobs)):
                found[name].append(jobs[name](repeat))
                print(f"  {name}, run {repeat + 1}: {found[name][-1].seconds:.1f} s", file=sys.stderr)
        return found


def startup(bench: Bench) -> dict[str, Case]:
    """How soon the help text is there."""
    torch: Command = [Path(sys.executable), "-c", "import torch"]
    commands = {"import torch": torch, "molgraph": bench.molgraph.help(), "chemprop": bench.chemprop.help()}
    found = bench.alternate({name: lambda _, command=command: bench.run(command) for name, command in commands.items()})
    figure = median_seconds(found["molgraph"]) / median_seconds(found["import torch"])
    title = "time of molgraph --help / time of import torch"
    return {"startup": Case(title, "s", seconds_of(found), command_lines(commands), figure, at_most=1 / 3)}


def featurize(bench: Bench) -> dict[str, Case]:
    """The featurizer and RDKit's parser in one process on one core, in turns."""
    command: Command = [Path(sys.executable), Path(__file__).with_name("featurize_rate.py"), "library.smi"]
    command += [str(bench.settings.repeats), "rates.json"]
    bench.run(command)
    rates = json.loads((bench.folder / "rates.json").read_text(encoding="utf-8"))
    figure = float(np.median(rates["molgraph"]) / np.median(rates["Chem.MolFromSmiles"]))
    title = "rate of molgraph.featurize / rate of Chem.MolFromSmiles, one core"
    commands = dict.fromkeys(rates, "python featurize_rate.py library.smi")
    return {"featurize": Case(title, "molecules/s", rates, commands, figure, at_least=0.85)}


def train(bench: Bench, members: int, at_least: float | None) -> dict[str, Case]:
    """Whole-process training."""

    def job(program: str) -> Callable[[int], Measurement]:
        def run(repeat: int) -> Measurement:
            measurement = bench.run(bench.train_commands(members, f"train-{members}-{repeat}")[program])
            bench.models.setdefault((program, members), Path(f"{program}-train-{members}-{repeat}"))
            return measurement

        return run

    found = bench.alternate({"chemprop": job("chemprop"), "molgraph": job("molgraph")})
    commands = command_lines(bench.train_commands(members, "model"))
    title = f"chemprop / molgraph, training time, {models_of(members)}"
    figure = median_seconds(found["chemprop"]) / median_seconds(found["molgraph"])
    return {
        f"train-{members}": Case(title, "s", seconds_of(found), commands, figure, at_least=at_least),
        f"train-{members}-memory": _memory_case(f"training, {models_of(members)}", found, commands, at_most=None),
    }


def score(bench: Bench, members: int, predict_at_least: float, screen_at_least: float) -> dict[str, Case]:
    """Whole-process prediction and screening of the library."""
    theirs, ours = bench.model("chemprop", members), bench.model("molgraph", members)

    def chemprop(repeat: int) -> Measurement:
        output = Path(f"chemprop-{members}-{repeat}.csv")
        measurement = bench.run(bench.chemprop.predict(theirs, Path("library.csv"), output))
        _read_predictions(bench.folder / output, TARGET, bench.settings.library_rows)
        return measurement

    def predict(repeat: int) -> Measurement:
        return _predict(bench, ours, "library", f"molgraph-{members}-{repeat}.csv", "float32")

    def screen(repeat: int) -> Measurement:
        return _screen(bench, ours, "library", f"hits-{members}-{repeat}")

    found = bench.alternate({"chemprop": chemprop, "molgraph predict": predict, "molgraph screen": screen})
    commands = command_lines(
        {
            "chemprop": bench.chemprop.predict(Path("model"), Path("library.csv"), Path("out.csv")),
            "molgraph predict": bench.molgraph.predict(
                Path("model"), Path("library.csv"), Path("out.csv"), precision="float32"
            ),
            "molgraph screen": bench.molgraph.screen(Path("model"), Path("library.smi"), Path("hits")),
        }
    )
    cases = {}
    targets = {"predict": predict_at_least, "screen": screen_at_least if bench.fast_bfloat16 else None}
    for verb, at_least in targets.items():
        sides = {name: found[name] for name in ("chemprop", f"molgraph {verb}")}
        title = f"chemprop predict / molgraph {verb}, {bench.settings.library_rows:,} molecules, {models_of(members)}"
        figure = median_seconds(sides["chemprop"]) / median_seconds(sides[f"molgraph {verb}"])
        used = {name: commands[name] for name in sides}
        cases[f"{verb}-{members}"] = Case(title, "s", seconds_of(sides), used, figure, at_least=at_least)
    what = f"predict and screen, {models_of(members)}"
    return {**cases, f"score-{members}-memory": _memory_case(what, found, commands, at_most=MAX_PEAK_MB)}


def growth(bench: Bench) -> dict[str, Case]:
    """Peak memory on ten times the rows."""
    model = bench.model("molgraph", 1)
    runs: dict[str, Callable[[str], Measurement]] = {
        "predict": lambda library: _predict(bench, model, library, f"growth-{library}.csv", "float32"),
        "screen": lambda library: _screen(bench, model, library, f"growth-{library}"),
    }
    commands: dict[str, Command] = {
        "predict": bench.molgraph.predict(Path("model"), Path("library.csv"), Path("out.csv"), precision="float32"),
        "screen": bench.molgraph.screen(Path("model"), Path("library.smi"), Path("hits")),
    }
    cases = {}
    for verb, run in runs.items():
        peaks = {f"{n_rows:,} rows": [run(library).peak_mb] for library, n_rows in bench.libraries.items()}
        (small,), (large,) = peaks.values()
        lines = dict.fromkeys(peaks, _line(commands[verb]))
        title = f"molgraph {verb}, peak memory"
        cases[f"memory-{verb}"] = Case(f"{title} on 10 times the rows", "MB", peaks, lines, large, at_most=MAX_PEAK_MB)
        cases[f"memory-{verb}-growth"] = Case(
            f"{title}, 10 times the rows / once", "MB", peaks, lines, large / small, at_most=SAME_MEMORY
        )
    return cases


def precision(bench: Bench) -> dict[str, Case]:
    """How far bfloat16 predictions are from float32 ones, in standard deviations of the labels."""
    model, outputs = bench.model("molgraph", 1), {}
    commands: dict[str, Command] = {}
    for kind in ("float32", "bfloat16"):
        _predict(bench, model, "library", f"{kind}.csv", kind)
        outputs[kind] = _read_predictions(bench.folder / f"{kind}.csv", f"{TARGET}_pred", bench.settings.library_rows)
        commands[kind] = bench.molgraph.predict(Path("model"), Path("library.csv"), Path("out.csv"), precision=kind)
    labels = _read_column(bench.folder / "table.csv", TARGET)
    difference = np.abs(outputs["bfloat16"] - outputs["float32"]) / labels.std()
    values = {
        "root mean square": [float(np.sqrt(np.mean(difference**2)))],
        "99th percentile": [float(np.quantile(difference, 0.99))],
        "largest": [float(difference.max())],
    }
    title = "largest |bfloat16 - float32| / standard deviation of the labels"
    figure = values["largest"][0]
    return {
        "precision": Case(title, "label standard deviations", values, command_lines(commands), figure, at_most=0.01)
    }


GROUPS: Mapping[str, Callable[[Bench], dict[str, Case]]] = MappingProxyType(
    {
        "startup": startup,
        "featurize": featurize,
        "train-1": lambda bench: train(bench, 1, at_least=2.5),
        "train-5": lambda bench: train(bench, 5, at_least=None),
        "score-1": lambda bench: score(bench, 1, predict_at_least=2.5, screen_at_least=4.0),
        "score-5": lambda bench: score(bench, 5, predict_at_least=2.0, screen_at_least=4.0),
        "precision": precision,
        "memory": growth,
    }
)


def _predict(bench: Bench, model: Path, library: str, output: str, kind: str) -> Measurement:
    command = bench.molgraph.predict(model, Path(f"{library}.csv"), Path(output), precision=kind)
    measurement = bench.run(command)
    _read_predictions(bench.folder / output, f"{TARGET}_pred", bench.libraries[library])
    return measurement


def _screen(bench: Bench, model: Path, library: str, output: str) -> Measurement:
    measurement = bench.run(bench.molgraph.screen(model, Path(f"{library}.smi"), Path(output)))
    n_read = json.loads((bench.folder / output / "summary.json").read_text(encoding="utf-8"))["rows"]["read"]
    if n_read != bench.libraries[library]:
        raise ProgramError(f"molgraph screen read {n_read} rows of {bench.libraries[library]}")
    shutil.rmtree(bench.folder / output)
    return measurement


def _read_predictions(path: Path, column: str, n_rows: int) -> np.ndarray:
    """A column that has to be complete: a fast program that skips rows has not done the job."""
    values = _read_column(path, column)
    if len(values) != n_rows or not np.isfinite(values).all():
        raise ProgramError(f"{path.name}: {np.isfinite(values).sum()} predictions for {n_rows} rows")
    return values


def _read_column(path: Path, column: str) -> np.ndarray:
    with path.open(encoding="utf-8", newline="") as file:
        return np.array([float(record[column] or math.nan) for record in csv.DictReader(file)])


def _memory_case(
    what: str, found: Mapping[str, Sequence[Measurement]], commands: Mapping[str, str], at_most: float | None
) -> Case:
    """Largest peak of this project's runs; the peer's peaks stand beside it."""
    peaks = {name: [run.peak_mb for run in runs] for name, runs in found.items()}
    ours = max(max(values) for name, values in peaks.items() if name.startswith("molgraph"))
    return Case(f"molgraph peak memory, {what}", "MB", peaks, commands, ours, at_most=at_most)


def seconds_of(found: Mapping[str, Sequence[Measurement]]) -> dict[str, list[float]]:
    return {name: [run.seconds for run in runs] for name, runs in found.items()}


def median_seconds(runs: Sequence[Measurement]) -> float:
    return float(np.median([run.seconds for run in runs]))


def models_of(members: int) -> str:
    return "1 model" if members == 1 else f"{members} models"


def command_lines(commands: Mapping[str, Command]) -> dict[str, str]:
    return {name: _line(command) for name, command in commands.items()}


def _line(command: Command) -> str:
    return " ".join([Path(command[0]).name, *map(str, command[1:])])
