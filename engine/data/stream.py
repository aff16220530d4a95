"""The bytes of a data file, unpacked and without byte order mark, readable at any place.

A plain file is read where it lies. A gzip or zstd file is unpacked once, piece by piece, into a temporary file that has
no name and goes with the process. Nothing is mapped into memory: pages of a mapped file would count as ours.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from engine.config.data import PACKED
from engine.errors import DataError

_BOM = b"\xef\xbb\xbf"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
PIECE = 4 << 20
"""Bytes that are looked at in one go."""


class Bytes:
    """A plain file. `size` bytes can be read now; `complete` says whether that is all."""

    packing = ""

    def __init__(self, path: Path) -> None:
        """Raises DataError for UTF-16, which has zero bytes where UTF-8 has none."""
        self.path = path
        self._file: IO[bytes] = path.open("rb")
        head = self._file.read(4)
        _refuse_utf16(path, head)
        self.start = len(_BOM) if head.startswith(_BOM) else 0
        self.size = os.fstat(self._file.fileno()).st_size
        self.complete = True
        self.problem = ""

    @property
    def bytes_total(self) -> int:
        """Bytes on disk."""
        return self.size

    def bytes_done(self, at: int) -> int:
        """Bytes on disk that the first `at` bytes were made of."""
        return at

    def more(self) -> None:
        """Unpack a further piece; nothing to do here."""

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` to before `stop`, fewer at the end. Any thread may ask."""
        out = os.pread(self._file.fileno(), max(0, stop - start), start)
        while len(out) < min(stop, self.size) - start:  # one read gives 2 GiB at most
            piece = os.pread(self._file.fileno(), stop - start - len(out), start + len(out))
            if not piece:
                break
            out += piece
        return out

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Unpacked(Bytes):
    """A gzip or zstd file. It grows with each `more`; a torn file ends where it is torn and says so in `problem`."""

    def __init__(self, path: Path, packing: str) -> None:
        self.path = path
        self.packing = packing
        self._packed = path.open("rb")
        self._total = os.fstat(self._packed.fileno()).st_size
        self._stream = _unpacking(self._packed, packing)
        self._file = tempfile.TemporaryFile(prefix="luthier-")  # noqa: SIM115 - lives as long as this object
        self.start, self.size, self.complete, self.problem = 0, 0, False, ""
        self.more()
        head = self.read(0, 4)
        _refuse_utf16(path, head)
        self.start = len(_BOM) if head.startswith(_BOM) else 0

    @property
    def bytes_total(self) -> int:
        """Bytes on disk, packed."""
        return self._total

    def bytes_done(self, at: int) -> int:
        """Packed bytes that were read so far."""
        return self._total if self.complete else self._packed.tell()

    def more(self) -> None:
        """Unpack a further piece. Raises DataError when there is no room for it."""
        if self.complete:
            return
        try:
            piece = self._stream.read(PIECE)
        except (EOFError, OSError, zlib.error) as error:
            self.problem = f"{self.path} is a {self.packing} file that was not written whole: {error}"
            piece = b""
        try:
            self._file.write(piece)
            self._file.flush()
        except OSError as error:
            raise DataError(
                f"{self.path} cannot be unpacked into {tempfile.gettempdir()}: {error.strerror}. Make room, or set TMPDIR."
            ) from error
        self.size += len(piece)
        if not piece:
            self.complete = True
            self._packed.close()

    def close(self) -> None:
        """Close both files; the unpacked one is gone with it."""
        self._packed.close()
        self._file.close()


def open_bytes(path: Path) -> Bytes:
    """The bytes of a data file, told by its first bytes. Raises DataError for UTF-16."""
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] == _GZIP:
        return Unpacked(path, "gzip")
    if head == _ZSTD:
        return Unpacked(path, "zstd")
    return Bytes(path)


def read_whole(data: Bytes) -> bytes:
    """Everything at once. Raises DataError when a packed file is torn."""
    while not data.complete:
        data.more()
    if data.problem:
        raise DataError(data.problem)
    return data.read(data.start, data.size)


def hash_of_files(paths: Sequence[Path]) -> str:
    """Hex SHA-256 of a file, or of the hashes of several."""
    hashes = []
    for path in paths:
        with path.open("rb") as file:
            hashes.append(hashlib.file_digest(file, "sha256").hexdigest())
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def ending(path: Path) -> str:
    """The ending that says what a file holds: ".jsonl" for rows.jsonl and for rows.jsonl.gz."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() in PACKED else path.suffix.lower()


def _unpacking(packed: BinaryIO, packing: str) -> Any:
    if packing == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=packed))
    import pyarrow

    return pyarrow.input_stream(packed, compression="zstd")


def _refuse_utf16(path: Path, head: bytes) -> None:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[1:2] == b"\0" or (head[:1] == b"\0" and head[1:2]):
        raise DataError(f"{path} is in UTF-16. Save it as UTF-8, for example with `iconv -f UTF-16 -t UTF-8`.")
