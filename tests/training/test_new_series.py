"""The error to expect on new series, beside that which random folds tell."""

import numpy as np
import pytest

from molgraph.datasets.dataset import Dataset
from molgraph.datasets.duplicates import MergeReport
from molgraph.datasets.parents import parent_groups
from molgraph.datasets.series import series_folds
from molgraph.results.labels import Labels
from molgraph.results.tasks import TaskSpec
from molgraph.training import new_series
from molgraph.training.new_series import Described, new_series_records

RINGS = ["c1ccccc1", "c1ccncc1", "C1CCCCC1", "c1ccsc1", "c1ccoc1", "C1CCNCC1", "c1cnccn1", "C1CCOC1", "c1ccc2ccccc2c1"]
RINGS += ["c1cncnc1", "C1CCC1", "C1CCSC1", "c1ccc2ncccc2c1", "C1CC1", "C1CCCC1", "C1COCCN1"]
TAILS = ["C", "CC", "CCC", "CCCC", "CO", "CCO", "CN", "CCN", "ClC", "FC", "N#CC", "CC(C)"]
SMILES = tuple(f"{tail}{ring}" for ring in RINGS for tail in TAILS)
SERIES = np.repeat(np.arange(len(RINGS)), len(TAILS))


def dataset(labels, kind="regression", smiles=SMILES):
    return Dataset(
        name="series",
        smiles=tuple(smiles),
        ids=tuple(map(str, range(len(smiles)))),
        labels=Labels(np.asarray(labels, dtype=float).reshape(len(smiles), -1)),
        weights=np.ones(len(smiles)),
        tasks=tuple(TaskSpec(f"y{t}", kind) for t in range(np.asarray(labels).reshape(len(smiles), -1).shape[1])),
        rejected=(),
        merges=MergeReport(),
        rows_read=len(smiles),
    )


def described(rng, of_series, of_compound):
    """Vectors in which a series is a place, and a compound a small step from it."""
    places = rng.normal(size=(len(RINGS), 20))
    return Described(
        (of_series * places[SERIES] + of_compound * rng.normal(size=(len(SMILES), 20))).astype(np.float32),
        is_counts=False,
    )


def records(data, columns, out_of_fold=None, is_log=False, split="random"):
    own = data.labels.values + 0.5 if out_of_fold is None else out_of_fold
    parents = parent_groups(data.smiles)
    return new_series_records(data, columns, parents, own, [is_log] * len(data.tasks), split)


def test_labels_of_whole_series_warn():
    rng = np.random.default_rng(0)
    effect = rng.normal(size=len(RINGS))[SERIES]
    labels = effect + 0.3 * rng.normal(size=len(SMILES))
    (record,), unknown = records(dataset(labels), described(rng, 1.0, 0.1))
    assert unknown is None
    assert record.warns
    assert record.series == "scaffold"
    assert record.ratio > 2  # nothing is known of a new series: an error of 1 for one of 0.3
    assert record.like_table == pytest.approx(0.5)
    assert record.new_series == pytest.approx(0.5 * record.ratio)


def test_labels_that_do_not_depend_on_the_series_do_not_warn():
    rng = np.random.default_rng(1)
    columns = described(rng, 0.0, 1.0)
    labels = columns.columns[:, 0] + 0.3 * rng.normal(size=len(SMILES))
    (record,), _ = records(dataset(labels), columns)
    assert not record.warns
    assert record.ratio == pytest.approx(1.0, abs=0.15)


def test_classes_and_logarithms_and_folds_by_scaffold():
    rng = np.random.default_rng(2)
    effect = rng.permutation(np.linspace(-1, 1, len(RINGS)))[SERIES]
    columns = described(rng, 1.0, 0.1)
    labels = (effect + 0.3 * rng.normal(size=len(SMILES)) > 0).astype(float)
    said = np.clip(0.5 + 0.2 * effect + 0.1 * rng.normal(size=len(SMILES)), 0, 1)[:, None]
    (record,), _ = records(dataset(labels, "classification"), columns, said)
    assert record.metric == "roc_auc"
    assert record.warns
    assert 0.5 <= record.new_series < record.like_table < 1
    concentrations = 10.0 ** effect[:, None]
    (record,), _ = records(dataset(concentrations), columns, concentrations * 10, is_log=True, split="scaffold")
    assert record.metric == "rmse_log10"
    assert record.new_series == pytest.approx(1.0)  # a factor of ten, measured by scaffolds
    assert record.like_table == pytest.approx(1.0 / record.ratio)


def test_it_says_why_nothing_is_known(monkeypatch):
    rng = np.random.default_rng(3)
    columns = described(rng, 1.0, 0.1)
    few = Described(columns.columns[:20], is_counts=False)
    assert records(dataset(np.arange(20.0), smiles=SMILES[:20]), few)[1] == "fewer than 40 compounds are too few"
    one_class = np.zeros(len(SMILES))
    assert "of one of the classes" in records(dataset(one_class, "classification"), columns)[1]
    assert "too few measured" in records(dataset(np.full(len(SMILES), np.nan)), columns)[1]
    monkeypatch.setattr(new_series, "MOST_TASKS", 1)
    assert "more than 1 tasks" in records(dataset(np.tile(np.arange(len(SMILES)), (2, 1)).T), columns)[1]
    alike = [f"{'C' * n}c1ccccc1" for n in range(1, 61)]
    chains = Described(np.zeros((60, 4), dtype=np.float32), is_counts=False)
    assert "too much alike" in records(dataset(np.arange(60.0), smiles=alike), chains)[1]


def test_series_folds_never_part_a_scaffold_or_a_cluster():
    found = series_folds(SMILES, np.arange(len(SMILES)), k=5, seed=0)
    assert found.kind == "scaffold"
    assert all(len(set(found.fold[ring == SERIES])) == 1 for ring in range(len(RINGS)))
    # One scaffold holds all of these, and what hangs on it are three series.
    tails = ["OC(=O)C(=O)N(C)", "FC(F)(F)S(=O)(=O)", "CC(C)(C)N(C)N=C"]
    rings = [f"c1ccccc1{sub}" for sub in "CFNO"] + [f"c1ccc({sub})cc1" for sub in "CFNO"]
    smiles = [tail + ring for tail in tails for ring in rings]
    clusters = series_folds(smiles, np.arange(24), k=3, seed=0)
    assert clusters is not None
    assert clusters.kind == "cluster"
    assert all(len(set(clusters.fold[8 * i : 8 * i + 8])) == 1 for i in range(3))
