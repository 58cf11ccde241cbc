"""What a hit is, in words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molgraph.errors import InputError
from molgraph.rank.parse_hit import parse_hit, parse_requirement
from molgraph.results.labels import Labels
from molgraph.results.tasks import TaskSpec

PIC50, HERG, ACTIVE = (
    TaskSpec("pIC50", "regression"),
    TaskSpec("hERG", "classification"),
    TaskSpec("HIV active", "classification"),
)
ODD = TaskSpec("salt and pepper >= 1", "regression")
P_VALUE = TaskSpec("pIC50", "regression", unit="-log10(mol/L)")
P_OF_TARGET = TaskSpec("BACE1 pKi", "regression", unit="-log10(mol/L)")
CACO2 = TaskSpec("caco2", "regression", unit="log10(cm/s)")


@pytest.mark.parametrize(
    ("text", "tasks", "meaning"),
    [
        ("pIC50 >= 7", [PIC50], "pIC50 >= 7"),
        ("pic50>7", [PIC50], "pIC50 > 7"),
        ("pIC50 ≤ 6.5", [PIC50], "pIC50 <= 6.5"),
        ("pIC50 < -1e-3", [PIC50], "pIC50 < -0.001"),
        ("active", [ACTIVE], "HIV active = 1"),
        ("not active", [ACTIVE], "HIV active = 0"),
        ("inactive", [ACTIVE], "HIV active = 0"),
        ("HIV active", [ACTIVE, HERG], "HIV active = 1"),
        ("hERG = 0", [HERG], "hERG = 0"),
        ("hERG == 1", [HERG], "hERG = 1"),
        ("hERG = Active", [HERG], "hERG = 1"),
        ("hERG = no", [HERG], "hERG = 0"),
        ("hERG <= 0.5", [HERG], "hERG = 0"),
        ("hERG > 0.5", [HERG], "hERG = 1"),
        ("pIC50 >= 7 AND not hERG", [PIC50, HERG], "pIC50 >= 7 and hERG = 0"),
        ("pIC50 >= 7 and pIC50 < 9", [PIC50], "pIC50 >= 7 and pIC50 < 9"),
        ("IC50 (nM) <= 100", [P_VALUE], "pIC50 >= 7"),
        ("IC50 <= 100 nM", [P_VALUE], "pIC50 >= 7"),
        ("ic50<30nM", [P_VALUE], "pIC50 > 7.52288"),
        ("IC50 >= 1e1 µM and not hERG", [P_VALUE, HERG], "pIC50 <= 5 and hERG = 0"),
        ("BACE1 Ki_uM <= 0.05", [P_OF_TARGET], "BACE1 pKi >= 7.30103"),
        ("caco2 >= -5 log10(cm/s)", [CACO2], "caco2 >= -5"),
        ("salt and pepper >= 1 > 3 and hERG", [ODD, HERG], "salt and pepper >= 1 > 3 and hERG = 1"),
    ],
)
def test_words_and_their_meaning(text, tasks, meaning):
    assert str(parse_hit(text, tasks)) == meaning


@pytest.mark.parametrize(
    ("text", "tasks", "message"),
    [
        ("", [PIC50], "name what a hit is, e.g. 'pIC50 >= 7'"),
        ("pKi > 7", [PIC50, HERG], r"a task of the model \(pIC50, hERG\)"),
        ("pIC50", [PIC50], "compare it with a limit"),
        ("pIC50 = 7", [PIC50], "by >=, >, <= or <"),
        ("pIC50 > seven", [PIC50], "with a number"),
        ("pIC50 > nan", [PIC50], "with a number"),
        ("pIC50 > inf", [PIC50], "with a number"),
        ("pIC50 = active", [PIC50], "by >=, >, <= or <"),
        ("hERG > inactive", [HERG], "is a class: write 'hERG' or 'not hERG'"),
        ("hERG = maybe", [HERG], "is a class: write 'hERG' or 'not hERG'"),
        ("hERG > 0.3", [HERG], "is measured to be of the class hERG or not: .* goes into require of a profile"),
        ("hERG > 1.5", [HERG], "is a class: write 'hERG' or 'not hERG'"),
        ("not pIC50 > 7", [PIC50], "turn the comparison round"),
        ("active", [ACTIVE, HERG], "a task of the model"),
        ("IC50 <= 100", [P_VALUE], "give the limit with its unit, e.g. 'IC50 <= 100 nM', or write 'pIC50 >= 7'"),
        ("IC50 <= 100 mg/L", [P_VALUE], "give the limit with its unit"),
        ("IC50 (nM) <= 0", [P_VALUE], "compare IC50 with a number above 0"),
        ("IC50 (nM) = 5", [P_VALUE], "compare IC50 with a number above 0"),
        ("IC50 (nM) <= 100", [PIC50], r"a task of the model \(pIC50\)"),
        ("IC50 <= 100 nM", [P_OF_TARGET], "a task of the model"),
        ("pIC50 >= 7 nM", [P_VALUE], r"limits of pIC50 are in -log10\(mol/L\)"),
        ("pIC50 >= 7 nM", [PIC50], "limits of pIC50 are without a unit"),
        ("not not hERG", [HERG], "say 'not' once"),
        ("not " * 3000, [HERG], "has 11,999 characters; 10,000 are allowed"),
        ("not " * 2000, [HERG], "say 'not' once"),
        ("pIC50 > 7 and", [PIC50], "a task of the model"),
        ("pIC50 > 7 and pIC50 > 7", [PIC50], "twice"),
    ],
)
def test_what_is_no_hit(text, tasks, message):
    with pytest.raises(InputError, match=message):
        parse_hit(text, tasks)


@given(st.text(max_size=40))
def test_any_text_is_a_rule_or_a_clear_refusal(text):
    rule, refusal = None, ""
    try:
        rule = parse_hit(text, [PIC50, HERG])
    except InputError as error:
        refusal = str(error)
    assert refusal.startswith("hit ") if rule is None else parse_hit(str(rule), [PIC50, HERG]) == rule


def test_a_missing_value_leaves_it_open():
    rule = parse_hit("pIC50 >= 7 and not hERG", [PIC50, HERG])
    labels = np.array([[7.0, 0], [6.9, 0], [8, 1], [np.nan, 0], [8, np.nan]])
    np.testing.assert_array_equal(rule.is_hit(Labels(labels)), [1, 0, 0, np.nan, np.nan])


@pytest.mark.parametrize(
    ("text", "above", "below", "verdict"),
    [
        ("pIC50 >= 7", 8, None, 1),
        ("pIC50 >= 7", 7, None, 1),
        ("pIC50 >= 7", 6, None, np.nan),
        ("pIC50 >= 7", None, 5, 0),
        ("pIC50 >= 7", None, 7, 0),
        ("pIC50 >= 7", None, 9, np.nan),
        ("pIC50 >= 7", 6, 8, np.nan),
        ("pIC50 < 5", 6, None, 0),
        ("pIC50 < 5", 5, None, 0),
        ("pIC50 < 5", None, 5, 1),
        ("pIC50 >= 7 and hERG", 8, None, 1),
        ("pIC50 >= 7 and not hERG", 8, None, 0),
    ],
)
def test_a_bound_may_tell_enough(text, above, below, verdict):
    rule = parse_hit(text, [PIC50, HERG])
    bounds = np.full((2, 2, 2), np.nan)
    bounds[:, 0, 0] = [np.nan if end is None else end for end in (above, below)]
    bounds[:, 1, 0] = bounds[:, 0, 0]
    labels = np.array([[np.nan, 1], [np.nan, np.nan]])
    expected = [verdict, np.nan if "hERG" in text else verdict]
    np.testing.assert_array_equal(rule.is_hit(Labels(labels, *bounds)), expected)


@given(
    st.lists(st.tuples(st.floats(0, 10), st.sampled_from([-1, 0, 1]), st.floats(0.01, 5)), min_size=1, max_size=9),
    st.floats(0, 10),
    st.sampled_from([">", ">=", "<", "<="]),
)
def test_what_a_bound_tells_is_true(rows, limit, sign):
    """Of each value it is told itself, or that it lies above or below something: the verdict is right or open."""
    rule = parse_hit(f"pIC50 {sign} {limit!r}", [PIC50])
    values, sides, apart = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    labels = np.where(sides == 0, values, np.nan)[:, None]
    bounds = np.stack([np.where(sides > 0, values - apart, np.nan), np.where(sides < 0, values + apart, np.nan)])
    found = rule.is_hit(Labels(labels, *bounds[..., None]))
    truth = rule.is_hit(Labels(values[:, None]))
    known = ~np.isnan(found)
    assert known[sides == 0].all()
    np.testing.assert_array_equal(found[known], truth[known])


@given(st.floats(-5, 5), st.floats(-5, 5), st.sampled_from([">", ">=", "<", "<="]))
def test_the_score_of_one_condition_orders_as_the_prediction(a, b, sign):
    rule = parse_hit(f"pIC50 {sign} 1", [PIC50])
    first, second = rule.score(np.array([[a], [b]]), np.array([0.7]), [False])
    assert np.sign(np.round(first - second, 9)) == np.sign(np.round((a - b) / 0.7, 9)) * (1 if ">" in sign else -1)


def test_the_score_of_several_conditions_is_the_weakest_link():
    rule = parse_hit("pIC50 >= 7 and hERG = 0", [PIC50, HERG])
    scores = rule.score(
        np.array([[9, 0.01], [9, 0.99], [5, 0.01], [np.nan, 0.5]]), np.array([1.0, np.nan]), [False] * 2
    )
    assert scores[0] > scores[1]
    assert scores[0] > scores[2]
    assert np.isnan(scores[3])
    assert scores[0] == pytest.approx(np.log(0.97725 * 0.99), abs=1e-4)


@given(
    st.lists(st.tuples(st.floats(3, 10), st.floats(0, 1)), min_size=1, max_size=5),
    st.floats(0.1, 2),
    st.sampled_from([("IC50 <= 50", "pIC50 >= 7.30102999566"), ("IC50 > 1000", "pIC50 < 6")]),
    st.sampled_from(["", " and not hERG"]),
)
def test_a_value_and_its_logarithm_are_hits_alike(rows, error, rules, more):
    """An IC50 in nM whose logarithms were learned is judged as its pIC50 is."""
    logs = np.array(rows)
    values = np.column_stack([10 ** (9 - logs[:, 0]), logs[:, 1]])
    as_value = parse_hit(rules[0] + more, [TaskSpec("IC50", "regression"), HERG])
    as_log = parse_hit(rules[1] + more, [PIC50, HERG])
    scale = np.array([error, np.nan])
    expected = as_log.score(logs, scale, [False, False])
    np.testing.assert_allclose(as_value.score(values, scale * np.log(10), [True, False]), expected, atol=1e-8)


def test_one_condition_that_fails_is_enough():
    rule = parse_hit("pIC50 >= 7 and not hERG", [PIC50, HERG])
    labels = np.array([[6.0, np.nan], [np.nan, 1.0], [8.0, np.nan], [np.nan, 0.0], [8.0, 0.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(rule.is_hit(Labels(labels)), [0, 0, np.nan, np.nan, 1, np.nan])
    bounds = np.full((2, 6, 2), np.nan)
    bounds[1, 5, 0] = 6.5  # below 6.5
    np.testing.assert_array_equal(rule.is_hit(Labels(labels, *bounds)), [0, 0, np.nan, np.nan, 1, 0])


def test_a_requirement_may_limit_a_probability():
    rule = parse_requirement("hERG <= 0.3 and pIC50 >= 6", [PIC50, HERG])
    assert rule.is_predicted(np.array([[7, 0.3], [7, 0.31], [5, 0.1]])).tolist() == [True, False, False]
    assert str(parse_requirement("not hERG", [HERG])) == "hERG = 0"
    with pytest.raises(InputError, match=r"require has 'hERG <= 3'; hERG is a class.*or a limit of its probability"):
        parse_requirement("hERG <= 3", [HERG])
    with pytest.raises(InputError, match=r"require has 'not hERG <= 0\.3'; 'not' is for classes"):
        parse_requirement("not hERG <= 0.3", [HERG])


def test_a_limit_that_no_logarithm_reaches():
    rule = parse_hit("IC50 > 0 and not hERG", [TaskSpec("IC50", "regression"), HERG])
    means = np.array([[0.1, 0.5], [5.0, 0.5]])
    assert rule.score(means, np.array([1.0, np.nan]), [True, False]) == pytest.approx(np.log([0.5, 0.5]))


@pytest.mark.parametrize(("limit", "what"), [(9, "none of them is"), (1, "all of them are")])
def test_a_limit_that_parts_nothing(limit, what):
    labels = np.array([[5.5], [6.25], [np.nan]])
    with pytest.raises(InputError, match=rf"of the 2 calibration compounds.*{what}.*from 5.5 to 6.25"):
        parse_hit(f"pIC50 > {limit}", [PIC50]).check(Labels(labels))
    parse_hit("pIC50 > 6", [PIC50]).check(Labels(labels))


def test_a_class_that_is_missing():
    with pytest.raises(InputError, match="hERG has 2 of class 0 and 0 of class 1"):
        parse_hit("hERG", [HERG]).check(Labels(np.zeros((2, 1))))
    with pytest.raises(InputError, match="was not measured"):
        parse_hit("hERG", [HERG]).check(Labels(np.full((2, 1), np.nan)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("herg = blocker", "herg = 1"),
        ("hERG = Non-Blocker", "herg = 0"),
        ("blocker", "herg = 1"),
        ("not non-blocker", "herg = 1"),
        ("herg = active", "herg = 1"),
    ],
)
def test_a_class_may_be_called_as_the_task_calls_it(text, expected):
    task = TaskSpec("herg", "classification", class_names=("non-blocker", "blocker"))
    assert str(parse_hit(text, [task])) == expected
    reversed_words = TaskSpec("herg", "classification", class_names=("active", "inactive"))
    assert str(parse_hit("herg = inactive", [reversed_words])) == "herg = 1"
