"""Predictor: rows in = rows out, and a molecule's prediction is its own whatever comes with it."""

import numpy as np
import pytest

from molgraph import Predictor, featurize
from molgraph.errors import InputError, ModelError
from molgraph.features.environments import structure_vectors
from molgraph.features.molecules import Molecules
from molgraph.models.precision import resolve_device
from molgraph.prediction.training_neighbours import Neighbours

#: Relative difference of float32 predictions of one molecule in other company or spelling, where sums may round
#: differently. (Measured in other company, for 1,017 molecules and 300 hidden units: none, whatever the threads.)
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def predictor(model_folder) -> Predictor:
    return Predictor.load(model_folder, device="cpu")


@pytest.fixture(scope="module")
def mixed(mixed_folder) -> Predictor:
    return Predictor.load(mixed_folder, device="cpu")


def test_rows_stay_aligned_around_rejected_ones(predictor):
    smiles = ["C1CC", "CCO", "not a molecule", "c1ccccc1", "", "[U]", "CCO"]
    prediction = predictor.predict(smiles, ids=["a", "b", "c", "d", "e", "f", "g"])
    lost = [rejected.row for rejected in prediction.rejected]
    assert len(prediction) == 7
    assert lost[:3] == [0, 2, 4]
    assert prediction.rejected[1].id == "c"
    assert prediction.rejected[1].text == "not a molecule"
    for array in (prediction.mean, prediction.var, prediction.std, *prediction.interval(0.8)):
        assert array.shape == (7, 1)
        assert np.flatnonzero(np.isnan(array[:, 0])).tolist() == lost
    assert prediction.mean[1] == prediction.mean[6]
    alone = predictor.predict(["CCO"])
    assert alone.mean[0] == pytest.approx(prediction.mean[1], rel=TOLERANCE)


def test_missing_values_are_rejected_rows(predictor):
    prediction = predictor.predict(["CCO", None, float("nan")])
    assert [rejected.row for rejected in prediction.rejected] == [1, 2]


@pytest.mark.parametrize("smiles", [[], ["bad"], ["", "C1CC"]])
def test_nothing_to_predict(predictor, smiles):
    prediction = predictor.predict(smiles)
    assert prediction.mean.shape == prediction.interval()[0].shape == (len(smiles), 1)
    assert np.isnan(prediction.mean).all()
    assert len(prediction.rejected) == len(smiles)


def test_ids_must_match(predictor):
    with pytest.raises(InputError, match="2 entries for 1"):
        predictor.predict(["CCO"], ids=["a", "b"])
    with pytest.raises(InputError, match="give a list"):
        predictor.predict("CCO")


def test_company_does_not_matter(predictor, assay):
    smiles = [*assay[0][:200], "C", "[Na+].[Cl-]", "CCO"]
    together = predictor.predict(smiles)
    backwards = predictor.predict(smiles[::-1])
    singly = np.concatenate([predictor.predict([text]).mean for text in smiles])
    np.testing.assert_allclose(together.mean, backwards.mean[::-1], rtol=TOLERANCE)
    np.testing.assert_allclose(together.mean, singly, rtol=TOLERANCE)
    np.testing.assert_array_equal(together.mean, predictor.predict(smiles).mean)


def test_spelling_does_not_matter(predictor):
    same = ["Cc1ccccc1C(=O)O", "OC(=O)c1ccccc1C", "[Na+].[O-]C(=O)c1ccccc1C"]
    mean = predictor.predict(same).mean[:, 0]
    np.testing.assert_allclose(mean, np.full(3, mean[0]), rtol=TOLERANCE)


@pytest.mark.slow
def test_more_processes_give_the_same_numbers(predictor, assay):
    smiles = [*(assay[0] * 5)[:4500], "bad"]  # more than what one process gets at a time
    one, two = (predictor.predict(smiles, processes=n) for n in (1, 2))
    np.testing.assert_array_equal(one.mean, two.mean)
    assert one.rejected == two.rejected


def test_ensemble_mean_and_spread_are_the_members(predictor):
    graphs = featurize(["CCO", "c1ccccc1"])
    members = predictor.member_outputs(Molecules(graphs)).mean
    prediction = predictor.predict_molecules(Molecules(graphs))
    np.testing.assert_array_equal(prediction.mean, members.mean(axis=0))
    np.testing.assert_array_equal(prediction.members, members)
    # Of the rows that calibrate, each was held out from one member alone: how far members differ on a new molecule has
    # nothing there to be compared with, so it is no part of the spread.
    np.testing.assert_array_equal(prediction.epistemic_var, 0.0)
    np.testing.assert_allclose(prediction.var, prediction.epistemic_var + prediction.aleatoric_var)
    np.testing.assert_allclose(prediction.std**2, prediction.var)


def test_a_part_of_graphs_is_aligned_with_itself(predictor):
    smiles = ["CCO", "bad", "c1ccccc1", "CC(=O)N"]
    graphs = featurize(smiles)
    mean = predictor.predict_molecules(Molecules(graphs)).mean
    assert mean.shape == (4, 1)
    np.testing.assert_allclose(
        predictor.predict_molecules(Molecules(graphs.take([2, 0, 2]))).mean, mean[[3, 0, 3]], rtol=TOLERANCE
    )
    np.testing.assert_allclose(
        predictor.predict_molecules(Molecules(graphs.slice(1, 3))).mean, mean[[2, 3]], rtol=TOLERANCE
    )


def test_interval_widens_with_the_level(predictor):
    prediction = predictor.predict(["CCO", "bad", "c1ccccc1"])
    narrow, wide = prediction.interval(0.5), prediction.interval(0.9)
    ok = [0, 2]
    assert (wide[0][ok] < narrow[0][ok]).all()
    assert (narrow[0][ok] < prediction.mean[ok]).all()
    assert (prediction.mean[ok] < narrow[1][ok]).all()
    assert (narrow[1][ok] < wide[1][ok]).all()
    assert np.isinf(prediction.interval(0.999)[1][ok]).all()  # 60 rows cannot vouch for that
    assert prediction.calls(0.9).tolist() == [[""], [""], [""]]


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0, 90.0, float("nan")])
def test_impossible_levels(predictor, level):
    prediction = predictor.predict(["CCO"])
    with pytest.raises(InputError, match="between 0 and 1"):
        prediction.interval(level)
    with pytest.raises(InputError, match="between 0 and 1"):
        prediction.calls(level)


def test_regression_and_classification_side_by_side(mixed):
    prediction = mixed.predict(["CCO", "bad", "c1ccccc1O"])
    assert [task.kind for task in prediction.tasks] == ["regression", "classification"]
    probability = prediction.mean[[0, 2], 1]
    assert ((probability > 0) & (probability < 1)).all()
    np.testing.assert_allclose(prediction.aleatoric_var[[0, 2], 1], probability * (1 - probability))
    np.testing.assert_allclose(prediction.std[:, 1], np.sqrt(prediction.epistemic_var[:, 1]))
    lower, upper = prediction.interval(0.9)
    assert np.isnan(lower[:, 1]).all()
    assert np.isnan(upper[:, 1]).all()
    assert np.isfinite(lower[[0, 2], 0]).all()
    calls = prediction.calls(0.9)
    assert calls.shape == (3, 2)
    assert (calls[:, 0] == "").all()
    assert calls[1, 1] == ""
    assert set(calls[[0, 2], 1]) <= {"active", "inactive", "uncertain", "atypical"}


def test_neighbours_of_training_compounds_are_themselves(predictor, assay):
    found = predictor.neighbours(assay[0][:60])
    assert isinstance(found, Neighbours)
    assert (found.similarity == 1.0).all()
    np.testing.assert_array_equal(found.labels.values[:, 0, 0], assay[1][:60])
    assert found.ids == tuple((f"cpd-{row}",) for row in range(60))
    several = predictor.neighbours(assay[0][:5], count=100)
    assert several.similarity.shape == (5, 60)
    assert several.labels.values.shape == (5, 60, 1)
    assert [row[0] for row in several.ids] == [f"cpd-{row}" for row in range(5)]
    assert (np.diff(several.similarity) <= 0).all()
    assert all(len(set(row)) == 60 for row in several.ids)
    with pytest.raises(InputError, match="row 0"):
        predictor.neighbours(["bad"])
    assert len(predictor.neighbours([]).ids) == 0


def test_neighbours_in_the_space_of_the_model(predictor, assay):
    own = predictor.neighbours(assay[0][:60], by="model")
    assert own.ids == tuple((f"cpd-{row}",) for row in range(60))
    assert (own.similarity == 1.0).all()
    queries = assay[0][60:90]
    by_structure, by_model = (predictor.neighbours(queries, count=60, by=by) for by in ("structure", "model"))
    assert by_structure.ids != by_model.ids
    graphs = featurize([*queries, *assay[0][:60]])
    places = predictor.domain.latent.projected(structure_vectors(graphs))
    for row, ids in enumerate(by_model.ids):
        apart = np.linalg.norm(places[30:] - places[row], axis=1)
        assert (np.diff(apart[[int(name.removeprefix("cpd-")) for name in ids]]) >= -1e-5).all()
    similarity = dict(zip(by_structure.ids[0], by_structure.similarity[0], strict=True))
    assert [similarity[name] for name in by_model.ids[0]] == by_model.similarity[0].tolist()
    with pytest.raises(InputError, match="by is 'name'; choose one of structure, model"):
        predictor.neighbours(queries, by="name")


def test_what_is_unlike_all_training_compounds_is_outside(predictor, mixed, assay):
    odd = ["CCO", "[Co+3]", "C[Si](C)(C)C", "*c1ccccc1", "C" * 300]
    for model in (predictor, mixed):
        domain = model.predict([*assay[0][:200], *odd, "bad"], domain=True).domain[:, 0]
        assert set(domain[:60]) == {"inside"}
        assert np.mean(domain[60:200] != "outside") > 0.9
        assert set(domain[200:205]) == {"outside"}
        assert domain[205] == ""
    reasons = predictor.domain_reasons([*assay[0][:3], *odd, "bad"])
    assert reasons[:3] == ["", "", ""]
    assert reasons[4].startswith("no training compound has Co")
    assert reasons[5].startswith("no training compound has Si; heavy atoms: 5, and the smallest training compound has ")
    assert reasons[6].startswith("no training compound has a placeholder (*)")
    assert reasons[7].startswith("heavy atoms: 300, and the largest training compound has ")
    assert reasons[8] == ""


def test_a_stereoisomer_of_a_measured_compound_is_inside(predictor, assay):
    drawn = [text for text in assay[0][:60] if "@" in text]
    flat = [text.replace("@", "") for text in drawn] or [assay[0][0]]
    assert predictor.are_measured([*flat, "CCO", "bad"]) == [*[True] * len(flat), False, False]
    assert set(predictor.predict(flat, domain=True).domain[:, 0]) == {"inside"}


def test_training_compounds_are_recognised(predictor, mixed, model_folder):
    keys = [*predictor.structures.canonical[:3], "CCO"]
    assert predictor.in_training(keys) == [True, True, True, False]
    # Another RDKit may write other canonical SMILES; then the stored ones are not trusted.
    other = Predictor.load(model_folder, device="cpu")
    other.card.libraries["rdkit"] = "1999.09"
    object.__setattr__(other.structures, "canonical", ("?",) * 60)
    assert other.in_training(keys) == [True, True, True, False]
    assert mixed.structures is None
    assert mixed.neighbours(["CCO"]) is None
    assert mixed.in_training(["CCO"]) is None


def test_graphs_of_another_schema(predictor):
    graphs = featurize(["CCO"])
    object.__setattr__(graphs, "schema", "atoms-99")
    with pytest.raises(InputError, match="atoms-99"):
        predictor.predict_molecules(Molecules(graphs))


def test_options_are_checked(model_folder, tmp_path):
    with pytest.raises(InputError, match="device is 'tpu'"):
        Predictor.load(model_folder, device="tpu")
    with pytest.raises(InputError, match="precision is 'float8'"):
        Predictor.load(model_folder, precision="float8")
    with pytest.raises(ModelError, match="does not exist"):
        Predictor.load(tmp_path / "no model")


def test_bfloat16_is_close(model_folder, assay):
    exact, fast = (
        Predictor.load(model_folder, device="cpu", precision=precision).predict(assay[0][:100]).mean
        for precision in ("float32", "bfloat16")
    )
    assert not np.array_equal(exact, fast)
    assert np.abs(exact - fast).max() < 0.05 * assay[1][:60].std()


def test_it_says_what_it_is(predictor, mixed):
    assert repr(predictor) == "Predictor(1 task: pIC50; 2 models, on cpu)"
    assert repr(mixed) == "Predictor(2 tasks: pIC50, active; 2 models, on cpu)"
    assert predictor.precision == "float32"
    assert predictor.device == resolve_device("cpu")
