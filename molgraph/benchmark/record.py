"""Records of experiments: test metrics of one learner on one split, as JSON that is checked when it is read."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from molgraph.errors import InputError
from molgraph.storage.atomic import atomic_path
from molgraph.storage.decode import decode_json, read_bounded
from molgraph.storage.decode_typed import decode

#: Version of the record format.
FORMAT_VERSION = 1

#: Bytes of a record that are read.
_MOST_BYTES = 2**26


@dataclass(frozen=True)
class Record:
    """Result of one experiment.

    Attributes:
        data_set: Name of the data set.
        split: Name of the split.
        seed: Seed of the split, if it is drawn, and of the training.
        learner: Name of the learner.
        metric: Name in `molgraph.metrics.scores.METRICS`.
        value: Mean over the tasks on which it is defined, on the test rows.
        tasks: Its value for each of these.
        rows: Number of training, validation and test rows.
        problem_sha256: Hash of data and split: equal where two learners got the same.
        data_sha256: Hash of structures, labels and tasks.
        settings: Hyperparameters of the learner.
        versions: Versions of the software that the result depends on.
        seconds: Wall time of training and prediction.
        peak_mb: Peak resident memory of the process and of its child processes.
        date: Day of the run, YYYY-MM-DD.
    """

    data_set: str
    split: str
    seed: int
    learner: str
    metric: str
    value: float
    tasks: dict[str, float]
    rows: dict[str, int]
    problem_sha256: str
    data_sha256: str
    settings: dict[str, Any]
    versions: dict[str, str]
    seconds: float
    peak_mb: float
    date: str

    @property
    def name(self) -> str:
        """Name of its file, without the ending."""
        return f"{self.data_set}-{self.split}-{self.seed}-{self.learner}"


def write_record(record: Record, folder: Path) -> Path:
    """Write a record into a folder, atomically; returns its path.

    Raises:
        InputError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.name}.json"
    text = json.dumps({"format_version": FORMAT_VERSION, **asdict(record)}, indent=1, sort_keys=True, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    return path


def read_record(path: Path) -> Record:
    """A record from a file.

    Raises:
        InputError: The file is not a valid record, or has the name of another.
    """
    try:
        values = decode_json(read_bounded(path, _MOST_BYTES))
    except (OSError, InputError) as error:
        raise InputError(f"{path} is no record of a benchmark ({error}); delete it and run it again") from error
    if not isinstance(values, dict) or values.get("format_version") != FORMAT_VERSION:
        raise InputError(f"{path} is no record of format {FORMAT_VERSION}; delete it and run it again")
    try:
        record = decode(Record, values, str(path), beside=("format_version",))
    except InputError as error:
        raise InputError(f"{error}; run it again") from error
    if path.stem != record.name:
        raise InputError(f"{path} is the record of {record.name}; give it that name")
    return record


def read_records(folder: Path) -> list[Record]:
    """All records of a folder, in the order of their names.

    Raises:
        InputError: There is none, or one is damaged.
    """
    records = [read_record(path) for path in sorted(folder.glob("*.json"))]
    if not records:
        raise InputError(f"{folder} holds no records; run 'molgraph benchmark run' first")
    return records
