"""Configure: the run file as a form, the memory plan beside it."""

from __future__ import annotations

from textual.app import ComposeResult

from tui.keys import bindings
from tui.screens.frame import Frame


class Configure(Frame):
    """The run file."""

    where = "configure"
    here = "configure"
    BINDINGS = bindings("configure")
    AUTO_FOCUS = ""

    def body(self) -> ComposeResult:
        """Nothing yet."""
        yield from ()
