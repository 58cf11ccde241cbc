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
from molgraph.datasets.parents import merged_groups, parent_groups
from molgraph.datasets.splits import SPLITS, folds, random_split, scaffold_split
from molgraph.errors import InputError

SMILES = ["CCO", "CCN", "c1ccccc1", "Cc1ccccc1", "C1CC1", "C1CCC1", "C1CCCC1", "c1ccncc1", "Clc1ccncc1", "CC"]


def chain(n):
    """n compounds that are not of one parent."""
    return ["C" * (i + 1) for i in range(n)]


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
        warnings.simplefilter("ignore")  # of deepchem's imports, not of ours
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
def test_random_split_has_every_row_once(n, seed, train):
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
    fold = folds(chain(n), k=k, seed=seed)
    counts = np.bincount(fold, minlength=k)
    assert len(counts) == k
    assert counts.max() - counts.min() <= 1
    assert (folds(chain(n), k=k, seed=seed) == fold).all()


@given(
    labels=st.lists(st.sampled_from([0.0, 1.0, np.nan]), min_size=10, max_size=100),
    k=st.integers(2, 10),
    seed=st.integers(0, 1000),
)
def test_random_folds_are_stratified(labels, k, seed):
    column = np.array(labels)
    fold = folds(chain(len(labels)), k=k, seed=seed, labels=column[:, None])
    for rows in (column == 0, column == 1, np.isnan(column), np.ones(len(column), dtype=bool)):
        counts = np.bincount(fold[rows], minlength=k)
        assert counts.max() - counts.min() <= 1


def test_regression_and_many_tasks_are_not_stratified():
    smiles = chain(20)
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
    with pytest.raises(InputError, match="three fractions that sum to 1"):
        random_split(10, (0.8, 0.1, 0.2))
    with pytest.raises(InputError, match="three fractions that sum to 1"):
        scaffold_split(["C"], (1.2, -0.1, -0.1))
    with pytest.raises(InputError, match="3 rows are too few for a test part of 10%"):
        random_split(3)


def test_table_names_its_rows():
    assert all(spec.name == name for name, spec in SPLITS.items())


#: Spellings of one parent compound each: salts, stereoisomers, isotopologues, tautomers.
PARENTS = [
    ["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CC(N)C(=O)O", "CC([NH3+])C(=O)[O-]", "CC(N)C(=O)O.Cl"],
    ["O=c1cccc[nH]1", "Oc1ccccn1"],
    ["CC(=O)CC(C)=O", "CC(O)=CC(C)=O"],
    ["Cc1cc[nH]n1", "Cc1ccn[nH]1"],
    ["C/C=C/Cl", r"C/C=C\Cl"],
    ["c1ccccc1", "[2H]c1ccccc1"],
    ["CCO"],
    ["CCN"],
    ["C1CC1C"],
    ["c1ccncc1"],
]


def test_parent_groups_are_exactly_the_parents():
    groups = parent_groups([text for parent in PARENTS for text in parent])
    assert groups.tolist() == [number for number, parent in enumerate(PARENTS) for _ in parent]
    with pytest.raises(InputError, match=r"no parent compound of 'C1CC'"):
        parent_groups(["CCO", "C1CC"])


@pytest.mark.parametrize("split", ["random", "scaffold"])
@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), k=st.integers(2, 3), data=st.data())
def test_folds_keep_parents_whole(split, seed, k, data):
    rows = [(number, text) for number, parent in enumerate(PARENTS) for text in parent]
    rows = data.draw(st.permutations(rows))
    labels = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=len(rows), max_size=len(rows))))
    fold = folds([text for _, text in rows], k=k, split=split, seed=seed, labels=labels[:, None])
    assert set(fold.tolist()) == set(range(k))
    for number in range(len(PARENTS)):
        assert len({int(f) for f, (parent, _) in zip(fold, rows, strict=True) if parent == number}) == 1


def test_folds_of_pairs_are_even_in_size_and_class():
    smiles = [f"{'C' * i}[C@{hand}H](N)O" for i in range(1, 41) for hand in ("", "@")]
    labels = np.repeat(np.arange(40) % 4 == 0, 2).astype(float)
    fold = folds(smiles, k=5, labels=labels[:, None])
    assert np.bincount(fold).tolist() == [16] * 5
    assert np.bincount(fold[labels == 1]).tolist() == [4] * 5


def test_fewer_parents_than_folds():
    with pytest.raises(
        InputError, match="3 folds of 4 rows: they are salts, stereoisomers or tautomers of 2 compounds"
    ):
        folds(["C[C@H](N)O", "C[C@@H](N)O", "CC(N)O", "CCO"], k=3)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30))
def test_merged_groups_are_the_components(pairs):
    csgraph = pytest.importorskip("scipy.sparse.csgraph")
    first, second = (np.array(column) for column in zip(*pairs, strict=True))
    joined = (first[:, None] == first) | (second[:, None] == second)
    _, expected = csgraph.connected_components(joined)
    merged = merged_groups(first, second)
    assert ((merged[:, None] == merged) == (expected[:, None] == expected)).all()
