"""What differs between a draft and another run file, key by key; enter leads to the field, t takes the other's value."""

from __future__ import annotations

from typing import Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical

from engine.config.differences import Difference, differ
from tui.configure.form_state import FormState
from tui.keys import bindings
from tui.screens.dialogs.base import Dialog
from tui.text import plain, safe
from tui.widgets.difference_list import DifferenceList
from tui.widgets.scroller import Picker


class Differences(Dialog[str]):
    """Answers with the key to go to. What is taken is taken at once, and can be undone."""

    CSS_PATH = "configure.tcss"
    BINDINGS = bindings("dialog", "complete")
    AUTO_FOCUS = "#difference-list"

    def __init__(self, form: FormState, other: dict[str, Any], name: str, leave_out: tuple[str, ...] = ()) -> None:
        """`other`: the tables of the other one, which is called `name`; `leave_out`: keys that always differ."""
        super().__init__()
        self.form, self.other, self.name_of_other = form, other, name
        self.leave_out = leave_out
        self.taken = 0

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(id="differences-box", classes="-box") as box:
            box.border_title = safe(f"differences to {plain(self.name_of_other, 40)}")
            box.border_subtitle = "enter go to the field   t take the other's value   esc close"
            yield DifferenceList(id="difference-list", names=("this draft", plain(self.name_of_other, 40)))

    def on_mount(self) -> None:
        """What differs now."""
        self._fill()
        self.fit_box("#differences-box", "#difference-list", len(self._found()) + 2, 4)

    def _found(self) -> list[Difference]:
        return [item for item in differ(self.form.checked.table, self.other) if item.key not in self.leave_out]

    def _fill(self) -> None:
        self.query_one(DifferenceList).fill(self._found(), self.form.fields)

    def on_key(self, event: events.Key) -> None:
        """t takes the other's value."""
        if event.key != "t":
            return
        event.stop()
        item = self.query_one(DifferenceList).current
        if item is None or item.key not in self.form.fields:
            return
        self.form.put({item.key: item.after})
        self._fill()

    @on(Picker.Chosen)
    def action_accept(self) -> None:
        """To the field."""
        item = self.query_one(DifferenceList).current
        self.dismiss(item.key if item is not None else None)
