"""Opening data files: plain or gzip, told by their first bytes; other encodings are named, not guessed through."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import BinaryIO, cast

from engine.errors import DataError

_BOM = b"\xef\xbb\xbf"
_ZSTD = b"\x28\xb5\x2f\xfd"


def open_bytes(path: Path) -> BinaryIO:
    """Open a data file for reading, unpacked and without its byte order mark.

    Raises DataError when it is in UTF-16 or compressed in a way that is not read.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[1:2] == b"\0" or (head[:1] == b"\0" and head[1:2]):
        raise DataError(f"{path} is in UTF-16. Save it as UTF-8, for example with `iconv -f UTF-16 -t UTF-8`.")
    if head == _ZSTD:
        raise DataError(f"{path} is compressed with zstd. Unpack it with `zstd -d`, or compress it with gzip.")
    packed = head[:2] == b"\x1f\x8b"
    stream = cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")  # noqa: SIM115 - the caller's to close
    if stream.read(3) != _BOM:
        stream.seek(0)
    return stream


def read_bytes(path: Path) -> bytes:
    """The whole of a data file, unpacked. Raises DataError, also when a gzip file is torn."""
    try:
        with open_bytes(path) as stream:
            return stream.read()
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a gzip file that was not written whole: {error}") from error


def ending(path: Path) -> str:
    """The ending that says what a file holds: ".jsonl" for rows.jsonl and for rows.jsonl.gz."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
