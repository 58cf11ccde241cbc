"""Model cards: every value is checked, and nothing but `InputError` comes of a bad one."""

import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molgraph.config.training import ModelConfig, TrainConfig
from molgraph.config.uncertainty import CalibrationSettings
from molgraph.errors import InputError
from molgraph.model_folder.card import (
    FORMAT_VERSION,
    About,
    DomainRecord,
    MetricRecord,
    ModelCard,
    RowCounts,
    card_from_dict,
    card_to_dict,
)
from molgraph.results.tasks import TaskSpec
from molgraph.storage.decode_typed import decode

CARD = ModelCard(
    molgraph_version="0.1.0",
    tasks=(TaskSpec("pIC50", "regression", "log10(mol/L)", "maximize"), TaskSpec("hERG", "classification")),
    schema="some schema",
    schema_hash="ab" * 32,
    standardizer="default",
    standardizer_version=1,
    n_members=2,
    learners=("network", "catboost"),
    blocks={"environments": "molgraph-1 1"},
    config=TrainConfig(model=ModelConfig(hidden=32), folds=2, patience=5),
    encoder=None,
    data=RowCounts("assay.csv", "cd" * 32, 10, 7, 1, 1, 1, 1, 0, 0),
    metrics=(MetricRecord("pIC50", "rmse", 0.5, None, (0.4, None), 7),),
    best_epochs=(3, 4),
    calibration=CalibrationSettings(rows="cross", n_models=2),
    calibration_rows=(7, 6),
    recalibrated_on=None,
    has_structures=True,
    domain=(DomainRecord("pIC50", "inside", 9, 0.5, 1.0), DomainRecord("pIC50", "edge", 3, None, None)),
    reference="3 known compounds",
    about=About("a title", "toxicity", "a source", "MIT", "dosing people", ("2 rows came twice",)),
    libraries={"numpy": "2.0"},
    files={"weights.safetensors": "ef" * 32},
)


def test_card_of_a_recalibrated_model_survives_json():
    card = replace(CARD, recalibrated_on=RowCounts("new.csv", "ef" * 32, 5, 5, 0, 0, 0, 0, 0, 0))
    assert card_from_dict(json.loads(json.dumps(card_to_dict(card))), source="card.json") == card


def plain() -> dict[str, object]:
    """The card as it comes out of a file."""
    return json.loads(json.dumps(card_to_dict(CARD)))


def test_card_survives_json():
    assert card_from_dict(plain(), source="card.json") == CARD
    assert card_to_dict(CARD)["format_version"] == FORMAT_VERSION
    assert CARD.task_names == ("pIC50", "hERG")


def test_card_without_structures_survives_json():
    card = replace(CARD, has_structures=False, domain=())
    assert card_from_dict(json.loads(json.dumps(card_to_dict(card))), source="card.json") == card


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["n_members"], "2"),
        (["n_members"], True),
        (["n_members"], 0),
        (["n_members"], 10**9),
        (["tasks"], []),
        (["tasks"], "pIC50"),
        (["tasks", 0, "kind"], "ranking"),
        (["tasks", 0, "kind"], ["regression"]),
        (["tasks", 0, "name"], 7),
        (["tasks", 1, "name"], "pIC50"),
        (["tasks", 0, "direction"], "sideways"),
        (["tasks", 0], None),
        (["schema"], ["a", "list"]),
        (["standardizer"], {}),
        (["standardizer_version"], 1.5),
        (["config"], []),
        (["config", "folds"], -1),
        (["config", "model"], 3),
        (["config", "model", "hidden"], 10**12),
        (["config", "unknown"], 1),
        (["config", "encoder"], None),
        (["data", "rows_used"], "7"),
        (["data"], None),
        (["metrics", 0, "mean"], "low"),
        (["metrics", 0, "mean"], float("nan")),
        (["metrics", 0, "mean"], float("inf")),
        (["metrics", 0, "folds"], {"0": 1.0}),
        (["best_epochs"], [1, "2"]),
        (["best_epochs", 0], 1e999),
        (["has_structures"], "yes"),
        (["domain"], None),
        (["domain", 0, "degree"], "far"),
        (["domain", 0, "n_rows"], "9"),
        (["domain", 0, "rmse"], float("nan")),
        (["domain", 1, "ratio"], "1.2"),
        (["about"], "a model"),
        (["about", "group"], "other"),
        (["about", "defects"], "none"),
        (["reference"], 3),
        (["libraries"], []),
        (["libraries", "numpy"], 2),
        (["files", "weights.safetensors"], None),
        (["surprise"], 1),
    ],
)
def test_wrong_values_are_named_in_one_line(path, value):
    values = plain()
    place = values
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InputError) as caught:
        card_from_dict(values, source="card.json")
    message = str(caught.value)
    assert message.startswith("card.json")
    assert "\n" not in message
    assert len(message) < 900


#: Cards of models that were made before these were known.
LATER = {"format_version", "new_series", "new_series_unknown"}


@pytest.mark.parametrize("key", [key for key in card_to_dict(CARD) if key not in LATER])
def test_missing_fields_are_named(key):
    values = plain()
    del values[key]
    with pytest.raises(InputError, match=key):
        card_from_dict(values, source="card.json")


@pytest.mark.parametrize("values", [None, [], "card", 3, {}])
def test_other_things_are_no_card(values):
    with pytest.raises(InputError, match=r"^card\.json"):
        card_from_dict(values, source="card.json")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths(value, before=()):
    """Every place in a card, its inner nodes included."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*before, key)
        yield from paths(inner, (*before, key))


PLACES = [path for path in paths(plain()) if path not in {("format_version",), ("config",), ("config", "model")}]


@settings(max_examples=300, deadline=None)
@given(place=st.sampled_from(PLACES), value=ANY_JSON)
def test_a_card_is_refused_or_read_as_it_is(place, value):
    values = copy.deepcopy(plain())
    node = values
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    try:
        card = card_from_dict(values, source="card.json")
    except InputError:
        return
    if value != {}:  # of settings without any the defaults are read
        assert json.loads(json.dumps(card_to_dict(card))) == values


def test_the_interval_of_a_single_fold_is_that_of_its_rows():
    record = MetricRecord("y", "roc_auc", 0.95, 0.04, (0.95,), 40)
    assert record.interval == pytest.approx((0.95 - 1.96 * 0.04, 1.0))
    assert MetricRecord("y", "rmse", 0.5, None, (0.5,), 1).interval is None
    assert MetricRecord("y", "rmse", 0.5, None, (0.5, None), 1).interval is None


@pytest.mark.parametrize(
    "fields",
    [{"lowest": 1.0, "highest": 1.0}, {"class_names": ["active", "active"]}, {"class_names": ["a", "b", "c"]}],
)
def test_a_task_says_what_its_values_and_classes_can_be(fields):
    task = {"name": "y", "kind": "regression"}
    read = decode(TaskSpec, task | {"lowest": 0, "highest": 100, "class_names": ["no", "yes"]}, "task")
    assert read == TaskSpec("y", "regression", lowest=0.0, highest=100.0, class_names=("no", "yes"))
    with pytest.raises(InputError, match=r"task 'y'|task: class_names is .*; it must be a list of 2 values"):
        decode(TaskSpec, task | fields, "task")
