"""Columns of whole molecules: what they count, and that they depend on the structure alone."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import Descriptors, rdFingerprintGenerator, rdMolDescriptors

from molgraph import featurize
from molgraph.chem.descriptors import DESCRIPTORS
from molgraph.errors import InputError
from molgraph.features import blocks as columns_module
from molgraph.features.blocks import (
    BLOCKS,
    ENCODER,
    MoleculeFeatures,
    needs_structures,
    structure_blocks,
)
from molgraph.features.environments import code_counts, environment_counts
from molgraph.features.featurize import featurize_molecules
from molgraph.features.molecules import Molecules

SMILES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[C@H](N)C(=O)O",
    "[Na+].[Cl-]",
    "C",
    "c1ccc2ccccc2c1",
    "[2H]OC",
    "N#N",
    "CCCCCCCCCC",
]


def columns_of(blocks, graphs, structures=None):
    return MoleculeFeatures(Molecules(graphs, None if structures is None else tuple(structures))).of(blocks)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_has_its_declared_columns(name):
    graphs = featurize(SMILES, standardizer="none")
    columns = columns_of([name], graphs, SMILES)
    assert columns.shape == (len(SMILES), BLOCKS[name].n_columns)
    assert columns.dtype == np.float32
    assert not np.isinf(columns).any()
    assert columns_of([name], graphs.slice(0, 0), []).shape == (0, BLOCKS[name].n_columns)


@pytest.mark.parametrize("name", BLOCKS)
def test_the_spelling_does_not_matter(name):
    texts, others = SMILES, [Chem.MolToSmiles(Chem.MolFromSmiles(text), doRandom=True) for text in SMILES]
    one, other = (columns_of([name], featurize(t, standardizer="none"), t) for t in (texts, others))
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_blocks_stand_side_by_side():
    graphs = featurize(SMILES, standardizer="none")
    both = columns_of(["codes", "properties"], graphs, SMILES)
    np.testing.assert_array_equal(both[:, : BLOCKS["codes"].n_columns], columns_of(["codes"], graphs))
    np.testing.assert_array_equal(both[:, BLOCKS["codes"].n_columns :], columns_of(["properties"], graphs, SMILES))


def test_structures_must_be_given_where_they_are_needed():
    graphs = featurize(["CCO", "C"])
    assert not needs_structures(["environments", "codes"])
    assert needs_structures(["environments", "descriptors"])
    for structures in (None, ["CCO"]):
        with pytest.raises(InputError, match=r"structures.*give the SMILES of all graphs"):
            columns_of(["properties"], graphs, structures)
    with pytest.raises(InputError, match="no descriptors of 'C1CC'"):
        columns_of(["properties"], graphs, ["CCO", "C1CC"])


def test_descriptors_equal_those_of_rdkit():
    mols = [Chem.MolFromSmiles(text) for text in SMILES]
    graphs = featurize(SMILES, standardizer="none")
    names = list(rdMolDescriptors.Properties.GetAvailableProperties())
    properties = columns_of(["properties"], graphs, SMILES)
    np.testing.assert_allclose(
        properties[:, names.index("tpsa")], [rdMolDescriptors.CalcTPSA(m) for m in mols], rtol=1e-6
    )
    descriptors = columns_of(["descriptors"], graphs, SMILES)
    expected = [[Descriptors.CalcMolDescriptors(mol)[name] for name, _ in Descriptors.descList] for mol in mols]
    np.testing.assert_allclose(descriptors, np.clip(expected, -1e30, 1e30), rtol=1e-5)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    counts = columns_of(["ecfp_counts"], graphs, SMILES)
    np.testing.assert_array_equal(counts, [generator.GetCountFingerprintAsNumPy(mol) for mol in mols])


def test_environments_are_as_many_kinds_as_rdkit_finds(assay):
    """Apart from collisions, two atoms have environments of one kind here if they have there."""
    mols = [Chem.MolFromSmiles(text) for text in assay[0][:200]]
    mols = [mol for mol in mols if mol is not None]
    texts = [Chem.MolToSmiles(mol) for mol in mols]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, includeRedundantEnvironments=True)
    for text, mol in zip(texts, mols, strict=True):
        theirs = generator.GetSparseCountFingerprint(mol).GetNonzeroElements()
        ours = environment_counts(featurize([text], standardizer="none"), n_columns=2**20)[0]
        assert sorted(ours[ours > 0].tolist()) == sorted(theirs.values())


@given(st.integers(0, 3), st.sampled_from([16, 1024]))
def test_each_atom_counts_once_at_each_radius(radius, n_columns):
    graphs = featurize(SMILES, standardizer="none")
    counts = environment_counts(graphs, radius=radius, n_columns=n_columns)
    np.testing.assert_array_equal(counts.sum(axis=1), (radius + 1) * np.diff(graphs.atom_ptr))


def test_many_equal_environments_are_255():
    graphs = featurize(["C" * 600])
    assert environment_counts(graphs).max() == 255
    assert code_counts(graphs)[0, -3:].tolist() == [600, 599, 0]


def test_molecules_do_not_depend_on_their_neighbours_in_the_batch():
    graphs = featurize(SMILES, standardizer="none")
    for function in (environment_counts, code_counts):
        whole = function(graphs)
        for row in range(len(graphs)):
            np.testing.assert_array_equal(function(graphs.slice(row, row + 1))[0], whole[row])


def test_shared_blocks_are_computed_once(monkeypatch):
    graphs, calls = featurize(SMILES, standardizer="none"), []
    properties = columns_module.DESCRIPTORS["properties"]
    counted = dataclasses.replace(properties, compute=lambda mol: calls.append(mol) or properties.compute(mol))
    monkeypatch.setattr(columns_module, "DESCRIPTORS", {**columns_module.DESCRIPTORS, "properties": counted})
    readers = {"one": ("codes", "properties"), "other": ("properties",), "none": ()}
    columns = MoleculeFeatures(Molecules(graphs, tuple(SMILES)))
    values = {reader: columns.of(blocks) for reader, blocks in readers.items()}
    assert len(calls) == len(SMILES)
    for reader, blocks in readers.items():
        np.testing.assert_array_equal(values[reader], columns_of(blocks, graphs, SMILES))
    assert values["none"].shape == (len(SMILES), 0)


def test_blocks_computed_before_are_reused():
    graphs, names = featurize(SMILES, standardizer="none"), ("properties", "reduced_graph")
    computed = structure_blocks(names, SMILES)
    without_structures = MoleculeFeatures(Molecules(graphs), computed)
    np.testing.assert_array_equal(without_structures.of(names), columns_of(names, graphs, SMILES))
    with pytest.raises(InputError, match="give the SMILES of all graphs"):
        without_structures.of(["ecfp_counts"])
    with pytest.raises(InputError, match="no descriptors of 'bad'"):
        structure_blocks(names, [*SMILES, "bad"])


def test_embeddings_of_each_encoder_are_computed_once():
    class Encoder:
        def __init__(self, digest):
            self.digest, self.calls = digest, 0

        def vectors(self, graphs):
            self.calls += 1
            return np.full((len(graphs), 3), len(self.digest), dtype=np.float32)

    one, other = Encoder("a"), Encoder("bb")
    columns = MoleculeFeatures(featurize_molecules(SMILES, standardizer="none"))
    n_codes = BLOCKS["codes"].n_columns
    for _ in range(2):
        assert (columns.of(["codes", ENCODER], one)[:, n_codes:] == 1).all()
        assert (columns.of([ENCODER], other) == 2).all()
    assert (one.calls, other.calls) == (1, 1)
    assert not needs_structures([ENCODER, "codes"])
    with pytest.raises(ValueError, match="the block 'encoder' is made by an encoder, and none was given"):
        columns.of([ENCODER])


def test_rdkit_logs_nothing(capfd):
    text = ["CCO.[H+]"]
    columns_of([*BLOCKS], featurize(text, standardizer="none"), text)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["CI a\0b", "CI a\nb", "CI |$a;b$|", "CI \r\n\r\n"])
def test_a_name_after_the_smiles_changes_no_column(text):
    for name in DESCRIPTORS:
        np.testing.assert_array_equal(structure_blocks([name], [text])[name], structure_blocks([name], ["CI"])[name])
