"""Molecular descriptor blocks for tabular learners."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molgraph.chem.descriptors import DESCRIPTORS
from molgraph.chem.parse import parse_smiles, quiet_rdkit
from molgraph.errors import InputError
from molgraph.features.environments import N_CODES, code_counts, environment_counts
from molgraph.features.molecules import Molecules
from molgraph.features.schema import SCHEMA
from molgraph.graphs import PackedGraphs
from molgraph.results.prediction import Rejected


@dataclass(frozen=True)
class Block:
    """Descriptors that are computed together.

    Attributes:
        name: Key in `BLOCKS`; stored with models. What a released block computes never changes.
        n_columns: F.
        identity: Equal where two installations compute the same columns.
        from_graphs: Computes `[B, F]` from graphs; None if it takes structures.
    """

    name: str
    n_columns: int
    identity: str
    from_graphs: Callable[[PackedGraphs], NDArray[Any]] | None = None


def _hash(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


#: The block of a pretrained encoder's embedding. It is none of `BLOCKS`: its columns are the encoder's.
ENCODER = "encoder"

#: All blocks that need no encoder, by name.
BLOCKS: Mapping[str, Block] = MappingProxyType(
    {
        block.name: block
        for block in (
            Block("environments", 1024, f"{SCHEMA.name} 1", environment_counts),
            Block("codes", N_CODES, f"{SCHEMA.name} 1", code_counts),
            *(Block(name, len(own.names), _hash(own.names)) for name, own in DESCRIPTORS.items()),
        )
    }
)


def needs_structures(blocks: Sequence[str]) -> bool:
    """Whether a block cannot be computed from graphs alone."""
    return any(name in DESCRIPTORS for name in blocks)


def structure_blocks(blocks: Sequence[str], smiles: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Each of these blocks, `[B, F]` of B structures, which are parsed once.

    Args:
        blocks: Keys of `DESCRIPTORS`.
        smiles: `[B]` standardized structures.

    Raises:
        InputError: A structure cannot be parsed.

    >>> {name: block.shape for name, block in structure_blocks(["properties"], ["CCO", "c1ccccc1"]).items()}
    {'properties': (2, 43)}
    """
    mols = _parsed(smiles)
    return {name: _computed(name, mols) for name in blocks}


class Vectorizer(Protocol):
    """A pretrained encoder, which computes the embeddings of the block `encoder` from graphs."""

    digest: str

    def vectors(self, graphs: PackedGraphs) -> NDArray[np.float32]:
        """Embeddings `[B, H]` of B molecules."""


class MoleculeFeatures:
    """Descriptor blocks of B molecules: each is computed when it is first needed, and only once.

    Args:
        molecules: B molecules; their structures are only read where a block needs them.
        computed: Blocks that have been computed before (`structure_blocks`).

    >>> from molgraph.features.featurize import featurize_molecules
    >>> molecules = featurize_molecules(["CCO", "c1ccccc1"])
    >>> MoleculeFeatures(molecules).of(["environments", "ecfp_counts"]).shape
    (2, 2048)
    """

    def __init__(self, molecules: Molecules, computed: Mapping[str, NDArray[np.float32]] | None = None) -> None:
        self.molecules = molecules
        self._blocks: dict[str, NDArray[Any]] = dict(computed or {})
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def of(self, blocks: Sequence[str], encoder: Vectorizer | None = None) -> NDArray[np.float32]:
        """The columns of these blocks, side by side, `[B, F]` float32.

        Args:
            blocks: Keys of `BLOCKS`, or `ENCODER`.
            encoder: Computes the columns of `ENCODER`.

        Raises:
            InputError: Structures are needed and were not given, or one cannot be parsed.
        """
        for block in (BLOCKS[name] for name in blocks if name != ENCODER and name not in self._blocks):
            from_graphs = block.from_graphs
            self._blocks[block.name] = (
                _computed(block.name, self._mols) if from_graphs is None else from_graphs(self.molecules.graphs)
            )
        none = np.empty((len(self.molecules), 0), dtype=np.float32)
        parts = [self._blocks[name] if name != ENCODER else self.vectors(encoder) for name in blocks]
        return np.concatenate([none, *parts], axis=1, dtype=np.float32)

    def vectors(self, encoder: Vectorizer | None) -> NDArray[np.float32]:
        """An encoder's embeddings of the molecules, `[B, H]`."""
        if encoder is None:
            raise ValueError(f"the block {ENCODER!r} is made by an encoder, and none was given")
        if encoder.digest not in self._vectors:
            self._vectors[encoder.digest] = encoder.vectors(self.molecules.graphs)
        return self._vectors[encoder.digest]

    @cached_property
    def _mols(self) -> list[Chem.Mol]:
        if self.molecules.structures is None:
            raise InputError("these columns are computed from structures; give the SMILES of all graphs")
        return _parsed(self.molecules.structures)


def _parsed(smiles: Sequence[str]) -> list[Chem.Mol]:
    mols = []
    for text in smiles:
        mol = parse_smiles(text)
        if isinstance(mol, Rejected):
            raise InputError(f"no descriptors of {mol.text!r}: {mol.reason}")
        mols.append(mol)
    return mols


def _computed(name: str, mols: Sequence[Chem.Mol]) -> NDArray[np.float32]:
    own = DESCRIPTORS[name]
    columns = np.empty((len(mols), len(own.names)), dtype=np.float32)
    with quiet_rdkit():  # some descriptors remove hydrogens, and log each one that they leave
        for row, mol in enumerate(mols):
            columns[row] = own.compute(mol)
    return columns
