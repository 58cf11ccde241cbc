import hashlib
from importlib import resources

import pytest

from molgraph.datasets.cards import all_cards, card_named, parse_card
from molgraph.datasets.fetch import check_table, read_columns
from molgraph.datasets.load import load_dataset
from molgraph.errors import InputError
from molgraph.metrics.scores import METRICS

NAMES = [
    "bace_classification", "bace_regression", "bbbp", "clintox", "esol", "freesolv", "hiv", "lipophilicity", "muv",
    "qm7", "qm8", "sider", "tox21", "toxcast",
]  # fmt: skip
ESOL = (resources.files("molgraph_data") / "cards" / "esol.toml").read_text(encoding="utf-8")


def test_every_set_has_a_card():
    assert list(all_cards()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_card_is_complete(name):
    card = card_named(name)
    assert METRICS[card.metric].kind == card.kind
    assert len(card.sha256) == 64
    assert card.defects
    assert all(text and not text.isspace() for text in (card.title, card.licence, card.source, card.citation))
    assert len(card.tasks) in {0, card.n_tasks}
    assert len({task.name for task in card.tasks}) == len(card.tasks)
    assert all(text for _, text in card.lines())


@pytest.mark.parametrize("name", NAMES)
def test_card_describes_the_mirror_copy(data_dir, name):
    card = card_named(name)
    path = data_dir / card.mirror
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card.sha256
    check_table(path, card)
    columns = read_columns(path)
    assert card.id_column is None or card.id_column in columns
    assert len(card.tasks_in(columns)) == card.n_tasks


@pytest.mark.parametrize("name", ["esol", "freesolv", "lipophilicity", "bace_classification", "bace_regression", "bbbp",
                                  "clintox", "sider", "qm7"])  # fmt: skip
def test_card_loads(data_dir, monkeypatch, name):
    monkeypatch.setenv("MOLGRAPH_DATA", str(data_dir))
    card = card_named(name)
    dataset = load_dataset(name)
    assert dataset.rows_read == card.rows
    assert {task.kind for task in dataset.tasks} == {card.kind}
    assert len(dataset.tasks) == card.n_tasks
    assert len(dataset) + len(dataset.rejected) + dataset.n_unlabelled + dataset.merges.n_rows_removed == card.rows
    assert len(dataset) > 0.9 * card.rows  # salts of one drug are merged


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tox21", "toxcast", "hiv", "muv", "qm8"])
def test_large_card_loads(data_dir, monkeypatch, name):
    test_card_loads(data_dir, monkeypatch, name)


def test_names_are_forgiving_and_errors_helpful():
    assert card_named("ESOL") is card_named("esol")
    with pytest.raises(InputError, match=r"no data set 'bace'; did you mean bace_"):
        card_named("bace")
    with pytest.raises(InputError, match=r"known: bace_classification, .*toxcast"):
        card_named("zzz")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rows = 1128", "", "rows is missing; it must be a whole number"),
        ("rows = 1128", 'rows = "many"', "rows is 'many'; it must be a whole number"),
        ("rows = 1128", "rows = 1128\nrow = 3", r"there is no field 'row'; did you mean 'rows'\?"),
        ('name = "esol"', 'name = "esoll"', "name is 'esoll'; it must be the file's name"),
        ("https://", "ftp://", "must begin with https://"),
        ('metric = "rmse"', 'metric = "roc_auc"', "metric is 'roc_auc'; it must be one of 'rmse'"),
        ('split = "random"', 'split = "time"', "split is 'time'; it must be one of 'random', 'scaffold'"),
        ('kind = "regression"', 'kind = "ranking"', "kind is 'ranking'"),
        ('"maximize"', '"up"', "direction is 'up'"),
        ("unit =", "units =", r"tasks\[0\] has no field 'units'; did you mean 'unit'\?"),
        ("tasks = [", "[all_other_columns]\ncount = 3\n[x]\ny = [", "there is no field 'x'"),
        ("rows = 1128", "rows = = 1128", "not valid TOML"),
        ("tasks = [\n", "taskss = [\n", r"there is no field 'taskss'; did you mean 'tasks'\?"),
    ],
)
def test_faulty_cards_are_refused(old, new, message):
    assert old in ESOL
    with pytest.raises(InputError, match=message):
        parse_card(ESOL.replace(old, new), "esol.toml")


def test_tasks_are_listed_or_all_others_but_not_neither():
    without = ESOL[: ESOL.index("tasks = [")]
    with pytest.raises(InputError, match="either tasks or all_other_columns"):
        parse_card(without, "esol.toml")
    with pytest.raises(
        InputError, match=r"all_other_columns\.direction is missing; it must be one of 'maximize', 'minimize'"
    ):
        parse_card(without + "[all_other_columns]\ncount = 3\n", "esol.toml")
