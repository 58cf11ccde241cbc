"""Folders with a checksummed card: JSON with the sha256 of every other file and of itself. Reads are bounded."""

import hashlib
import json
import reprlib
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molgraph.errors import InputError, ModelError
from molgraph.storage.atomic import atomic_folder, check_folder
from molgraph.storage.decode import decode_json
from molgraph.storage.hashes import values_sha256

CARD = "card.json"

#: Field of the card with the sha256 of all others, so that damage of the card is noticed too.
_CHECKSUM = "card_sha256"

#: Bytes of a card that are read to find its kind.
_MOST_CARD_BYTES = 2**26

#: What content that does not fit its card can raise.
_CONTENT_ERRORS: tuple[type[Exception], ...] = (InputError, KeyError, ValueError, TypeError, RuntimeError, IndexError)


@dataclass(frozen=True)
class SealedKind:
    """One kind of folder.

    Attributes:
        noun: Its name in messages.
        maker: The command that writes it.
        remedy: What to do where it cannot be used, after "copy or".
        format_version: The one that is written and read; a folder of another is refused.
        max_bytes: Files that it may hold, the card included, and the most bytes of each that are read.
    """

    noun: str
    maker: str
    remedy: str
    format_version: int
    max_bytes: Mapping[str, int]

    def check_target(self, path: str | Path, *, overwrite: bool) -> None:
        """Refuse, before any work, what `write` would refuse after it.

        Raises:
            InputError: `path` is a file, or a folder that is not empty and may not be replaced.
        """
        check_folder(path, Path(path), self.max_bytes if overwrite else None)

    def write(
        self,
        path: str | Path,
        values: Mapping[str, Any],
        contents: Mapping[str, bytes],
        *,
        overwrite: bool = False,
    ) -> None:
        """Write a folder, complete or not at all.

        Args:
            path: The folder.
            values: Values of the card; under `files` the hashes of all contents.
            contents: The other files.
            overwrite: Replace the folder if it exists and is one of this kind.

        Raises:
            InputError: The folder exists and may not be replaced, or cannot be written.
        """
        values = {"kind": self.noun, **values}
        text = json.dumps({**values, _CHECKSUM: values_sha256(values)}, indent=2, allow_nan=False) + "\n"
        with atomic_folder(path, replaces=self.max_bytes if overwrite else None) as folder:
            for name, content in {**contents, CARD: text.encode()}.items():
                (folder / name).write_bytes(content)

    def read(self, folder: Path, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            ModelError: It cannot be read, or is larger than such a file can be.
        """
        path = folder / name
        try:
            if not folder.is_dir():
                why = "it is a file" if folder.exists() else "it does not exist"
                raise ModelError(f"{folder} is not {self._a()} folder: {why}; give a folder that {self.maker} wrote")
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise ModelError(f"{path} is not an ordinary file; copy or {self.remedy}")
            if status.st_size > self.max_bytes[name]:
                raise ModelError(f"{path} has {status.st_size} bytes; at most {self.max_bytes[name]} are read")
            return path.read_bytes()
        except FileNotFoundError as error:
            why = f"it has no {CARD}" if name == CARD else f"{name} is missing"
            raise ModelError(f"{folder} is not a complete {self.noun} folder: {why}; copy or {self.remedy}") from error
        except OSError as error:
            raise ModelError(f"cannot read {path}: {error.strerror}; check the name and the permissions") from error

    def verified(self, folder: Path, name: str, digest: str) -> bytes:
        """The bytes of a file that has to have this sha256.

        Raises:
            ModelError: It cannot be read, or has another.
        """
        content = self.read(folder, name)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ModelError(
                f"{folder / name} is not the file that the card describes (sha256 differs); copy or {self.remedy}"
            )
        return content

    def digest(self, folder: Path) -> str:
        """sha256 of the card, which holds the hashes of all other files: one number for the whole folder.

        Raises:
            ModelError: It cannot be read.
        """
        return hashlib.sha256(self.read(folder, CARD)).hexdigest()

    def card_values(self, folder: Path) -> dict[str, Any]:
        """Values of the card, without its checksum, which is checked.

        Raises:
            ModelError: There is no such folder, or its card is damaged or of another format.
        """
        source = str(folder / CARD)
        try:
            values = decode_json(self.read(folder, CARD))
            version = values["format_version"]
            is_intact = values.pop(_CHECKSUM, None) == values_sha256(values)
            kind = values.pop("kind", "model")
        except (InputError, KeyError, TypeError, AttributeError) as error:
            why = str(error) if isinstance(error, InputError) else type(error).__name__
            raise ModelError(f"{source} is no {self.noun} card ({why}); copy or {self.remedy}") from error
        if kind != self.noun:
            raise ModelError(
                f"{folder} is a folder of the kind {reprlib.repr(kind)}, not {self._a()} folder; give a folder that "
                f"{self.maker} wrote"
            )
        if version != self.format_version:
            writer = values.get("molgraph_version", "unknown")
            raise ModelError(
                f"{folder} has format {reprlib.repr(version)}, written by molgraph {reprlib.repr(writer)}; "
                f"this molgraph reads format {self.format_version}: upgrade molgraph, or {self.remedy}"
            )
        if not is_intact:
            raise ModelError(f"{source} was damaged or changed ({_CHECKSUM} differs); copy or {self.remedy}")
        table: dict[str, Any] = values
        return table

    def checked_files(self, folder: Path, files: Mapping[str, str]) -> None:
        """Refuse a card that names files which such a folder does not hold.

        Raises:
            ModelError: It does.
        """
        unknown = set(files) - (self.max_bytes.keys() - {CARD})
        if unknown:
            raise ModelError(f"{folder}: the card names unknown files {reprlib.repr(sorted(unknown))}; {self.remedy}")

    @contextmanager
    def damage(self, folder: Path, *errors: type[Exception]) -> Iterator[None]:
        """Turn every error that a file with the right hash and the wrong content can cause into a `ModelError`."""
        try:
            yield
        except (*errors, *_CONTENT_ERRORS) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ModelError(f"{folder} does not fit together ({reason}); {self.remedy}") from error

    def parsed(self, parse: Callable[[], Any]) -> Any:
        """The result of `parse`, a parser of the card; its `InputError` becomes a `ModelError` with the remedy."""
        try:
            return parse()
        except InputError as error:
            raise ModelError(f"{error}; copy or {self.remedy}") from error

    def _a(self) -> str:
        return f"an {self.noun}" if self.noun[0] in "aeiou" else f"a {self.noun}"


def sealed_noun(folder: str | Path) -> str | None:
    """Kind of a folder by its card, nothing else being checked; None where there is no readable card."""
    try:
        with (Path(folder) / CARD).open("rb") as file:
            kind = decode_json(file.read(_MOST_CARD_BYTES))["kind"]
    except (OSError, InputError, KeyError, TypeError):
        return None
    return kind if isinstance(kind, str) else None


def file_hashes(contents: Mapping[str, bytes]) -> dict[str, str]:
    """sha256 of each file."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
