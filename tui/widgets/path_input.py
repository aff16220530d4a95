"""A field for paths: what is pasted from several lines stays on one, each path in quotes where it needs them."""

from __future__ import annotations

import shlex

from textual import events
from textual.widgets import Input

from tui import words

MOST_PASTED = 32_768
"""Characters: some hundreds of paths. A field slows down with what it holds."""


def one_line_of(pasted: str) -> str:
    """Pasted text as one line: paths of several lines side by side."""
    lines = [line.strip() for line in pasted.splitlines() if line.strip()]
    if len(lines) < 2:
        return lines[0] if lines else ""
    quoted = ("'", '"')
    return " ".join(line if line.startswith(quoted) or " " not in line else shlex.quote(line) for line in lines)


class PathInput(Input):
    """The field."""

    def _on_paste(self, event: events.Paste) -> None:
        """Take every line, and run nothing."""
        event.stop()
        event.prevent_default()
        if len(event.text) > MOST_PASTED:
            text = f"What was pasted has {words.count(len(event.text))} characters; that is no path."
            self.app.notify(text, severity="error", markup=False)
        elif text := one_line_of(event.text):
            self.replace(text, *self.selection)
