"""One decision for each compound: measured, foreign by rule, or near enough."""

import numpy as np
import pytest

from molgraph import featurize
from molgraph.applicability.applicability import (
    INSIDE,
    OUTSIDE,
    applicability_from_arrays,
    fit_applicability,
    without_measured,
)
from molgraph.applicability.chemistry import foreign_to_others, training_chemistry
from molgraph.features.environments import graph_hashes, structure_vectors

COMPOUNDS = [f"{'C' * n}c1ccc({group})cc1" for n in range(1, 11) for group in ("O", "Cl", "C#N", "OC", "C(=O)NC")]


@pytest.fixture(scope="module")
def graphs():
    return featurize(COMPOUNDS)


@pytest.fixture(scope="module")
def fitted(graphs):
    fold = np.arange(len(graphs)) % 5
    return fit_applicability(graphs, structure_vectors(graphs), fold, np.flatnonzero(fold >= 0))


def degrees(domain, texts):
    graphs = featurize(texts, standardizer="none")
    assert len(graphs) == len(texts)
    return domain.assess(graphs, structure_vectors(graphs)).degree.tolist()


def test_what_was_measured_is_inside(fitted, graphs):
    domain, out_of_fold = fitted
    assert (domain.assess(graphs, structure_vectors(graphs)).degree == INSIDE).all()
    assert set(out_of_fold.tolist()) >= {INSIDE, OUTSIDE}
    assert (without_measured(domain).assess(graphs, structure_vectors(graphs)).degree == INSIDE).all()


def test_stereoisomers_of_a_measured_compound_are_inside():
    texts = ["C[C@H](N)C(=O)O", "CC/C=C/CO", *COMPOUNDS]
    graphs = featurize(texts)
    domain, _ = fit_applicability(graphs, structure_vectors(graphs), np.arange(len(texts)) % 5, np.arange(len(texts)))
    assert degrees(domain, ["C[C@@H](N)C(=O)O", "CC/C=C\\CO"]) == [INSIDE, INSIDE]


@pytest.mark.parametrize(
    "text",
    ["[Fe]", "[Au]", "[Ar]", "N[Pt](N)(Cl)Cl", "C[Si](C)(C)C", "O=[U]=O", "[Na+].[Cl-]", "*c1ccccc1", "[H][H]", "O",
     "C[N+](C)(C)C", "CCCC[O-]", "Brc1ccccc1", "C" * 60, "C"],
)  # fmt: skip
def test_what_no_training_compound_has_is_outside_by_rule(fitted, text):
    assert degrees(fitted[0], [text]) == [OUTSIDE]
    graphs = featurize([text], standardizer="none")
    assert fitted[0].reasons(graphs, structure_vectors(graphs)) != [""]


def test_isotopes_count_as_their_element(fitted):
    graphs = featurize(["[13CH3]c1ccc(O)cc1", "[2H]c1ccc(O)cc1C"], standardizer="none")
    assert fitted[0].chemistry.reasons(graphs) == ["", ""]
    assert not fitted[0].chemistry.is_foreign(graphs).any()


def test_an_uncommon_element_is_known_in_its_surroundings_alone():
    seen = training_chemistry(featurize(["CC[Si](C)(C)C", "CCCO", "OB(O)c1ccccc1"]))
    asked = featurize(["CCC[Si](C)(C)C", "C[Si](C)(C)C", "OB(O)c1ccccc1C", "CB(C)C"])
    assert seen.is_foreign(asked).tolist() == [False, True, False, True]
    assert seen.reasons(asked)[3] == "no training compound has an uncommon element in such an environment"


def test_one_odd_compound_does_not_open_the_domain(graphs):
    few = training_chemistry(featurize(["[K+].[Br-]", *COMPOUNDS[:10]], standardizer="none"))
    many = training_chemistry(featurize(["[K+].[Br-]", *COMPOUNDS * 3], standardizer="none"))
    salt = featurize(["[K+].[Br-]"], standardizer="none")
    assert not few.is_foreign(salt).any()
    assert many.reasons(salt) == ["no carbon, which nearly all training compounds have"]


def test_rules_are_out_of_fold(graphs):
    texts = ["CCBr", "CCCBr", "CCI", "CCCCO", "CCO"]
    fold = np.array([0, 1, 0, 0, 1])
    assert foreign_to_others(featurize(texts), fold).tolist() == [False, False, True, False, False]
    alone = np.full(5, -1)
    assert foreign_to_others(featurize(texts), alone).tolist() == [False, False, True, False, False]


def test_new_calibration_compounds_are_known_from_then_on(fitted):
    new = [f"FC(F)(F)S{'C' * n}N{'C' * m}" for n in range(1, 9) for m in range(1, 9)]
    assert set(degrees(fitted[0], new[::2])) == {OUTSIDE}
    asked = featurize(new[::2])
    grown = fitted[0].recalibrated(asked, structure_vectors(asked))
    assert set(degrees(grown, new[::2])) == {INSIDE}
    assert np.mean(np.array(degrees(grown, new[1::2])) != OUTSIDE) >= 0.9
    assert np.mean(grown.calibration != OUTSIDE) >= 0.9
    assert set(degrees(grown, COMPOUNDS)) == {INSIDE}


def test_graph_hashes_do_not_depend_on_the_order_of_the_atoms():
    texts = ["CC(=O)Oc1ccccc1C(=O)O", "OC(=O)c1ccccc1OC(C)=O", "CC(=O)Oc1cccc(c1)C(=O)O", "C" * 30, "C" * 31]
    first, second, third, *chains = graph_hashes(featurize(texts)).tolist()
    assert first == second != third
    assert len({first, third, *chains}) == 4


def test_arrays_there_and_back(fitted, graphs):
    domain = fitted[0]
    again = applicability_from_arrays(domain.to_arrays(), len(COMPOUNDS))
    assert again.reasons(graphs, structure_vectors(graphs)) == domain.reasons(graphs, structure_vectors(graphs))
    assert applicability_from_arrays(without_measured(domain).to_arrays(), len(COMPOUNDS)).measured is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pairs", np.zeros((3, 3), dtype=np.bool_)),
        ("surroundings", np.zeros(3)),
        ("sizes", np.array([1])),
        ("sizes", np.array([-1, 3])),
        ("is_organic", np.zeros(2, dtype=np.bool_)),
        ("calibration", np.zeros(3, dtype=np.int8)),
        ("calibration", np.full(len(COMPOUNDS), 7, dtype=np.int8)),
        ("measured", np.zeros(3)),
    ],
)
def test_arrays_that_do_not_fit(fitted, name, value):
    with pytest.raises(ValueError, match=r"pairs|surroundings|sizes|organic|degrees|hashes"):
        applicability_from_arrays({**fitted[0].to_arrays(), name: value}, len(COMPOUNDS))
