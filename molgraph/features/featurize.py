"""`featurize`: SMILES to `PackedGraphs`, the one entry point for everything else, and to `Molecules`."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Literal, NamedTuple, get_args

from molgraph.chem.parse import rejected
from molgraph.chem.standardize import StandardizerName, standardize_smiles
from molgraph.errors import InputError
from molgraph.features.cuik_engine import encode_cuik, is_cuik_available
from molgraph.features.molecules import Molecules
from molgraph.features.rdkit_engine import encode_rdkit
from molgraph.files.frames import Structures, structure_list
from molgraph.graphs import PackedGraphs, concatenate
from molgraph.parallel.process_pool import WorkerPool
from molgraph.results.prediction import Rejected

Engine = Literal["auto", "cuik", "rdkit"]

# Molecules that go to a worker process at a time: about half a second of work, and a few MB on the way back.
_CHUNK_SIZE = 4096


def featurize(
    smiles: Structures,
    *,
    ids: Iterable[str] | None = None,
    standardizer: StandardizerName = "default",
    engine: Engine = "auto",
    processes: int = 1,
) -> PackedGraphs:
    """The graphs of all structures that can be used, and in `rejected` the rows that cannot, with the reason.

    Args:
        smiles: One structure a row, as SMILES or RDKit molecule; a list, an array or a column of a frame. A row that is
            neither (a missing value) is rejected.
        ids: One identifier a row, for `rejected`; the row number where there is none.
        standardizer: What is done to each structure first, a key of `molgraph.chem.standardize.STANDARDIZERS`.
        engine: `cuik` is fast and needs `cuik_molmaker`, `rdkit` needs only RDKit, `auto` is `cuik` where available.
            The arrays are the same.
        processes: How many processes share the work. They are started for this call, so it pays from some 20,000
            rows on; a script that asks for several must guard its start with `if __name__ == "__main__":`.

    Raises:
        InputError: An argument does not fit, or `cuik` was asked for and is not available.

    Example:
        >>> from molgraph import featurize
        >>> graphs = featurize(["CCO", "C1CC", "c1ccccc1"])
        >>> len(graphs), graphs.row_index.tolist(), graphs.n_atoms
        (2, [0, 2], 9)
        >>> graphs.rejected[0].reason
        'SMILES Parse Error: unclosed ring'
    """
    return featurize_molecules(smiles, ids=ids, standardizer=standardizer, engine=engine, processes=processes).graphs


def featurize_molecules(
    smiles: Structures,
    *,
    ids: Iterable[str] | None = None,
    standardizer: StandardizerName = "default",
    engine: Engine = "auto",
    processes: int = 1,
) -> Molecules:
    """As `featurize`, with the standardized SMILES of each graph beside the graphs.

    Raises:
        InputError: An argument does not fit, or `cuik` was asked for and is not available.

    Example:
        >>> featurize_molecules(["C[NH3+].[Cl-]", "C1CC", "OCC"]).structures
        ('CN', 'OCC')
    """
    smiles = structure_list(smiles)
    ids = [""] * len(smiles) if ids is None else [*ids]
    _check(smiles, ids, engine, processes)
    if engine == "auto":
        engine = "cuik" if is_cuik_available() else "rdkit"
    # There is always one chunk, if an empty one, to give the arrays their width.
    chunks = [
        _Chunk(smiles[row : row + _CHUNK_SIZE], ids[row : row + _CHUNK_SIZE], row, standardizer, engine)
        for row in range(0, max(len(smiles), 1), _CHUNK_SIZE)
    ]
    if processes == 1 or len(chunks) == 1:
        return _joined([_featurize_chunk(chunk) for chunk in chunks])
    with WorkerPool(min(processes, len(chunks))) as pool:
        return _joined([*pool.map(_featurize_chunk, chunks)])


def _joined(parts: Sequence[Molecules]) -> Molecules:
    structures = tuple(chain.from_iterable(part.structures or () for part in parts))
    return Molecules(concatenate(part.graphs for part in parts), structures)


class _Chunk(NamedTuple):
    """Some rows of the input, and all that a worker process needs for them."""

    smiles: list[str]
    ids: list[str]
    first_row: int
    standardizer: StandardizerName
    engine: Literal["cuik", "rdkit"]


def _featurize_chunk(chunk: _Chunk) -> Molecules:
    texts: list[str] = []
    rows: list[int] = []
    failed: list[Rejected] = []
    for row, (text, id_) in enumerate(zip(chunk.smiles, chunk.ids, strict=True), chunk.first_row):
        standard = _standardize(text, row, id_, chunk.standardizer)
        if isinstance(standard, Rejected):
            failed.append(standard)
        else:
            texts.append(standard)
            rows.append(row)
    encode = encode_cuik if chunk.engine == "cuik" else encode_rdkit
    graphs = encode(texts, rows, [chunk.ids[row - chunk.first_row] for row in rows])
    # The rejected text is the original one, not the standardized one.
    original = {bad.row: chunk.smiles[bad.row - chunk.first_row] for bad in graphs.rejected}
    failed.extend(rejected(original[bad.row], bad.step, bad.reason, row=bad.row, id=bad.id) for bad in graphs.rejected)
    if len(graphs) < len(texts):
        text_of = dict(zip(rows, texts, strict=True))
        texts = [text_of[row] for row in graphs.row_index.tolist()]
    return Molecules(replace(graphs, rejected=tuple(sorted(failed, key=lambda bad: bad.row))), tuple(texts))


def _standardize(text: object, row: int, id_: str, standardizer: StandardizerName) -> str | Rejected:
    if not isinstance(text, str):
        return rejected(str(text), "read", "the structure is missing", row=row, id=id_)
    return standardize_smiles(text, standardizer, row=row, id=id_)


def _check(smiles: Sequence[str], ids: Sequence[str], engine: str, processes: int) -> None:
    if len(ids) != len(smiles):
        raise InputError(f"ids has {len(ids)} entries for {len(smiles)} structures; give one for each")
    if engine not in get_args(Engine):
        raise InputError(f"engine is {engine!r}; choose one of {', '.join(get_args(Engine))}")
    if processes < 1:
        raise InputError(f"processes is {processes}; it must be 1 or more")
