"""The text of a run file with its changes, line by line: which are new, which are changed, what was taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["", "new", "changed", "gone"]
MOST_COMPARED = 4000
"""Lines beyond which two texts are not compared: no run file is as long."""


@dataclass(frozen=True)
class TextLine:
    """A line."""

    text: str
    kind: Kind = ""
    number: int = 0
    """From 1, in the text with the changes; 0 for a line that is gone."""


def lines_of(before: str, after: str) -> list[TextLine]:
    """The lines of `after`, marked by what `before` has instead."""
    old, new = before.splitlines(), after.splitlines()
    if old == new or len(old) + len(new) > MOST_COMPARED:
        return [TextLine(text, "", number) for number, text in enumerate(new, 1)]
    found: list[TextLine] = []
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "delete":
            found += [TextLine(text, "gone") for text in old[a:b] if text.strip()]
            continue
        kinds: Sequence[Kind] = [""] * (d - c) if what == "equal" else _kinds(b - a if what == "replace" else 0, d - c)
        found += [TextLine(new[c + i], kind, c + i + 1) for i, kind in enumerate(kinds)]
    return found


def _kinds(replaced: int, count: int) -> list[Kind]:
    return ["changed" if number < replaced else "new" for number in range(count)]
