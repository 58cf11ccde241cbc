"""Decompression of gzip, bzip2 and zstd streams, with damage reported in one line."""

import bz2
import gzip
import io
import zlib
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from molgraph.errors import InputError
from molgraph.files.formats import Compression

# Small enough that a piece of ordinary lines stays far below the bound on one record.
_PIECE_BYTES = 1 << 18
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_BZIP2_MAGIC = b"BZh"


class CountedStream(io.RawIOBase):
    """A binary stream that counts the bytes read from it, for a progress bar.

    Attributes:
        n_bytes: Bytes read so far.
    """

    def __init__(self, stream: BinaryIO, *, is_owned: bool = True) -> None:
        super().__init__()
        self._stream = stream
        self._is_owned = is_owned  # stdin is left open
        self.n_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self.n_bytes += len(data)
        return len(data)

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        if self._is_owned:
            self._stream.close()
        super().close()


class ByteSource:
    """Reads decompressed bytes. The first bytes decide on the compression, not the ending of the name.

    Args:
        stream: The file as it is stored.
        name: Name of the file, for errors.
        expected: Compression by the ending of the name.

    Raises:
        InputError: The ending says compressed and the content is not, or the data are damaged or cut short.
    """

    def __init__(self, stream: CountedStream, name: str, expected: Compression | None) -> None:
        self._name = name
        buffered = io.BufferedReader(stream, _PIECE_BYTES)
        try:
            magic = buffered.peek(4)[:4]
        except OSError as error:
            raise InputError(f"{name} cannot be read ({error.strerror or error}); check the file") from error
        if expected and magic and not magic.startswith((_GZIP_MAGIC, _ZSTD_MAGIC, _BZIP2_MAGIC)):
            raise InputError(f"{name} is not {expected} data, though its name says so; rename it or copy it again")
        if magic == _ZSTD_MAGIC:
            self._pieces = _zstd_pieces(buffered, name)
        elif magic.startswith(_GZIP_MAGIC):
            self._pieces = iter(partial(gzip.GzipFile(fileobj=buffered).read, _PIECE_BYTES), b"")
        elif magic.startswith(_BZIP2_MAGIC):
            self._pieces = _bzip2_pieces(buffered)
        else:
            self._pieces = iter(partial(buffered.read, _PIECE_BYTES), b"")

    def read(self) -> bytes:
        """The next decompressed bytes, some 256 kB of them; none at the end.

        Raises:
            InputError: The data are damaged or cut short.
        """
        try:
            return next(self._pieces, b"")
        except EOFError as error:
            raise InputError(f"{self._name} is cut short: the compressed data end too early; copy it again") from error
        except (gzip.BadGzipFile, zlib.error, _DamagedError) as error:
            raise InputError(f"{self._name}: the compressed data are damaged ({error}); copy it again") from error
        except OSError as error:
            raise InputError(f"{self._name} cannot be read ({error.strerror or error}); check the file") from error


class _DamagedError(Exception):
    """zstd or bzip2 data cannot be decompressed."""


def _bzip2_pieces(stream: "io.BufferedReader[CountedStream]") -> Iterator[bytes]:
    """The content of one or many streams."""
    with bz2.BZ2File(stream) as file:
        while True:
            try:
                piece = file.read(_PIECE_BYTES)
            except OSError as error:
                if error.errno is not None:  # of the file itself
                    raise
                raise _DamagedError(str(error)) from error
            if not piece:
                return
            yield piece


def _zstd_pieces(stream: "io.BufferedReader[CountedStream]", name: str) -> Iterator[bytes]:
    """The content of one or many frames. The stream of the zstandard package misses a frame that is cut short."""
    try:
        import zstandard
    except ImportError as error:
        raise InputError(f"{name} needs zstandard; install it with: pip install 'molgraph-toolkit[zstd]'") from error
    decompressor = zstandard.ZstdDecompressor()
    frame = decompressor.decompressobj()
    is_complete = True
    while data := stream.read(1 << 15):
        while data:
            try:
                piece = frame.decompress(data)
            except zstandard.ZstdError as error:
                raise _DamagedError(str(error)) from error
            is_complete = frame.eof
            data = b""
            if is_complete:
                data = frame.unused_data
                frame = decompressor.decompressobj()
            if piece:
                yield piece
    if not is_complete:
        raise EOFError
