"""A field for paths: what is pasted from several lines stays on one, each path in quotes where it needs them."""

from __future__ import annotations

import shlex

from tui.widgets.line_input import MOST_PASTED, LineInput

__all__ = ["MOST_PASTED", "PathInput", "one_line_of"]


def one_line_of(pasted: str) -> str:
    """Pasted text as one line: paths of several lines side by side."""
    lines = [line.strip() for line in pasted.splitlines() if line.strip()]
    if len(lines) < 2:
        return lines[0] if lines else ""
    quoted = ("'", '"')
    return " ".join(line if line.startswith(quoted) or " " not in line else shlex.quote(line) for line in lines)


class PathInput(LineInput):
    """The field."""

    kind = "path"

    def joined(self, pasted: str) -> str:
        """Every line is a path."""
        return one_line_of(pasted)
