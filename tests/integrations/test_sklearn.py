"""The estimators, by scikit-learn's own checks as far as a column of SMILES goes, and in its tools."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator

from molgraph import MolgraphClassifier, MolgraphRegressor

QUICK = {"learner": "gp_tanimoto", "folds": 2}

#: Checks of scikit-learn's that fit tables of random numbers, where a column of SMILES belongs: all of these must fail
#: with the complaint about that, or ask for another complaint; all other checks must pass.
OF_NUMBERS = {
    *("check_fit_score_takes_y", "check_estimators_overwrite_params", "check_dont_overwrite_parameters"),
    *("check_estimators_fit_returns_self", "check_readonly_memmap_input", "check_positive_only_tag_during_fit"),
    *("check_estimators_dtypes", "check_pipeline_consistency", "check_estimators_pickle", "check_dict_unchanged"),
    *("check_f_contiguous_array_estimator", "check_methods_sample_order_invariance", "check_fit2d_1sample"),
    *("check_methods_subset_invariance", "check_fit2d_1feature", "check_fit_idempotent", "check_fit_check_is_fitted"),
}
OF_VALUES = {
    *("check_regressors_train", "check_regressor_data_not_an_array", "check_regressors_no_decision_function"),
    "check_regressors_int",
}
OF_CLASSES = {
    *("check_classifier_data_not_an_array", "check_classifiers_one_label", "check_classifiers_classes"),
    *("check_classifiers_train", "check_classifier_not_supporting_multiclass"),
}


@pytest.mark.parametrize(("estimator", "others"), [(MolgraphRegressor, OF_VALUES), (MolgraphClassifier, OF_CLASSES)])
@pytest.mark.filterwarnings("ignore")  # scikit-learn warns of each check that fails
def test_checks_of_scikit_learn(estimator, others):
    results = check_estimator(estimator(**QUICK), on_skip=None, on_fail=None)
    failed = {result["check_name"]: str(result["exception"]) for result in results if result["status"] == "failed"}
    assert {*failed} == OF_NUMBERS | others
    assert sum("one column of SMILES, or 1D array" in text for text in failed.values()) >= len(failed) - 5
    assert sum(result["status"] == "passed" for result in results) >= 17


@pytest.fixture(scope="module")
def rows(assay):
    return np.array(assay[0][:120], dtype=object), assay[1][:120]


def test_whatever_holds_the_column(rows):
    texts, values = rows
    model = MolgraphRegressor(**QUICK)
    expected = model.fit(texts, values).predict(texts[:9])
    for X in (texts.tolist(), texts[:, None], pd.Series(texts), pd.DataFrame({"smiles": texts})):
        np.testing.assert_array_equal(model.fit(X, values).predict(X[:9]), expected)
    assert model.n_features_in_ == 1
    assert np.corrcoef(expected, values[:9])[0, 1] > 0.3


def test_in_the_tools_of_scikit_learn(rows):
    texts, values = rows
    assert cross_val_score(MolgraphRegressor(**QUICK), texts, values, cv=3, scoring="r2").mean() > 0.2
    active = np.where(values > np.median(values), "yes", "no")
    assert cross_val_score(MolgraphClassifier(**QUICK), texts, active, cv=3, scoring="roc_auc").mean() > 0.6
    search = GridSearchCV(MolgraphRegressor(**QUICK), {"folds": [2, 3]}, cv=2).fit(texts, values)
    assert search.best_params_["folds"] in (2, 3)
    pipeline = make_pipeline(FunctionTransformer(lambda X: [text.strip() for text in X]), MolgraphRegressor(**QUICK))
    assert pipeline.fit([f" {text} " for text in texts], values).predict([" CCO"]).shape == (1,)


def test_classes_keep_their_names(rows):
    texts, values = rows
    active = np.where(values > np.median(values), "yes", "no")
    model = MolgraphClassifier(**QUICK).fit(texts, active)
    assert model.classes_.tolist() == ["no", "yes"]
    chances = model.predict_proba(texts)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert (model.predict(texts) == np.where(chances[:, 1] > 0.5, "yes", "no")).all()
    assert roc_auc_score(active, chances[:, 1]) > 0.8
    assert model.predictor_.predict(["CCO"]).calls(0.8).shape == (1, 1)


def test_rows_of_one_structure_are_merged():
    texts = [f"{'C' * n}O" for n in range(1, 13)] + ["OCC", "C(O)C"]
    model = MolgraphRegressor(**QUICK).fit(texts, [*range(12), 7.0, 9.0])
    assert model.predictor_.card.data.rows_used == 12


def test_a_copy_is_the_same(rows):
    texts, values = rows
    model = MolgraphRegressor(**QUICK).fit(texts, values)
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(model), "predictor_")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(texts[:5]), model.predict(texts[:5]))
    np.testing.assert_array_equal(clone(model).fit(texts, values).predict(texts[:5]), model.predict(texts[:5]))


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (["CCO", "C1CC"] * 6, range(12), r"row 1 of X, 'C1CC', gives no molecule: .*unclosed ring"),
        ([1.0] * 12, range(12), r"X holds 1\.0; it must be a column of SMILES"),
        (np.ones((12, 2)), range(12), r"one column of SMILES, or 1D array, got the shape \(12, 2\)"),
        ([], [], r"0 sample\(s\)"),
        (["CCO"] * 12, range(11), "inconsistent numbers of samples"),
        (["CCO"] * 12, [np.nan] * 12, "NaN"),
        (["CCO"] * 12, None, "y is None"),
    ],
)
def test_what_cannot_be_learned(X, y, words):
    with pytest.raises(ValueError, match=words):
        MolgraphRegressor(**QUICK).fit(X, y)


def test_two_classes_and_no_others():
    texts = [f"{'C' * n}O" for n in range(1, 13)]
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        MolgraphClassifier(**QUICK).fit(texts, list("abc") * 4)
    with pytest.raises(ValueError, match="1 class"):
        MolgraphClassifier(**QUICK).fit(texts, ["a"] * 12)
