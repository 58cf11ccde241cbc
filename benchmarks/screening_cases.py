"""What the screening benchmark measures: sizes, packed against raw, stages, memory, the ledger."""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from inputs import data_folder
from programs import Measurement, ProgramError
from speed_cases import SAME_MEMORY, Bench, Case, Command, command_lines, median_seconds, models_of, seconds_of

MCULE = "libraries/mcule_purchasable_1.2M.smi.gz"
HERE = Path(__file__).resolve().parent
CORES = 2


@dataclass(frozen=True)
class Sizes:
    """Rows of the libraries: the largest is screened by one model only."""

    small: int = 10_000
    middle: int = 100_000
    large: int = 1_000_000


@dataclass
class Screening:
    """A folder with libraries, raw and packed, and trained models."""

    bench: Bench
    sizes: Sizes

    def prepare(self) -> None:
        """Write the libraries: every n-th molecule of Mcule's, so that all have molecules of the same kinds."""
        with gzip.open(data_folder() / MCULE, "rt", encoding="utf-8") as lines:
            texts = [line.split()[0] for line in lines]
        for n_rows in (self.sizes.small, self.sizes.middle, self.sizes.large):
            chosen = texts[:: len(texts) // n_rows][:n_rows]
            plain = "".join(f"{text} MCULE{row}\n" for row, text in enumerate(chosen))
            self.raw(n_rows).write_text(plain, encoding="utf-8")
            table = "smiles\n" + "".join(f"{text}\n" for text in chosen)
            self.raw(n_rows).with_suffix(".csv").write_text(table, encoding="utf-8")

    def raw(self, n_rows: int) -> Path:
        return self.bench.folder / f"mcule-{n_rows}.smi"

    def packed(self, n_rows: int) -> Path:
        """The packed library, made when it is first asked for."""
        folder = self.bench.folder / f"packed-{n_rows}"
        if not folder.exists():
            self.bench.run(self.bench.molgraph.featurize(Path(self.raw(n_rows).name), Path(folder.name)))
        return folder

    def screen(self, members: int, library: Path, *options: object) -> Measurement:
        """Screen a library; every row must be accounted for."""
        command = self.command(members, library, *options)
        measurement = self.bench.run(command)
        output = self.bench.folder / "hits"
        rows = json.loads((output / "summary.json").read_text(encoding="utf-8"))["rows"]
        shutil.rmtree(output)
        n_rows = int(library.stem.rpartition("-")[2])
        if rows["read"] != n_rows:
            raise ProgramError(f"molgraph screen read {rows['read']} rows of {n_rows}")
        return measurement

    def command(self, members: int, library: Path, *options: object) -> Command:
        model = self.bench.model("molgraph", members)
        return [*self.bench.molgraph.screen(model, Path(library.name), Path("hits")), *map(str, options)]

    def rates(self, stage: str, library: Path, processes: int) -> float:
        """Molecules a second of one stage in so many processes at once, on a thread each."""
        model = self.bench.model("molgraph", 1)
        n_rows = int(library.stem.rpartition("-")[2])
        command = [sys.executable, HERE / "screening_stage.py", stage, model, library]
        workers = [
            subprocess.Popen(
                [str(part) for part in (*command, part, processes)],
                cwd=self.bench.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for part in range(processes)
        ]  # fmt: skip
        try:
            if any(worker.stdout.readline() != "ready\n" for worker in workers if worker.stdout):
                raise ProgramError(f"the stage {stage} could not be started")
            for worker in workers:
                worker.stdin.write("\n")  # type: ignore[union-attr]
                worker.stdin.flush()  # type: ignore[union-attr]
            return n_rows / max(float(worker.stdout.readline()) for worker in workers if worker.stdout)
        finally:
            for worker in workers:
                worker.kill()
                worker.communicate()


def throughput(job: Screening) -> dict[str, Case]:
    """Whole programs over the sizes, raw and packed; no target, but a curve to read."""
    cases = {}
    for members, n_rows in ((1, job.sizes.small), (1, job.sizes.middle), (1, job.sizes.large), (5, job.sizes.middle)):
        sides: dict[str, Callable[[int], Measurement]] = {}
        commands: dict[str, Command] = {}
        for name, library in (("raw", job.raw(n_rows)), ("packed", job.packed(n_rows))):
            for processes in (1, CORES) if n_rows < job.sizes.large else (CORES,):
                options = ("--processes", processes)
                sides[f"{name}, {processes}"] = lambda _, m=members, lib=library, o=options: job.screen(m, lib, *o)
                commands[f"{name}, {processes}"] = job.command(members, library, *options)
        found = job.bench.alternate(sides, repeats=1)
        rates = {name: [n_rows / run.seconds for run in runs] for name, runs in found.items()}
        title = f"screen {n_rows:,} rows, {models_of(members)}, raw or packed, by processes"
        figure = rates[f"packed, {CORES}"][0]
        cases[f"rate-{members}-{n_rows}"] = Case(title, "rows/s", rates, command_lines(commands), figure)
    return cases


def against_chemprop(job: Screening, members: int, at_least: float) -> dict[str, Case]:
    """Whole programs on the middle size."""
    n_rows, theirs = job.sizes.middle, job.bench.model("chemprop", members)
    table = job.raw(n_rows).with_suffix(".csv").name
    peer = job.bench.chemprop.predict(theirs, Path(table), Path("chemprop.csv"))
    found = job.bench.alternate(
        {"chemprop": lambda _: job.bench.run(peer), "molgraph": lambda _: job.screen(members, job.raw(n_rows))},
        repeats=2 if members == 1 else 1,
    )
    commands = command_lines({"chemprop": peer, "molgraph": job.command(members, job.raw(n_rows))})
    title = f"chemprop predict / molgraph screen, {n_rows:,} rows, {models_of(members)}"
    figure = median_seconds(found["chemprop"]) / median_seconds(found["molgraph"])
    peaks = {name: [run.peak_mb for run in runs] for name, runs in found.items()}
    ratio = max(peaks["chemprop"]) / max(peaks["molgraph"])
    return {
        f"peer-{members}": Case(title, "s", seconds_of(found), commands, figure, at_least=at_least),
        f"peer-{members}-memory": Case(f"{title}: peak memory", "MB", peaks, commands, ratio),
    }


def packed(job: Screening) -> dict[str, Case]:
    """A packed library against the files that it was made from, whole programs."""
    cases = {}
    for n_rows, repeats in ((job.sizes.middle, 3), (job.sizes.large, 1)):
        sides = {"raw": job.raw(n_rows), "packed": job.packed(n_rows)}
        found = job.bench.alternate(
            {name: lambda _, library=library: job.screen(1, library) for name, library in sides.items()},
            repeats=repeats,
        )
        commands = command_lines({name: job.command(1, library) for name, library in sides.items()})
        figure = median_seconds(found["raw"]) / median_seconds(found["packed"])
        title = f"screen of raw / packed, {n_rows:,} rows, 1 model"
        cases[f"packed-{n_rows}"] = Case(title, "s", seconds_of(found), commands, figure, at_least=1.4)
    return cases


def ray(job: Screening) -> dict[str, Case]:
    """A cluster of Ray's on this machine, begun and ended with the screen, against processes of its own."""
    cases = {}
    for n_rows in (job.sizes.middle, job.sizes.large):
        options: dict[str, list[object]] = {"local": [], "ray": ["--engine", "ray"]}
        found = job.bench.alternate(
            {name: lambda _, n=n_rows, own=own: job.screen(1, job.raw(n), *own) for name, own in options.items()},
            repeats=1,
        )
        commands = command_lines({name: job.command(1, job.raw(n_rows), *own) for name, own in options.items()})
        figure = median_seconds(found["local"]) / median_seconds(found["ray"])
        title = f"rate of a screen on a Ray cluster of this machine / by processes, {n_rows:,} rows, 1 model"
        cases[f"ray-{n_rows}"] = Case(title, "s", seconds_of(found), commands, figure, at_least=0.7)
    return cases


def stages(job: Screening) -> dict[str, Case]:
    """What each stage could do alone on all cores, and what the screen makes of it."""
    raw, folder = job.raw(job.sizes.middle), job.packed(job.sizes.middle)
    libraries = {"smiles": raw, "parse": raw, "forward": folder, "batch": folder}
    rates = {stage: [job.rates(stage, library, CORES) for _ in range(2)] for stage, library in libraries.items()}
    alone = [job.rates("batch", folder, 1) for _ in range(2)]
    seconds = [job.screen(1, raw).seconds for _ in range(2)]
    whole = {"screen": [job.sizes.middle / value for value in seconds], **rates}
    best = 1 / (1 / float(np.median(rates["parse"])) + 1 / float(np.median(rates["forward"])))
    commands = {name: f"python screening_stage.py {name} model library PART {CORES}" for name in rates}
    commands["screen"] = command_lines({"": job.command(1, raw)})[""]
    title = f"rate of a whole screen / of parsing and computing back to back, {job.sizes.middle:,} rows, 1 model"
    figure = float(np.median(whole["screen"])) / best
    floor = f"rate of a whole screen / of Chem.MolFromSmiles on {CORES} cores"
    batch = {"batch": "python screening_stage.py batch model library 0 1"}
    return {
        "stages": Case(title, "rows/s", whole, commands, figure, at_least=0.75),
        "floor": Case(floor, "rows/s", {name: whole[name] for name in ("screen", "smiles")}, commands,
                      float(np.median(whole["screen"]) / np.median(rates["smiles"]))),
        "batch": Case("reading and batching a packed library, one core", "rows/s", {"batch": alone}, batch,
                      float(np.median(alone)), at_least=100_000),
    }  # fmt: skip


def memory(job: Screening) -> dict[str, Case]:
    """Peak memory on ten times the rows."""
    cases = {}
    for name, library in (("raw", job.raw), ("packed", job.packed)):
        sizes = (job.sizes.middle, job.sizes.large)
        peaks = {f"{n_rows:,} rows": [job.screen(1, library(n_rows)).peak_mb] for n_rows in sizes}
        (small,), (large,) = peaks.values()
        lines = {f"{n_rows:,} rows": command_lines({"": job.command(1, library(n_rows))})[""] for n_rows in sizes}
        title = f"peak memory of a {name} screen, 10 times the rows / once"
        cases[f"memory-{name}"] = Case(title, "MB", peaks, lines, large / small, at_most=SAME_MEMORY)
    return cases


def ledger(job: Screening) -> dict[str, Case]:
    """Share of a screen that goes into keeping what is done."""
    command: Command = [Path(sys.executable), HERE / "screening_ledger.py", job.bench.model("molgraph", 1)]
    command += [Path(job.raw(job.sizes.middle).name), Path("ledger.json")]
    job.bench.run(command)
    seconds = json.loads((job.bench.folder / "ledger.json").read_text(encoding="utf-8"))
    title = "time spent on the ledger / time of the screen"
    commands = dict.fromkeys(seconds, "python screening_ledger.py model library ledger.json")
    values = {name: [value] for name, value in seconds.items()}
    return {"ledger": Case(title, "s", values, commands, seconds["ledger"] / seconds["screen"], at_most=0.03)}


GROUPS: Mapping[str, Callable[[Screening], dict[str, Case]]] = MappingProxyType(
    {
        "stages": stages,
        "packed": packed,
        "ray": ray,
        "ledger": ledger,
        "memory": memory,
        "throughput": throughput,
        "peer-1": lambda job: against_chemprop(job, 1, at_least=3.0),
        "peer-5": lambda job: against_chemprop(job, 5, at_least=4.5),
    }
)
