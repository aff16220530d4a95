"""Long texts of a run: its log and its samples."""

from __future__ import annotations

from engine.runs.view import RunView
from tui import words
from tui.rows import Row
from tui.text import plain, wrap
from tui.widgets.scroller import Scroller

_WITH_CLOCK = 44
"""Width from which a log that is not wrapped has room for the time of day."""
_LOW = 4
"""Rows up to which a pane of samples shows each prompt on one line, so that the answer is seen."""


class LogTail(Scroller):
    """The log of a run; it follows the newest line until one scrolls up. `wrapped` shows long lines whole."""

    follow = True

    def __init__(self, *, id: str | None = None, wrapped: bool = False) -> None:  # noqa: A002
        super().__init__(id=id)
        self.wrapped = wrapped
        self.view: RunView | None = None
        self._lines: list[Row] = []
        self._made_for: tuple[int, int] = (-1, -1)

    def show(self, view: RunView) -> None:
        """Tell a run's log."""
        self.view = view
        self.repaint()

    def title(self) -> Row:
        """A name."""
        return [("log", "title")]

    def badge(self) -> Row:
        """How many warnings."""
        warnings = len({(warning.message, warning.hint) for warning in self.view.warnings}) if self.view else 0
        if not warnings:
            return []
        return [(f"{warnings} warning{'s' if warnings > 1 else ''}", "warn")]

    def count(self, width: int) -> int:
        """Lines at this width."""
        version = self.view.version if self.view else -1
        if self._made_for != (version, width):
            self._made_for = (version, width)
            self._lines = self._make(width - 1) if self.view else []
        return len(self._lines)

    def _make(self, width: int) -> list[Row]:
        assert self.view is not None
        rows: list[Row] = []
        warned: set[str] = set()
        margin = 10 if self.wrapped or width >= _WITH_CLOCK else 0
        for t, message in self.view.log:
            warning = message.startswith("warning: ")
            if warning and message in warned:  # a resumed worker finds again what the first one found
                continue
            warned |= {message} if warning else set()
            texts = wrap(message, width - margin) if self.wrapped else [plain(message, width - margin)]
            for i, text in enumerate(texts):
                clock = f"{words.clock(t)}  " if i == 0 else " " * 10
                rows.append([(clock[:margin], "faint"), (text, "warn" if warning else "text")])
        return rows

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._lines[index]

    def empty(self, width: int) -> list[Row]:
        """Nothing was said yet."""
        return [[("Nothing yet.", "faint")]]


class Samples(Scroller):
    """What the model wrote during training, newest first."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.view: RunView | None = None
        self._lines: list[Row] = []
        self._made_for: tuple[int, int, bool] = (-1, -1, False)

    def show(self, view: RunView) -> None:
        """Tell a run's samples."""
        self.view = view
        self.repaint()

    def title(self) -> Row:
        """A name."""
        return [("samples", "title")]

    def badge(self) -> Row:
        """How many."""
        return [(words.count(len(self.view.samples)), "muted")] if self.view and self.view.samples else []

    def count(self, width: int) -> int:
        """Lines at this width."""
        version = self.view.version if self.view else -1
        low = self.inner[1] <= _LOW
        if self._made_for != (version, width, low):
            self._made_for = (version, width, low)
            self._lines = self._make(width - 1, low) if self.view else []
        return len(self._lines)

    def _make(self, width: int, low: bool) -> list[Row]:
        assert self.view is not None
        rows: list[Row] = []
        step = None
        for sample in reversed(self.view.samples):
            if low:
                number = f"{words.count(sample.step)}  "
                rows.append([(number, "faint"), (plain(sample.prompt.strip(), width - len(number)), "muted")])
            elif sample.step != step:
                step = sample.step
                rows.append([("step ", "faint"), (words.count(step), "muted")])
            rows += [] if low else [[("  ", ""), (line, "muted")] for line in wrap(sample.prompt.strip(), width - 2, 3)]
            rows += [
                [(f"{self.glyphs.here} " if i == 0 else "  ", "train"), (line, "text")]
                for i, line in enumerate(wrap(sample.text.strip() or "(nothing)", width - 2, 8))
            ]
        return rows

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._lines[index]

    def empty(self, width: int) -> list[Row]:
        """There are none, and why."""
        return [
            [("None yet: they come with each evaluation", "faint")],
            [("where the run file names prompts.", "faint")],
        ]
