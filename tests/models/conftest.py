"""Molecules of all shapes, and networks that read them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rdkit import RDConfig

from molgraph.config.training import ModelConfig
from molgraph.features.featurize import featurize
from molgraph.features.schema import SCHEMA
from molgraph.graphs import PackedGraphs
from molgraph.models.network import Network
from molgraph.models.network_shape import NetworkShape
from molgraph.results.tasks import TaskKind

SINGLE_ATOMS = ["C", "[Na+]", "O", "[Cl-]"]
ODD = [
    *SINGLE_ATOMS,
    "CC",
    "[Na+].[Cl-]",  # two atoms and no bond
    "CC(=O)[O-].[K+]",
    "O.c1ccccc1.CCO",
    "C[N+](C)(C)C",
    "C1CC1",
    "F[B-](F)(F)F",
    "C12C3C4C1C5C2C3C45",
    "[2H]C([2H])([2H])C#N",
    "N[C@@H](CCC(=O)N[C@@H](CS)C(=O)NCC(=O)O)C(=O)O",
    "CCCCCCCCCCCCCCCC(=O)OCC(COC(=O)CCCCCCCCCCCCCCC)OC(=O)CCCCCCCCCCCCCCC",  # 57 heavy atoms
    "NCC(=O)" * 16 + "O",  # 65 heavy atoms
]

KINDS: tuple[TaskKind, ...] = ("regression", "classification")

NetworkMaker = Callable[..., Network]


@pytest.fixture(scope="session")
def odd_graphs() -> PackedGraphs:
    """Single atoms, salts, cages, isotopes, stereo, and one molecule of more than 60 atoms."""
    graphs = featurize(ODD, standardizer="none")
    assert not graphs.rejected
    return graphs


@pytest.fixture(scope="session")
def single_atoms() -> PackedGraphs:
    """Molecules without a bond."""
    return featurize(SINGLE_ATOMS, standardizer="none")


@pytest.fixture(scope="session")
def drug_like(assay) -> PackedGraphs:
    """120 molecules of an assay and of a compound library."""
    lines = Path(RDConfig.RDDataDir, "NCI", "first_5K.smi").read_text().splitlines()
    return featurize([*assay[0][:60], *(line.split()[0] for line in lines[3000:3060])], standardizer="none")


@pytest.fixture(scope="session")
def make_network() -> NetworkMaker:
    """Makes a network with weights that depend on nothing but the arguments."""

    def make(config: ModelConfig, n_members: int = 1, kinds: tuple[TaskKind, ...] = KINDS, seed: int = 0) -> Network:
        return Network(NetworkShape(config, SCHEMA.vocabulary, kinds), n_members, seed=seed).eval()

    return make
