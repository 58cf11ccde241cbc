import csv
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem, RDConfig, rdBase

from molgraph.chem.scaffold import murcko_scaffold
from molgraph.datasets.splits import SPLITS, folds, random_split, scaffold_split
from molgraph.errors import InputError

SMILES = ["CCO", "CCN", "c1ccccc1", "Cc1ccccc1", "C1CC1", "C1CCC1", "C1CCCC1", "c1ccncc1", "Clc1ccncc1", "CC"]


def parsable(texts):
    with rdBase.BlockLogs():
        return [text for text in texts if text and Chem.MolFromSmiles(text) is not None]


@pytest.fixture(scope="module")
def nci():
    file = Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi"
    return parsable([line.split()[0] for line in file.read_text().splitlines() if line.strip()])


@pytest.fixture(scope="module")
def deepchem():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deepchem's own import, not of ours
        return pytest.importorskip("deepchem")


def deepchem_parts(deepchem, smiles):
    features = np.zeros((len(smiles), 1))
    dataset = deepchem.data.NumpyDataset(features, ids=np.array(smiles, dtype=object))
    with warnings.catch_warnings(), rdBase.BlockLogs():
        warnings.simplefilter("ignore")
        return deepchem.splits.ScaffoldSplitter().split(dataset)


@pytest.mark.parametrize("name", ["BBBP", "bace", "delaney-processed"])
def test_scaffold_split_equals_deepchem_on_benchmarks(deepchem, data_dir, name):
    with (data_dir / "moleculenet" / f"{name}.csv").open(encoding="utf-8") as file:
        smiles = parsable([row["smiles"].strip() for row in csv.DictReader(file)])
    split = scaffold_split(smiles)
    for ours, theirs in zip((split.train, split.valid, split.test), deepchem_parts(deepchem, smiles), strict=True):
        assert ours.tolist() == list(theirs)


def test_scaffold_split_equals_deepchem_on_a_library(deepchem, nci):
    split = scaffold_split(nci)
    for ours, theirs in zip((split.train, split.valid, split.test), deepchem_parts(deepchem, nci), strict=True):
        assert ours.tolist() == list(theirs)


def test_scaffold_split_keeps_scaffolds_whole(nci):
    smiles = nci[:1500]
    split = scaffold_split(smiles, (0.7, 0.2, 0.1))
    parts = [{murcko_scaffold(smiles[i]) for i in part} for part in (split.train, split.valid, split.test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert sorted(np.concatenate([split.train, split.valid, split.test])) == list(range(len(smiles)))
    assert len(split.train) == pytest.approx(0.7 * len(smiles), rel=0.01)


@given(n=st.integers(30, 500), seed=st.integers(0, 2**32 - 1), train=st.floats(0.1, 0.8))
def test_random_split_deals_every_row_once(n, seed, train):
    sizes = (train, 0.9 - train, 0.1)
    split = random_split(n, sizes, seed=seed)
    assert sorted(np.concatenate([split.train, split.valid, split.test])) == list(range(n))
    for part, size in zip((split.train, split.valid, split.test), sizes, strict=True):
        assert abs(len(part) - size * n) <= 1
    assert split.train.dtype == np.int64
    assert (random_split(n, sizes, seed=seed).test == split.test).all()


def test_random_split_depends_on_the_seed():
    assert (random_split(100, seed=1).train != random_split(100, seed=2).train).any()


@given(n=st.integers(2, 200), k=st.integers(2, 10), seed=st.integers(0, 2**32 - 1))
def test_random_folds_are_balanced(n, k, seed):
    n = max(n, k)
    fold = folds(["C"] * n, k=k, seed=seed)
    counts = np.bincount(fold, minlength=k)
    assert len(counts) == k
    assert counts.max() - counts.min() <= 1
    assert (folds(["C"] * n, k=k, seed=seed) == fold).all()


@given(
    labels=st.lists(st.sampled_from([0.0, 1.0, np.nan]), min_size=10, max_size=100),
    k=st.integers(2, 10),
    seed=st.integers(0, 1000),
)
def test_random_folds_share_out_both_classes(labels, k, seed):
    column = np.array(labels)
    fold = folds(["C"] * len(labels), k=k, seed=seed, labels=column[:, None])
    for rows in (column == 0, column == 1, np.isnan(column), np.ones(len(column), dtype=bool)):
        counts = np.bincount(fold[rows], minlength=k)
        assert counts.max() - counts.min() <= 1


def test_regression_and_many_tasks_are_not_stratified():
    smiles = ["C"] * 20
    plain = folds(smiles, k=4, seed=3)
    rng = np.random.default_rng(0)
    assert (folds(smiles, k=4, seed=3, labels=rng.normal(size=(20, 1))) == plain).all()
    assert (folds(smiles, k=4, seed=3, labels=rng.integers(0, 2, size=(20, 2)).astype(float)) == plain).all()


@settings(deadline=None, max_examples=20)
@given(
    smiles=st.lists(st.sampled_from(SMILES), min_size=12, max_size=60),
    k=st.integers(2, 4),
    seed=st.integers(0, 100),
)
def test_scaffold_folds_keep_scaffolds_whole(smiles, k, seed):
    scaffolds = [murcko_scaffold(text) for text in smiles]
    if len(set(scaffolds)) < k:
        with pytest.raises(InputError, match=f"{k} scaffold folds of {len(set(scaffolds))} different scaffolds"):
            folds(smiles, k=k, split="scaffold", seed=seed)
        return
    fold = folds(smiles, k=k, split="scaffold", seed=seed)
    assert set(fold) == set(range(k))
    for scaffold in set(scaffolds):
        assert len({f for f, s in zip(fold, scaffolds, strict=True) if s == scaffold}) == 1
    assert (folds(smiles, k=k, split="scaffold", seed=seed) == fold).all()


def test_scaffold_folds_are_even_on_a_real_library(nci):
    smiles = [text for text in nci[:2000] if murcko_scaffold(text) not in {"", "c1ccccc1"}]
    counts = np.bincount(folds(smiles, k=5, split="scaffold", seed=0))
    assert counts.max() - counts.min() <= 1
    assert (folds(smiles, k=5, split="scaffold", seed=1) != folds(smiles, k=5, split="scaffold", seed=0)).any()


def test_clear_errors():
    with pytest.raises(InputError, match="5 folds of 3 rows; give at least 5 rows or fewer folds"):
        folds(["C"] * 3, k=5)
    with pytest.raises(InputError, match="at least 2"):
        folds(["C"] * 3, k=1)
    with pytest.raises(InputError, match="no split 'time'; choose one of: random, scaffold"):
        folds(["C"] * 3, k=2, split="time")
    with pytest.raises(InputError, match="three shares that sum to 1"):
        random_split(10, (0.8, 0.1, 0.2))
    with pytest.raises(InputError, match="three shares that sum to 1"):
        scaffold_split(["C"], (1.2, -0.1, -0.1))
    with pytest.raises(InputError, match="3 rows are too few for a test part of 10%"):
        random_split(3)


def test_table_names_its_rows():
    assert all(spec.name == name for name, spec in SPLITS.items())
