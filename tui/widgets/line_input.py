"""A field of one line: what is pasted from several lines becomes one, and a joiner that is typed alone is kept.

Invariant: pasting never submits. Textual takes the first line of a paste and drops the rest; a field that loses half of what
one gave it, in silence, is worse than one with blanks in it.
"""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from tui import words

MOST_PASTED = 32_768
"""Characters. A field slows down with what it holds."""


class LineInput(Input):
    """The field."""

    kind = "line"
    """What the field holds, for what is said of a paste that is too long."""

    def joined(self, pasted: str) -> str:
        """Pasted text as one line."""
        return " ".join(line.strip() for line in pasted.splitlines() if line.strip())

    def _on_paste(self, event: events.Paste) -> None:
        """Take every line, and run nothing."""
        event.stop()
        event.prevent_default()
        if len(event.text) > MOST_PASTED:
            text = f"What was pasted has {words.count(len(event.text))} characters; that is no {self.kind}."
            self.app.notify(text, severity="error", markup=False)
        elif text := self.joined(event.text):
            self.replace(text, *self.selection)

    def _on_key(self, event: events.Key) -> None:  # type: ignore[override] # Textual calls each class's own
        """A zero-width joiner counts as not printable, yet emoji and several scripts are typed with it."""
        if event.character in ("\u200d", "\u200c"):
            event.stop()
            event.prevent_default()
            self.replace(event.character, *self.selection)
