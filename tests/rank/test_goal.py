from dataclasses import replace

import pytest

from molgraph.errors import InputError
from molgraph.rank.goal import Goal, parse_goal
from molgraph.results.tasks import TaskSpec

PIC50 = TaskSpec("pIC50", "regression", "log10(mol/L)", "maximize")
HERG = TaskSpec("hERG", "classification", direction="minimize")
LOGD = TaskSpec("logD at pH 7.4", "regression")
ODD = TaskSpec("minimize fuss", "regression")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pIC50", Goal("pIC50", 0, "maximize")),
        ("hERG", Goal("hERG", 1, "minimize")),
        ("maximize hERG", Goal("hERG", 1, "maximize")),
        ("  MINIMIZE   pIC50 ", Goal("pIC50", 0, "minimize")),
        ("logD at pH 7.4", Goal("logD at pH 7.4", 2, "maximize")),
        ("minimize logD at pH 7.4", Goal("logD at pH 7.4", 2, "minimize")),
        ("minimize fuss", Goal("minimize fuss", 3, "maximize")),
        ("minimize minimize fuss", Goal("minimize fuss", 3, "minimize")),
        ("minimize IC50 (nM)", Goal("pIC50", 0, "maximize")),
        ("maximize IC50", Goal("pIC50", 0, "minimize")),
    ],
)
def test_words(text, expected):
    assert parse_goal(text, [PIC50, HERG, LOGD, ODD]) == expected


@pytest.mark.parametrize("text", [None, "", "  "])
def test_the_only_task_needs_no_words(text):
    assert parse_goal(text, [HERG]) == Goal("hERG", 0, "minimize")
    assert parse_goal(text, [LOGD]).direction == "maximize"


def test_several_tasks_need_words():
    with pytest.raises(InputError, match=r"the tasks pIC50, hERG; say which ranks, e\.g\. `goal='pIC50'`"):
        parse_goal(None, [PIC50, HERG])


@pytest.mark.parametrize("text", ["pic50", "maximize", "minimise pIC50", "pIC50 maximize"])
def test_no_such_task(text):
    with pytest.raises(InputError, match=r"it must be a task of the model \(pIC50, hERG\), alone or after maximize"):
        parse_goal(text, [PIC50, HERG])


def test_sign():
    assert parse_goal("pIC50", [PIC50]).sign == 1.0
    assert parse_goal("hERG", [HERG]).sign == -1.0
    assert str(parse_goal("hERG", [HERG])) == "minimize hERG"


@pytest.mark.parametrize("task", [
    TaskSpec("IC50 (nM)", "regression"), TaskSpec("Standard Value", "regression", "nM"), TaskSpec("Ki", "regression"),
])  # fmt: skip
def test_the_largest_concentration_is_not_ranked_first_without_a_word(task):
    name = task.name
    for text in (None, name):
        with pytest.raises(InputError, match=r"reads like a concentration.*`goal='minimize .*`goal='maximize "):
            parse_goal(text, [task])
    assert parse_goal(f"maximize {name}", [task]).direction == "maximize"
    assert parse_goal(f"minimize {name}", [task]).direction == "minimize"
    assert parse_goal(None, [replace(task, direction="minimize")]).direction == "minimize"


@pytest.mark.parametrize("name", ["pIC50", "logD", "solubility_uM", "dG (kJ/mol)", "Makism", "nM50x"])
def test_all_else_is_ranked_upwards(name):
    assert parse_goal(None, [TaskSpec(name, "regression")]).direction == "maximize"
