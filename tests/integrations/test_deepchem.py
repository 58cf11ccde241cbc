"""Data sets go to DeepChem and come back."""

import numpy as np
import pytest

from molgraph import from_deepchem, load_dataset, to_deepchem
from molgraph.errors import InputError

deepchem = pytest.importorskip("deepchem", reason="DeepChem needs Python below 3.12")


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / "assay.csv").write_text("smiles,a,b\nCCO,1,0\nc1ccccc1O,0,\nCCN,1,1\nCCCC,,1\n")
    return load_dataset(tmp_path / "assay.csv", target_columns=["a", "b"])


def test_there_and_back(dataset):
    theirs = to_deepchem(dataset)
    assert isinstance(theirs, deepchem.data.Dataset)
    assert theirs.X.tolist() == list(dataset.smiles)
    assert theirs.w.tolist() == [[1, 1], [1, 0], [1, 1], [0, 1]]
    again = from_deepchem(theirs, task_names=["a", "b"], kind="classification")
    assert again.smiles == dataset.smiles
    np.testing.assert_array_equal(again.labels.values, dataset.labels.values)
    assert [task.name for task in again.tasks] == ["a", "b"]


def test_theirs_can_split_and_featurize_it(dataset):
    theirs = to_deepchem(dataset)
    parts = deepchem.splits.RandomSplitter().train_test_split(theirs, frac_train=0.5, seed=1)
    assert [len(part) for part in parts] == [2, 2]
    assert deepchem.feat.CircularFingerprint(size=64).featurize(theirs.X).shape == (4, 64)


def test_rows_that_cannot_be_used_are_told():
    theirs = deepchem.data.NumpyDataset(
        X=np.zeros((5, 1)), y=np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]), w=np.array([[1.0], [1], [1], [0], [2]]),
        ids=np.array(["CCO", "C1CC", "OCC", "CCC", "CCN"], dtype=object),
    )  # fmt: skip
    ours = from_deepchem(theirs, task_names=["y"], kind="regression", name="theirs")
    assert (ours.name, ours.rows_read, len(ours.rejected), ours.n_unlabelled) == ("theirs", 5, 1, 1)
    assert ours.merges.n_rows_removed == 1
    assert ours.labels.values.tolist() == [[2.0], [5.0]]
    assert ours.weights.tolist() == pytest.approx([4 / 3, 2.0])  # two measurements that spread as repeated ones do
    with pytest.raises(InputError, match="task_names has 2 names for 1 columns"):
        from_deepchem(theirs, task_names=["a", "b"], kind="regression")
    numbered = deepchem.data.NumpyDataset(X=np.zeros((2, 1)), y=np.ones((2, 1)))
    with pytest.raises(InputError, match=r"its ids must be SMILES"):
        from_deepchem(numbered, task_names=["y"], kind="regression")
