"""The row that is looked at, by two tokenizers, one below the other."""

from __future__ import annotations

from tui import words
from tui.rows import Row
from tui.widgets.tokenizer_panes import SplitPane


class RowSplits(SplitPane):
    """The splits of a row."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__()
        if id is not None:
            self.id = id
        self.number = 0

    def title(self) -> Row:
        """Which row."""
        return [("row ", "title"), (words.count(self.number), "title")] if self.number else [("row", "title")]
