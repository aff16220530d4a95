"""Run files to look at, and what a draft answers to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.service.protocol import Answer, Draft, Drafted, Measured
from tests.engine.service.talk import Talk


def rows_file(path: Path, count: int = 30) -> Path:
    """Questions and answers of several lengths."""
    with path.open("w") as file:
        for i in range(count):
            answer = "It carries salt" + " and rope" * (i % 7) + "."
            file.write(json.dumps({"question": f"What does boat {i} carry?", "answer": answer}) + "\n")
    return path


def tables(model: Path, data: Path, **more: Any) -> dict[str, Any]:
    """The tables of a run file."""
    return {"model": {"path": str(model)}, "data": [{"path": str(data), "template": "qa"}], **more}


class Desk(Talk):
    """Opens drafts, and keeps what they said."""

    def open_draft(self, **fields: Any) -> tuple[int, list[Answer]]:
        """(number of the draft, all that was answered, the final answer last)."""
        before = len(self.channel.said)
        final = self.ask(Draft, Measured, **fields)
        answers = [*self.channel.said[before:], final]
        first = next(answer for answer in answers if isinstance(answer, Drafted))
        return first.draft, [answer for answer in answers if isinstance(answer, Drafted | Measured)]

    def change(self, draft: int, **changes: Any) -> list[Answer]:
        """Lay changes over a draft, with "__" for a dot."""
        return self.open_draft(draft=draft, changes={key.replace("__", "."): v for key, v in changes.items()})[1]
