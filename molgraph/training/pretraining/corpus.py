"""Which structures an encoder learns from: a sample of libraries, each compound once, less those that are kept out."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from molgraph.chem.identity import stereo_free_smiles
from molgraph.chem.standardize import StandardizerName, standardize_smiles
from molgraph.errors import InputError
from molgraph.files.reader import open_records
from molgraph.model_folder.encoder_card import LibraryAccount
from molgraph.parallel.ordered_map import map_in_order
from molgraph.results.prediction import Rejected

#: Structures of more characters teach little and fill batches: peptides, polymers.
MAX_CHARACTERS = 250

#: Records that a process makes ready at a time.
_BATCH_SIZE = 2048

#: Takes what is done, and how many structures so far.
CorpusListener = Callable[[str, int], None]


@dataclass(frozen=True)
class Corpus:
    """Structures to learn from.

    Attributes:
        smiles: Standardized structures, each compound once, in the order of the libraries.
        libraries: What became of the records.
        kept_out: Compounds that were not to be seen, in the files that name them.
    """

    smiles: tuple[str, ...]
    libraries: tuple[LibraryAccount, ...]
    kept_out: int


def collect_corpus(
    libraries: Sequence[str | Path],
    *,
    keep_out: Sequence[str | Path] = (),
    per_library: int | None = None,
    standardizer: StandardizerName = "default",
    seed: int = 0,
    processes: int = 1,
    on_progress: CorpusListener = lambda _what, _count: None,
) -> Corpus:
    r"""The structures of several libraries, each compound once.

    Compounds are compared without stereo: of two isomers the first is used, and an isomer of what is kept out is kept
    out too, whether the structure is taken as it came or as it was standardized.

    Args:
        libraries: What to read; see `molgraph.files.reader.open_records`.
        keep_out: Files whose compounds may not be used.
        per_library: Records of each library, drawn at random where it has more; None for all.
        standardizer: What is done to each structure first.
        seed: Seed of the sample.
        processes: Processes that share the work.
        on_progress: Called after each batch.

    Raises:
        InputError: A file cannot be read, or nothing is left to learn from.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "library.smi").write_text("CCO\nOCC\nCCN\nbad\nCCCl\n")
        >>> _ = (folder / "test.csv").write_text("smiles,y\nClCC,1\n")
        >>> corpus = collect_corpus([folder / "library.smi"], keep_out=[folder / "test.csv"])
        >>> corpus.smiles, corpus.libraries[0].kept_out
        (('CCO', 'CCN'), 1)
    """
    prepare = partial(_prepared, standardizer=standardizer)
    hidden: set[str] = set()
    texts = [text for source in keep_out for text in _sample(source, None, seed)[0]]
    for rows in map_in_order(prepare, _batches(texts), processes):
        hidden.update(key for _, *keys in rows for key in keys)
        on_progress("keep out", len(hidden))
    seen: set[str] = set()
    smiles: list[str] = []
    accounts = []
    for place, source in enumerate(libraries):
        texts, account = _sample(source, per_library, seed + place)
        unusable = repeated = kept_out = 0
        before = len(smiles)
        for batch, rows in zip(_batches(texts), map_in_order(prepare, _batches(texts), processes), strict=True):
            unusable += len(batch) - len(rows)
            for text, key, key_as_it_came in rows:
                if key in hidden or key_as_it_came in hidden:
                    kept_out += 1
                elif key in seen:
                    repeated += 1
                else:
                    seen.add(key)
                    smiles.append(text)
            on_progress("collect", len(smiles))
        accounts.append(
            LibraryAccount(
                name=account.name,
                sha256=account.sha256,
                rows=account.rows,
                not_sampled=account.rows - len(texts) - account.unread,
                unusable=unusable + account.unread,
                repeated=repeated,
                kept_out=kept_out,
                used=len(smiles) - before,
            )
        )
    if not smiles:
        names = ", ".join(str(source) for source in libraries)
        raise InputError(f"no structure of {names} is left to learn from; give libraries of other compounds")
    return Corpus(tuple(smiles), tuple(accounts), len(hidden))


@dataclass(frozen=True)
class _Read:
    name: str
    sha256: str
    rows: int
    unread: int


def _sample(source: str | Path, most: int | None, seed: int) -> tuple[list[str], _Read]:
    """Structures of a random sample of the records, in their order, in memory for `2 * most` of them."""
    rng = np.random.default_rng(seed)
    digest = hashlib.sha256()
    kept: list[tuple[float, int, str]] = []
    rows = unread = 0
    with open_records(source) as reader:
        for batch in reader:
            digest.update("\n".join([*batch.smiles, ""]).encode("utf-8", errors="surrogatepass"))
            kept += zip(rng.random(len(batch)).tolist(), batch.rows.tolist(), batch.smiles, strict=True)
            rows += len(batch) + len(batch.rejected)
            unread += len(batch.rejected)
            if most is not None and len(kept) > 2 * most:
                kept = sorted(kept)[:most]
    if most is not None:
        kept = sorted(kept)[:most]
    texts = [text for _, _, text in sorted(kept, key=lambda entry: entry[1])]
    return texts, _Read(Path(str(source)).name, digest.hexdigest(), rows, unread)


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), _BATCH_SIZE):
        yield [*texts[start : start + _BATCH_SIZE]]


def _prepared(texts: list[str], standardizer: StandardizerName) -> list[tuple[str, str, str]]:
    """Of each usable structure what it is as standardized, and its keys as standardized and as it came."""
    rows = []
    for text in texts:
        if len(text) > MAX_CHARACTERS:
            continue
        standard = standardize_smiles(text, standardizer)
        key = standard if isinstance(standard, Rejected) else stereo_free_smiles(standard)
        if isinstance(standard, Rejected) or isinstance(key, Rejected):
            continue
        as_it_came = key if standard == text else stereo_free_smiles(text)
        rows.append((standard, key, str(as_it_came)))
    return rows
