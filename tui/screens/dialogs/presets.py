"""Ready-made settings: what each is for, where it comes from, and what it would change in this draft."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from engine.config.differences import Difference
from engine.config.presets import PRESETS, Preset, differences_to
from tui.configure.form_state import FormState
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import plain, wrap
from tui.widgets.difference_list import DifferenceList
from tui.widgets.painted import Painted, apart, row_width
from tui.widgets.scroller import Picker


class PresetList(Picker):
    """The presets by name, with how much each would change."""

    framed = False

    def __init__(self, counts: dict[str, int]) -> None:
        super().__init__(id="preset-list")
        self.presets = list(PRESETS.values())
        self.counts = counts

    @property
    def current(self) -> Preset:
        """The one under the cursor."""
        return self.presets[self.cursor]

    def count(self, width: int) -> int:
        """The presets."""
        return len(self.presets)

    def line(self, index: int, width: int) -> Row:
        """Name, and the number of changes."""
        preset = self.presets[index]
        count = self.counts[preset.name]
        right: Row = [
            (f"{count} change{'s' if count > 1 else ''} ", "accent") if count else (f"{self.glyphs.yes} ", "good")
        ]
        return apart([(" ", ""), (plain(preset.title, width - 3 - row_width(right)), "text")], right, width)


class PresetWords(Painted):
    """What a preset is for."""

    preset: Preset | None = None

    def paint(self, width: int, height: int) -> list[Row]:
        """Its words and its source."""
        if self.preset is None:
            return []
        rows: list[Row] = [[(line, "text")] for line in wrap(self.preset.about, width, max(1, height - 2))]
        rows += [[(line, "faint")] for line in wrap(self.preset.source, width, 2)] if self.preset.source else []
        return rows[:height]


class Presets(Dialog[str]):
    """Answers with the name of the preset to apply."""

    CSS_PATH = "configure.tcss"
    BINDINGS = bindings("dialog", "complete")
    AUTO_FOCUS = "#preset-list"

    def __init__(self, form: FormState) -> None:
        super().__init__()
        self.form = form
        self.differences: dict[str, list[Difference]] = {
            name: differences_to(form.checked.table, preset) for name, preset in PRESETS.items()
        }

    def compose(self) -> ComposeResult:
        """Names; words; changes."""
        with Vertical(id="presets-box", classes="-box") as box:
            box.border_title = "presets"
            box.border_subtitle = "enter apply (u takes it back)   esc close"
            with Horizontal():
                yield PresetList({name: len(found) for name, found in self.differences.items()})
                with Vertical(id="preset-right"):
                    yield PresetWords(id="preset-words")
                    yield DifferenceList(id="preset-changes", names=("now", "then"))

    def on_mount(self) -> None:
        """The first one."""
        changes = self.query_one(DifferenceList)
        changes.nothing = "This draft says all of it already."
        changes.can_focus = False
        self._show()

    @on(Picker.Moved, "#preset-list")
    def _show(self) -> None:
        preset = self.query_one(PresetList).current
        words, changes = self.query_one(PresetWords), self.query_one(DifferenceList)
        words.preset = preset
        words.repaint()
        changes.cursor = -1
        changes.top = 0
        changes.fill(self.differences[preset.name], self.form.fields)

    @on(Picker.Chosen, "#preset-list")
    def action_accept(self) -> None:
        """Apply it."""
        self.dismiss(self.query_one(PresetList).current.name)
