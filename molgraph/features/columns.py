"""Numbers of whole molecules for learners that are not graph networks, block by block."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molgraph.chem.descriptors import DESCRIPTORS
from molgraph.chem.parse import parse_smiles, quiet_rdkit
from molgraph.errors import InputError
from molgraph.features.environments import N_CODES, code_counts, environment_counts
from molgraph.features.schema import SCHEMA
from molgraph.graphs import PackedGraphs
from molgraph.results import Rejected

_Reader = TypeVar("_Reader", bound=str)


@dataclass(frozen=True)
class Block:
    """Columns that are computed together.

    Attributes:
        name: Key in `BLOCKS`; stored with models. What a released block computes never changes.
        n_columns: F.
        identity: Tells whether another installation computes the same columns.
        from_graphs: Computes `[B, F]` from graphs; None if it takes structures.
    """

    name: str
    n_columns: int
    identity: str
    from_graphs: Callable[[PackedGraphs], NDArray[Any]] | None = None


def _hash(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


#: All blocks, by name.
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
    return any(BLOCKS[name].from_graphs is None for name in blocks)


def molecule_columns(
    blocks: Sequence[str], graphs: PackedGraphs, smiles: Sequence[str] | None = None
) -> NDArray[np.float32]:
    """The columns of all blocks, side by side, `[B, F]` float32.

    Args:
        blocks: Keys of `BLOCKS`.
        graphs: B molecules.
        smiles: `[B]` the same as standardized structures; only asked for where a block needs them.

    Raises:
        InputError: Structures are needed and were not given, or one cannot be parsed.

    >>> from molgraph import featurize
    >>> texts = ["CCO", "c1ccccc1"]
    >>> molecule_columns(["environments", "ecfp_counts"], featurize(texts), texts).shape
    (2, 2048)
    """
    return columns_by_reader({"": blocks}, graphs, smiles)[""]


def columns_by_reader(
    readers: Mapping[_Reader, Sequence[str]], graphs: PackedGraphs, smiles: Sequence[str] | None = None
) -> dict[_Reader, NDArray[np.float32]]:
    """The columns `[B, F]` of each of several readers; what two of them read is computed once.

    Args:
        readers: Keys of `BLOCKS` that each one reads, in order.
        graphs: B molecules.
        smiles: `[B]` the same as standardized structures; only asked for where a block needs them.

    Raises:
        InputError: Structures are needed and were not given, or one cannot be parsed.
    """
    wanted = dict.fromkeys(name for blocks in readers.values() for name in blocks)
    with quiet_rdkit():  # some descriptors take hydrogens away, and tell of each that they leave
        mols = _parsed(graphs, smiles) if needs_structures([*wanted]) else []
        computed = {name: _block(BLOCKS[name], graphs, mols) for name in wanted}
    none = np.empty((len(graphs), 0), dtype=np.float32)
    return {
        reader: np.concatenate([none, *(computed[name] for name in blocks)], axis=1, dtype=np.float32)
        for reader, blocks in readers.items()
    }


def _block(block: Block, graphs: PackedGraphs, mols: Sequence[Chem.Mol]) -> NDArray[Any]:
    if block.from_graphs is not None:
        return block.from_graphs(graphs)
    columns = np.empty((len(mols), block.n_columns), dtype=np.float32)
    compute = DESCRIPTORS[block.name].compute
    for row, mol in enumerate(mols):
        columns[row] = compute(mol)
    return columns


def _parsed(graphs: PackedGraphs, smiles: Sequence[str] | None) -> list[Chem.Mol]:
    if smiles is None or len(smiles) != len(graphs):
        raise InputError("these columns are computed from structures; give the SMILES of all graphs")
    mols = []
    for text in smiles:
        mol = parse_smiles(text)
        if isinstance(mol, Rejected):
            raise InputError(f"no descriptors of {mol.text!r}: {mol.reason}")
        mols.append(mol)
    return mols
