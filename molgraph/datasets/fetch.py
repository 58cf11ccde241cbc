"""Fetches the file of a benchmark set: from a local mirror, from the cache, or by download; checked in each case.

A file with the sha256 of the card is accepted. Any other must have the columns and about as many rows as the
card says, since published copies of a set differ by a few rows. The sha256 of a downloaded file is written beside it
and compared ever after: the first download is trusted, a later change is not.
"""

import csv
import gzip
import hashlib
import os
import tempfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath

from molgraph.datasets.cards import DatasetCard, card_named
from molgraph.datasets.download import Progress, download
from molgraph.errors import FetchError
from molgraph.storage.atomic import atomic_path

#: Environment variable that names a folder laid out like the mirror paths of the cards.
MIRROR_VARIABLE = "MOLGRAPH_DATA"

#: Environment variable that names the folder for everything that molgraph downloads.
CACHE_VARIABLE = "MOLGRAPH_CACHE"

#: Share of the card's rows by which an unknown copy of a set may differ.
ROW_TOLERANCE = 0.02

_GZIP_MAGIC = b"\x1f\x8b"


def fetch(name: str, *, cache_dir: str | Path | None = None, progress: Progress | None = None) -> Path:
    """Path of the checked file of a benchmark set, downloaded if need be.

    The folder in `MOLGRAPH_DATA` comes first and is read in place, then the cache, then the address on the card.

    Args:
        name: Name of a card.
        cache_dir: Folder to keep the file in, instead of `default_cache_dir()`.
        progress: Called with the bytes read so far and the bytes expected (or None) while downloading.

    Raises:
        InputError: There is no card of that name.
        FetchError: The file cannot be downloaded, or is not what the card describes.
    """
    card = card_named(name)
    mirrored = _mirror_copy(card)
    if mirrored is not None:
        if _sha256(mirrored) != card.sha256:
            check_table(mirrored, card)
        return mirrored
    folder = default_cache_dir() if cache_dir is None else Path(cache_dir)
    file_name = PurePosixPath(card.address).name
    for cached in _namings(folder / file_name):
        if cached.is_file():
            _check_cached(cached, card)
            return cached
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=folder) as temporary:
            part = Path(temporary) / file_name
            download(card.address, part, progress=progress)
            return _accept(part, folder, card)
    except FetchError as error:
        raise FetchError(f"{error}; {_way_out(card, folder / file_name)}") from error
    except OSError as error:
        raise FetchError(
            f"cannot keep {card.name} in {folder}: {error.strerror}; name a folder in {CACHE_VARIABLE}"
        ) from error


def default_cache_dir() -> Path:
    """Folder for downloaded sets: below `MOLGRAPH_CACHE` if set, else where the platform keeps caches."""
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE]) / "datasets"
    import platformdirs

    return platformdirs.user_cache_path("molgraph", appauthor=False) / "datasets"


def read_columns(path: Path) -> list[str]:
    """Column names of a comma-separated file, compressed or not.

    Raises:
        FetchError: The file cannot be read as such.
    """
    return _columns_and_rows(path, str(path), count=False)[0]


def check_table(path: Path, card: DatasetCard, *, origin: str | None = None) -> None:
    """Raise unless a file has the columns, and about the rows, of the card.

    Args:
        path: The file.
        card: What it should be.
        origin: Where it came from, for messages; the path if left out.

    Raises:
        FetchError: It has not; the message says what is different.
    """
    shown = origin or str(path)
    columns, rows = _columns_and_rows(path, shown, count=True)
    if card.smiles_column(columns) is None:
        raise FetchError(
            f"{shown} is not the {card.name} table: no column {' or '.join(card.smiles_columns)}; "
            f"it begins with {','.join(columns)[:60]!r}"
        )
    tasks = [task.name for task in card.tasks_in(columns)]
    missing = [task for task in tasks if task not in columns]
    if missing or len(tasks) != card.n_tasks:
        found = f"no column {missing[0]!r}" if missing else f"{len(tasks)} label columns instead of {card.n_tasks}"
        raise FetchError(f"{shown} is not the {card.name} table: {found}")
    if abs(rows - card.rows) > ROW_TOLERANCE * card.rows:
        raise FetchError(f"{shown} is not the {card.name} table: {rows} rows, where the card says {card.rows}")


def _mirror_copy(card: DatasetCard) -> Path | None:
    """The mirror's copy, if a mirror is named and holds one."""
    folder = os.environ.get(MIRROR_VARIABLE)
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise FetchError(f"{MIRROR_VARIABLE} is {folder!r}, which is no folder; correct it or unset it")
    return next((path for path in _namings(Path(folder) / card.mirror) if path.is_file()), None)


def _namings(path: Path) -> tuple[Path, Path]:
    """The path as it is, and with `.gz` added or taken away."""
    return path, path.with_suffix("") if path.suffix == ".gz" else path.with_name(path.name + ".gz")


def _check_cached(path: Path, card: DatasetCard) -> None:
    record = _record_of(path)
    found = _sha256(path)
    if found == card.sha256:
        return
    if record.is_file():
        known = record.read_text(encoding="ascii", errors="replace").strip()
        if found != known:
            raise FetchError(
                f"{path} has changed since it was downloaded (sha256 {found[:12]}..., was {known[:12]}...); "
                f"delete it and {record.name} to download it again"
            )
        return
    check_table(path, card)  # put there by hand
    _write_record(record, found)


def _accept(part: Path, folder: Path, card: DatasetCard) -> Path:
    """Check a fresh download and move it into the cache, named by what it is rather than by its address."""
    digest = _sha256(part)
    if digest != card.sha256:
        check_table(part, card, origin=card.address)
        _number_repeated_columns(part)
        digest = _sha256(part)
    target = folder / (part.name.removesuffix(".gz") + (".gz" if _is_gzip(part) else ""))
    _write_record(_record_of(target), digest)
    part.replace(target)
    return target


def _number_repeated_columns(path: Path) -> None:
    """Rename the second column `x` to `x.1` and so on, as pandas does: the published QM8 repeats four names."""
    columns = read_columns(path)
    if len(set(columns)) == len(columns):
        return
    seen: Counter[str] = Counter()
    names = []
    for column in columns:
        names.append(f"{column}.{seen[column]}" if seen[column] else column)
        seen[column] += 1
    content = gzip.decompress(path.read_bytes()) if _is_gzip(path) else path.read_bytes()
    _, _, rows = content.partition(b"\n")  # no known set has a line break in a column name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(names)
    with path.open("ab") as binary:
        binary.write(rows)


def _columns_and_rows(path: Path, shown: str, *, count: bool) -> tuple[list[str], int]:
    try:
        opener = gzip.open if _is_gzip(path) else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            columns = next(reader, [])
            return columns, sum(1 for row in reader if row) if count else 0
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise FetchError(f"{shown} cannot be read as a table: {error}") from error


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP_MAGIC


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FetchError(f"{path} cannot be read: {error.strerror}") from error


def _record_of(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _write_record(record: Path, digest: str) -> None:
    with atomic_path(record) as temporary:
        temporary.write_text(digest + "\n", encoding="ascii")


def _way_out(card: DatasetCard, by_hand: Path) -> str:
    return f"set {MIRROR_VARIABLE} to a folder that holds {card.mirror}, or download the file by hand to {by_hand}"
