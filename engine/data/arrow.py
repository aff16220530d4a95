"""Arrow files, and the folders that `datasets` writes with `save_to_disk`."""

from __future__ import annotations

import json
from pathlib import Path

from engine.data.rows import Records, Row
from engine.errors import DataError

STATE, SPLITS = "state.json", "dataset_dict.json"


def read_arrow(path: Path) -> Records:
    """Read an Arrow file, in the stream or the file format. Raises DataError when it is neither."""
    import pyarrow

    try:
        with pyarrow.memory_map(str(path)) as source:
            try:
                table = pyarrow.ipc.open_stream(source).read_all()
            except pyarrow.ArrowInvalid:
                source.seek(0)
                table = pyarrow.ipc.open_file(source).read_all()
            values = table.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is no readable Arrow file: {str(error).splitlines()[0]}") from error
    return Records(path, [Row(f"{path.name}#{number}", row) for number, row in enumerate(values, 1)], [])


def read_saved(folder: Path) -> Records:
    """Read a folder that `datasets` saved. Raises DataError for any other folder, and names the splits of one with splits."""
    if (folder / SPLITS).is_file():
        splits = _json(folder / SPLITS).get("splits", [])
        named = ", ".join(str(folder / str(split)) for split in splits)
        raise DataError(f"{folder} holds several splits; name one of them: {named}.")
    if not (folder / STATE).is_file():
        files = sorted(p.name for p in folder.iterdir() if p.is_file())[:6]
        raise DataError(f"{folder} is a folder; name a file in it ({', '.join(files) or 'it is empty'}).")
    shards = [str(entry.get("filename", "")) for entry in _json(folder / STATE).get("_data_files", [])]
    if not shards or any("/" in shard or not (folder / shard).is_file() for shard in shards):
        raise DataError(f"{folder} lacks a file that its {STATE} names. Copy the folder again.")
    rows = [row for shard in shards for row in read_arrow(folder / shard).rows]
    return Records(folder, rows, [])


def _json(file: Path) -> dict[str, list[dict[str, str]]]:
    try:
        value = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise DataError(f"{file} is no JSON object.")
    return value
