"""Rows of Arrow tables as plain values.

`datasets` stores columns of mixed JSON (the arguments of calls, for example) as JSON texts with the extension type
`arrow.json`; here they are what they were in the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from engine.data.rows import BadLine, Record, Row

_Decode = Callable[[Any], Any]


def records_of(table: Any, name: str, first: int) -> list[Record]:
    """The rows of a pyarrow Table or RecordBatch as `name`#`first` and so on; one that Python cannot hold costs only itself."""
    try:
        return [Row(f"{name}#{number}", values) for number, values in enumerate(plain_rows(table), first)]
    except (
        ValueError,
        OverflowError,
    ) as error:  # no UTF-8, a date beyond the year 9999; pyarrow's errors are ValueErrors
        if table.num_rows == 1:
            return [BadLine(f"{name}#{first}", f"holds a value that cannot be read: {str(error).splitlines()[0]}")]
    return [record for at in range(table.num_rows) for record in records_of(table.slice(at, 1), name, first + at)]


def plain_rows(table: Any) -> list[dict[str, Any]]:
    """The rows of a pyarrow Table or RecordBatch."""
    rows: list[dict[str, Any]] = table.to_pylist()
    for name, decode in ((field.name, _decoder(field.type)) for field in table.schema):
        if decode is not None:
            for row in rows:
                row[name] = decode(row[name])
    return rows


def _decoder(kind: Any) -> _Decode | None:
    """What has to be done to values of an Arrow type; None where nothing has."""
    from pyarrow import types

    if getattr(kind, "extension_name", "") == "arrow.json":
        return lambda value: None if value is None else json.loads(value)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = _decoder(kind.value_type)
        return None if inner is None else lambda value: None if value is None else [inner(item) for item in value]
    if types.is_struct(kind):
        inside = {field.name: decode for field in kind if (decode := _decoder(field.type)) is not None}
        return _of_struct(inside) if inside else None
    return None


def _of_struct(inside: dict[str, _Decode]) -> _Decode:
    def decode(value: Any) -> Any:
        if value is not None:
            for name, one in inside.items():
                value[name] = one(value[name])
        return value

    return decode
