"""What became of each key of a foreign configuration: mapped, done anyway, or not mapped and why. None is left out."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from engine.config.foreign.report import Fate, Imported
from engine.config.use import shown
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import cell_len, plain, safe, wrap
from tui.widgets.painted import row_width
from tui.widgets.scroller import Scroller

_TITLES: tuple[tuple[Fate, str], ...] = (
    ("unmapped", "not mapped: the run file cannot say it"),
    ("mapped", "mapped"),
    ("same", "done so anyway"),
)
_INKS: dict[Fate, str] = {"unmapped": "warn", "mapped": "text", "same": "muted"}


class ReportList(Scroller):
    """The keys, those first that are not mapped."""

    framed = False

    def __init__(self, found: Imported) -> None:
        super().__init__(id="report-list")
        self.found = found
        self._made: tuple[int, list[Row]] = (0, [])

    def rows_at(self, width: int) -> list[Row]:
        """The lines at a width."""
        if self._made[0] != width:
            self._made = (width, self._rows_of(width))
        return self._made[1]

    def _rows_of(self, width: int) -> list[Row]:
        rows: list[Row] = []
        for note in self.found.notes:
            lines = wrap(note, max(12, width - 2))
            rows += [
                [(f"{self.glyphs.warn} " if i == 0 else "  ", "warn"), (line, "text")] for i, line in enumerate(lines)
            ]
        for fate, title in _TITLES:
            entries = self.found.fated(fate)
            if not entries:
                continue
            rows += [[], [(f"{title} ({len(entries)})", "title")]]
            for entry in entries:
                says = "; ".join(filter(None, [", ".join(entry.to), entry.said]))
                name, ink = plain(entry.key, max(8, width // 2)), _INKS[fate]
                head: Row = [("  ", ""), (name, ink), (f" = {plain(shown(entry.value), max(8, width // 3))}", "muted")]
                mark: Row = [(f"  {self.glyphs.arrow} " if fate == "mapped" else "  ", "faint")]
                if row_width(head) + 4 + cell_len(plain(says)) <= width:
                    rows.append([*head, *(mark if says else []), (plain(says), "muted")])
                    continue
                rows.append(head)
                lines = wrap(says, max(12, width - 8))
                rows += [
                    [("    ", ""), *(mark if i == 0 else [("    ", "")]), (line, "muted")]
                    for i, line in enumerate(lines)
                ]
        return rows[1:] if rows and not rows[0] else rows

    def count(self, width: int) -> int:
        """Lines."""
        return len(self.rows_at(width - 1))

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self.rows_at(width)[index]


class ImportReport(Dialog[bool]):
    """Answers whether to open the result as a draft."""

    CSS_PATH = "configure.tcss"
    BINDINGS = bindings("dialog", "complete")
    AUTO_FOCUS = "#report-list"

    def __init__(self, found: Imported) -> None:
        super().__init__()
        self.found = found

    def compose(self) -> ComposeResult:
        """The list."""
        found = self.found
        counts = ", ".join(f"{len(found.fated(fate))} {name}" for fate, name in _COUNTED)
        with Vertical(id="report-box", classes="-box") as box:
            box.border_title = safe(f"{plain(found.source, 40)} ({found.tool}): {counts}")
            box.border_subtitle = "enter open as a draft   esc close"
            yield ReportList(found)

    def on_mount(self) -> None:
        """As high as its lines."""
        width = min(112, int(self.app.size.width * 0.94)) - 7
        self.fit_box("#report-box", "#report-list", len(self.query_one(ReportList).rows_at(width)), 4)

    def action_accept(self) -> None:
        """Open it."""
        self.dismiss(True)


_COUNTED: tuple[tuple[Fate, str], ...] = (("mapped", "mapped"), ("same", "done anyway"), ("unmapped", "not mapped"))
