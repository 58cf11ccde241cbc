"""Hard filters, and what a file may say of them."""

import pytest

from molgraph.errors import InputError
from molgraph.screening.filters import HardFilters, parse_filters

ASPIRIN, QUINONE, FAT = "CC(=O)Oc1ccccc1C(=O)O", "O=C1C=CC(=O)C=C1", "C" * 40
STRUCTURES = [ASPIRIN, QUINONE, FAT, "not a molecule"]


@pytest.mark.parametrize(
    ("values", "passes"),
    [
        ({}, [True, True, True, True]),
        ({"no_alerts_of": ["pains"]}, [True, False, True, True]),
        ({"min_qed": 0.5}, [True, False, False, False]),
        ({"max_lipinski_violations": 0}, [True, True, False, False]),
        ({"max_sa_score": 1.7}, [True, False, True, False]),
        ({"no_alerts_of": ["brenk"], "min_qed": 0.1}, [False, False, False, False]),
    ],
)
def test_filters(values, passes):
    assert parse_filters(values).pass_through(STRUCTURES) == passes


def test_nothing_to_filter():
    assert HardFilters(no_alerts_of=("pains",), min_qed=0.1).pass_through([]) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"alerts": ["pains"]},
            "filters: there is no filter 'alerts'; did you mean 'no_alerts_of'.* allowed are no_alerts_of, min_qed",
        ),
        (
            {"no_alerts_of": "pains"},
            "no_alerts_of is 'pains'; it must be a list, each one of 'pains', 'brenk', 'nih', 'chembl'",
        ),
        ({"no_alerts_of": [["pains"]]}, r"no_alerts_of\[0\] is \['pains'\]; it must be one of 'pains'"),
        ({"min_qed": 10**400}, "it must be a number"),
        ({"no_alerts_of": ["zinc"]}, r"no_alerts_of\[0\] is 'zinc'; it must be one of 'pains'"),
        ({"min_qed": "high"}, "filters: min_qed is 'high'; it must be a number"),
        ({"max_sa_score": True}, "filters: max_sa_score is True; it must be a number"),
        ({"max_sa_score": float("nan")}, "filters: max_sa_score is nan; it must be a number"),
    ],
)
def test_what_a_file_cannot_say(values, words):
    with pytest.raises(InputError, match=words):
        parse_filters(values)
