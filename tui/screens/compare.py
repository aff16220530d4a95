"""Compare: several runs on one chart, and what is different about them."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from tui.keys import bindings
from tui.screens.frame import Frame


class Compare(Frame):
    """Several runs."""

    where = "compare"
    here = "compare"
    BINDINGS = bindings("compare")
    AUTO_FOCUS = ""

    def __init__(self, names: Sequence[str] = ()) -> None:
        super().__init__()
        self.names = list(names)

    def body(self) -> ComposeResult:
        """Nothing yet."""
        yield from ()
