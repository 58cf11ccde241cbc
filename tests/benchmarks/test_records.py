import copy
import json

import pytest
from records import RESULTS, check_record, machine, new_record, read_record, write_record


@pytest.fixture
def accuracy():
    return {
        **new_record("accuracy", {"torch": "2.13.0"}, {"moleculenet/bace.csv": "85a1"}),
        "data_set": "bace",
        "learner": "molgraph",
        "seed": 0,
        "metric": "roc_auc",
        "value": 0.9,
        "rows": {"train": 8, "val": 1, "test": 1},
        "epochs": 30,
        "batch_size": 64,
        "split_sha256": "928d",
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


@pytest.mark.parametrize("path", sorted(RESULTS.rglob("*.json")), ids=lambda path: path.name)
def test_every_record_in_the_tree_is_complete(path):
    record = read_record(path)
    if record["kind"] == "accuracy":
        assert path.stem == f"{record['data_set']}-seed{record['seed']}-{record['learner']}"


def test_round_trip(tmp_path, accuracy, speed):
    for record in (accuracy, speed):
        write_record(record, tmp_path / "new" / "record.json")
        assert read_record(tmp_path / "new" / "record.json") == record
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["record.json"]


@pytest.mark.parametrize("field", ["value", "seed", "versions", "data_sha256", "split_sha256", "date"])
def test_a_missing_field_is_named(accuracy, field):
    del accuracy[field]
    with pytest.raises(ValueError, match=field):
        check_record(accuracy)


def test_an_unknown_field_kind_or_format_is_refused(accuracy):
    with pytest.raises(ValueError, match="comment"):
        check_record({**accuracy, "comment": "fast"})
    with pytest.raises(ValueError, match="not a known record"):
        check_record({**accuracy, "kind": "wish"})
    with pytest.raises(ValueError, match="not a known record"):
        check_record({**accuracy, "format_version": 99})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1, "0.9", True])
def test_only_finite_numbers_are_values(accuracy, value):
    with pytest.raises(ValueError, match="value"):
        check_record({**accuracy, "value": value})


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
