"""What all dialogs share: a framed box in the middle, closed by esc.

Invariant: a dialog answers once, and closes nothing but itself and what lies above it. Keys that were typed ahead reach it after
its answer, too, and what it started may end while help lies above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

from tui.keys import bindings

if TYPE_CHECKING:
    from tui.app import LuthierApp

Result = TypeVar("Result")


class Dialog(ModalScreen[Result], Generic[Result]):
    """A box over the screen; `None` is the answer of one who closes it."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS = bindings("dialog", "accept", "complete")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]

    @property
    def luthier(self) -> LuthierApp:
        """The app, with its type."""
        return cast("LuthierApp", self.app)

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Answer and close. What lies above closes first, unanswered; a second answer is none."""
        app = self.luthier
        if self not in app.screen_stack:
            return AwaitComplete()
        while (above := app.screen) is not self:
            app.close_screen(above)
        return super().dismiss(result)

    def fit_box(self, box: str, pane: str, rows: int, others: int) -> None:
        """Make a pane as high as its rows, and the box around it, where the screen has the room.

        `others` are the rows of all else in the box, its frame and padding with it.
        """
        height = max(3, min(rows, self.app.size.height - others - 2))
        for name, wanted in ((pane, height), (box, height + others)):
            styles = self.query_one(name).styles
            if styles.height is None or styles.height.value != wanted:
                styles.height = wanted

    def action_help(self) -> None:
        """What this is, and all keys."""
        self.luthier.show_help()

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
