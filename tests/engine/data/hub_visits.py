"""A process that opens datasets as told on stdin, a JSON object a line, and answers a line each: what it got, or the sentence.

The libraries read HF_HOME, HF_ENDPOINT and HF_HUB_OFFLINE once, when they are imported: hence a process.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from engine.config.data import DataSection
from engine.data import hub
from engine.data.rows import Row
from engine.errors import DataError


def visit(keys: dict[str, Any]) -> dict[str, Any]:
    """Open a dataset, read all its rows twice, and describe it."""
    try:
        table = hub.hub_table(DataSection(**keys))
        first = table.grow()
        scanned = list(table.scan())
    except DataError as error:
        return {"error": str(error)}
    rows = [record.values for record in scanned if isinstance(record, Row)]
    again = [record.values for record in table.records(0, table.known) if isinstance(record, Row)]
    middle = len(rows) // 2
    out = {
        "kind": type(table).__name__,
        "name": table.name,
        "rows": rows if len(rows) < 20 else len(rows),
        "origins": [record.origin for record in scanned[:2]],
        "same": rows == again,
        "raw": json.loads(table.raw(middle)) == rows[middle] if rows else True,
        "complete": table.complete,
        "more": first,
        "problem": table.problem,
        "note": table.note,
        "commit": table.commit,
        "fingerprint": table.fingerprint,
        "paths": len(table.paths),
        "bytes": [table.bytes_done, table.bytes_total],
        "splits": hub.splits_of(keys["path"], keys.get("subset"), keys.get("revision")),
    }
    table.close()
    return out


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(visit(json.loads(line))) + "\n")
    loaded = sorted({"torch", "transformers"} & set(sys.modules))
    sys.stdout.write(json.dumps({"loaded": loaded}) + "\n")
