import dataclasses

import numpy as np
import pytest

from molgraph.datasets.dataset import Dataset
from molgraph.datasets.duplicates import MergeReport
from molgraph.errors import InputError
from molgraph.results.labels import Labels
from molgraph.results.prediction import Rejected
from molgraph.results.tasks import TaskSpec


@pytest.fixture
def dataset():
    return Dataset(
        name="assay",
        smiles=("CCO", "CCN", "CCC"),
        ids=("a", "b", "c"),
        labels=Labels(np.array([[5.0, 1.0], [6.0, np.nan], [np.nan, 0.0]])),
        weights=np.array([1.0, 2.0, 1.0]),
        tasks=(TaskSpec("pIC50", "regression", "log10(mol/L)"), TaskSpec("active", "classification")),
        rejected=(Rejected(1, "x", "C1", "parse", "unclosed ring"),),
        merges=MergeReport(),
        rows_read=4,
    )


def test_take_reorders_rows_and_drops_the_row_counts(dataset):
    part = dataset.take([2, 0])
    assert part.smiles == ("CCC", "CCO")
    assert part.ids == ("c", "a")
    assert np.array_equal(part.labels.values, dataset.labels.values[[2, 0]], equal_nan=True)
    assert part.rows_read == len(part) == 2
    assert part.rejected == ()
    assert len(dataset.take([])) == 0


def test_fingerprint_follows_the_training_data_and_nothing_else(dataset):
    same = dataclasses.replace(dataset, name="other", ids=("1", "2", "3"), rejected=(), rows_read=3)
    assert same.fingerprint == dataset.fingerprint
    assert dataset.take([0, 1, 2]).fingerprint == dataset.fingerprint
    changed = [
        dataclasses.replace(dataset, smiles=("CCO", "CCN", "CCCC")),
        dataclasses.replace(dataset, labels=Labels(np.array([[5.0, 1.0], [6.0, np.nan], [0.0, 0.0]]))),
        dataclasses.replace(dataset, weights=np.array([1.0, 1.0, 1.0])),
        dataclasses.replace(dataset, tasks=(dataset.tasks[0], TaskSpec("active", "regression"))),
        dataset.take([1, 0, 2]),
    ]
    assert len({dataset.fingerprint, *(d.fingerprint for d in changed)}) == 6


def test_fingerprint_is_the_same_on_every_machine(dataset):
    # NaN has many bit patterns, and zero has two: both are written one way.
    odd = np.array([[5.0, 1.0], [6.0, -np.nan], [np.nan, -0.0]])
    assert dataclasses.replace(dataset, labels=Labels(odd)).fingerprint == dataset.fingerprint
    assert dataset.fingerprint == "ea17535ce57eb91f97eed393fa4e811adb7f437e96ca9abe4258dc52b99e81d3"


def test_summary_lines_are_short(dataset):
    assert repr(dataset) == "Dataset('assay', 3 structures, 2 tasks: pIC50, active)"
    lines = dataset.summary()
    assert lines[0] == "assay: 4 rows read, 3 structures used"
    assert "1 unusable structure" in lines[1]
    assert lines[2] == (
        "pIC50: 2 measured values, 5 to 6, median 5.5 log10(mol/L); no direction, screens rank the largest first"
    )
    assert lines[3] == "active: 2 labels, 1 of class 1 (50.0%)"


def test_shapes_must_fit(dataset):
    with pytest.raises(InputError, match=r"labels \(3, 1\).*3 structures and 2 tasks"):
        dataclasses.replace(dataset, labels=Labels(np.zeros((3, 1))))
    with pytest.raises(InputError, match="2 ids"):
        dataclasses.replace(dataset, ids=("a", "b"))


def test_regression_tasks_may_have_a_range(dataset):
    bounded = dataset.with_ranges({"pIC50": (0.0, None)})
    assert [task.range for task in bounded.tasks] == [(0.0, np.inf), (-np.inf, np.inf)]
    assert bounded.with_ranges({}).tasks == bounded.tasks
    with pytest.raises(InputError, match=r"pIC50 has the value 6 \(b\), and 0 more outside of its range, -inf to 5.5"):
        dataset.with_ranges({"pIC50": (None, 5.5)})
    with pytest.raises(InputError, match=r"a range is given for 'active'; regression tasks are pIC50"):
        dataset.with_ranges({"active": (0.0, 1.0)})
    with pytest.raises(InputError, match=r"lowest must be below highest"):
        dataset.with_ranges({"pIC50": (7.0, 5.0)})


@pytest.mark.parametrize("names", [("no", "no"), ("uncertain", "active"), ("inactive", "")])
def test_class_names_differ_from_calls_of_no_class(names):
    with pytest.raises(InputError, match="has the classes"):
        TaskSpec("active", "classification", class_names=names)
