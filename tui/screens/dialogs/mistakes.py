"""All that is wrong in a run file, and all that is unusual; enter leads to the field."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from tui.configure.form_state import FormState
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import plain, safe, wrap
from tui.widgets.scroller import Picker

Told = tuple[str, str, bool]
"""Key, what is told, and whether it is a mistake."""


class ToldList(Picker):
    """Mistakes first, then what is unusual; long ones take several rows, of which the first holds the cursor."""

    framed = False

    def __init__(self, told: list[Told]) -> None:
        super().__init__(id="told-list")
        self.told = told
        self._made: tuple[int, list[tuple[int, str, bool]]] = (0, [])

    def told_rows(self, width: int) -> list[tuple[int, str, bool]]:
        """Number of what is told, text, whether it is its first row."""
        if self._made[0] != width:
            rows = []
            for number, (key, text, _) in enumerate(self.told):
                said = text if f"`{key}`" in text or not key else f"`{key}`: {text}"
                rows += [(number, line, i == 0) for i, line in enumerate(wrap(said, max(12, width - 4)))]
            self._made = (width, rows)
        return self._made[1]

    def count(self, width: int) -> int:
        """Rows at this width."""
        return len(self.told_rows(width - 1))

    def selectable(self, index: int) -> bool:
        """The first row of each."""
        return self.told_rows(self.inner[0] - 1)[index][2]

    def line(self, index: int, width: int) -> Row:
        """Mark and text."""
        number, text, first = self.told_rows(width)[index]
        wrong = self.told[number][2]
        mark, ink = (self.glyphs.no, "bad") if wrong else (self.glyphs.warn, "warn")
        return [(f"{mark if first else ' '} ", ink), (text, "text")]

    @property
    def key(self) -> str:
        """The key that is told of under the cursor."""
        return self.told[self.told_rows(self.inner[0] - 1)[self.cursor][0]][0]


class Mistakes(Dialog[str]):
    """Answers with the key to go to."""

    CSS_PATH = "configure.tcss"
    BINDINGS = bindings("dialog", "complete")
    AUTO_FOCUS = "#told-list"

    def __init__(self, form: FormState) -> None:
        super().__init__()
        self.told: list[Told] = [(key, text, True) for key, text in form.mistakes()]
        self.told += [(key, text, False) for key, text in form.remarks()]
        self.heading = plain(form.draft.origin.title, 40)

    def compose(self) -> ComposeResult:
        """The list."""
        wrong = sum(item[2] for item in self.told)
        with Vertical(id="told-box", classes="-box") as box:
            box.border_title = safe(f"{wrong} mistake{'s' if wrong != 1 else ''}, {len(self.told) - wrong} unusual")
            box.border_subtitle = "enter go to the field   esc close"
            yield ToldList(self.told)

    def on_mount(self) -> None:
        """As high as its rows."""
        width = min(96, int(self.app.size.width * 0.94)) - 6
        self.fit_box("#told-box", "#told-list", len(self.query_one(ToldList).told_rows(width - 1)), 4)

    @on(Picker.Chosen)
    def action_accept(self) -> None:
        """To the field."""
        self.dismiss(self.query_one(ToldList).key)
