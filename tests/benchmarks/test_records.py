import copy
import json
from collections import defaultdict

import pytest
import transfer
from accuracy import LEARNERS
from records import RESULTS, check_record, machine, new_record, read_record, write_record

from molgraph.benchmark.record import read_records as read_accuracies


@pytest.fixture
def soak():
    return {
        **new_record("soak", {"torch": "2.13.0"}, {"libraries/zinc250k.smi.gz": "85a1"}),
        "machine": machine(),
        "seconds": 0.9,
        "kills": 2,
        "identical": 2,
        "rounds": [],
    }


@pytest.fixture
def speed():
    case = {
        "title": "chemprop / molgraph",
        "unit": "s",
        "values": {"chemprop": [3.0], "molgraph": [1.0]},
        "commands": {"molgraph": "molgraph train table.csv -o molgraph-model"},
        "figure": 3.0,
        "target": {"at_least": 2.5},
        "verdict": "pass",
    }
    common = new_record("speed", {"molgraph": {"torch": "2.13.0"}}, {"libraries/zinc250k.smi.gz": "2f73"})
    return {**common, "machine": machine(), "settings": {"repeats": 1}, "cases": {"train-1": case}, "failed": []}


ACCURACY, TRANSFER = RESULTS / "moleculenet", RESULTS / "transfer"


def by_cell(records):
    cells = defaultdict(list)
    for record in records:
        cells[record.data_set, record.split, record.seed].append(record)
    return cells


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(RESULTS.rglob("*.json")) if path.parent not in {ACCURACY, TRANSFER}],
    ids=lambda path: path.name,
)
def test_every_record_in_the_tree_is_complete(path):
    read_record(path)


def test_every_record_of_transfer_in_the_tree_is_complete():
    if not TRANSFER.is_dir():
        pytest.skip("no record of transfer was made yet")
    records = read_accuracies(TRANSFER)
    assert {record.learner for record in records} <= transfer.LEARNERS.keys()
    assert all(len({record.problem_sha256 for record in cell}) == 1 for cell in by_cell(records).values())


def test_every_record_of_accuracy_in_the_tree_is_complete():
    if not ACCURACY.is_dir():
        pytest.skip("no record of accuracy was made yet")
    records = read_accuracies(ACCURACY)
    assert {record.learner for record in records} <= LEARNERS.keys()
    for learner_records in by_cell(records).values():
        assert len({record.problem_sha256 for record in learner_records}) == 1


def test_round_trip(tmp_path, soak, speed):
    for record in (soak, speed):
        write_record(record, tmp_path / "new" / "record.json")
        assert read_record(tmp_path / "new" / "record.json") == record
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["record.json"]


@pytest.mark.parametrize("field", ["seconds", "kills", "versions", "data_sha256", "rounds", "date"])
def test_a_missing_field_is_named(soak, field):
    del soak[field]
    with pytest.raises(ValueError, match=field):
        check_record(soak)


def test_an_unknown_field_kind_or_format_is_refused(soak):
    with pytest.raises(ValueError, match="comment"):
        check_record({**soak, "comment": "fast"})
    with pytest.raises(ValueError, match="not a known record"):
        check_record({**soak, "kind": "wish"})
    with pytest.raises(ValueError, match="not a known record"):
        check_record({**soak, "format_version": 99})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1, "0.9", True])
def test_only_finite_numbers_are_values(soak, value):
    with pytest.raises(ValueError, match="seconds"):
        check_record({**soak, "seconds": value})


def test_a_case_without_raw_values_is_refused(speed, tmp_path):
    for values in ({}, {"chemprop": [3.0], "molgraph": []}):
        record = copy.deepcopy(speed)
        record["cases"]["train-1"]["values"] = values
        with pytest.raises(ValueError, match="no raw values"):
            write_record(record, tmp_path / "record.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    ["molgraph train /home/someone/table.csv", "/usr/bin/molgraph train table.csv", r"C:\Users\someone\molgraph"],
)
def test_a_path_of_the_machine_is_refused(speed, command):
    speed["cases"]["train-1"]["commands"]["molgraph"] = command
    with pytest.raises(ValueError, match="path of the machine"):
        check_record(speed)


def test_the_machine_is_described_without_its_name():
    import socket

    described = machine()
    assert described["cores"] >= 1
    assert isinstance(described["fast_bfloat16"], bool)
    assert socket.gethostname() not in json.dumps(described)
