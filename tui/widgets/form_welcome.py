"""What Configure shows where there is no form: nothing is open yet, or the file that is open is no run file at all."""

from __future__ import annotations

from engine.config.check import Problem
from tui.configure.form_state import FormState
from tui.data.places import short
from tui.rows import Row
from tui.text import plain, wrap
from tui.widgets.draft_list import DraftList
from tui.widgets.scroller import Scroller

_ABOUT = (
    "A run file holds everything that decides what a run does. Here it is a form: each setting with what it does and what is "
    "usual, the memory plan beside it, and the file as it would be written."
)
_AROUND = 4
"""Lines that are shown before and behind the one that is wrong."""


class FormWelcome(DraftList):
    """What can be opened."""

    def _above(self, width: int) -> list[Row]:
        room = min(76, max(20, width - 4))
        rows: list[Row] = [[("  Configure a run.", "title")]]
        rows += [[("  ", ""), (line, "muted")] for line in wrap(_ABOUT, room)]
        rows.append([])
        for keys, text in (
            ("o", "opens a run file, typed or pasted"),
            ("n", "makes a new one: a model, and data"),
            ("i", "takes over a file of Axolotl, LLaMA-Factory or TRL"),
            ("enter", "opens what is chosen below"),
        ):
            rows.append([("  ", ""), (keys.ljust(7), "key"), (plain(text, max(8, width - 9)), "muted")])
        return [*rows, []]

    def empty(self, width: int) -> list[Row]:
        """There is nothing here."""
        text = "There is no run file here and no run yet."
        return [*self._above(width), *([("  ", ""), (line, "muted")] for line in wrap(text, min(76, width - 4)))]


class FormBroken(Scroller):
    """Why the file cannot be filled in, with the lines around the mistake, and what to do."""

    framed = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.form: FormState | None = None

    def show(self, form: FormState | None) -> None:
        """Show why a form is none."""
        self.form = form
        self.repaint()

    def count(self, width: int) -> int:
        """Lines at this width."""
        return len(self._rows_of(width - 1))

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._rows_of(width)[index]

    def _rows_of(self, width: int) -> list[Row]:
        form = self.form
        if form is None or form.broken is None:
            return []
        problem = form.broken
        name = plain(form.draft.origin.title, 60)
        there = bool(form.base.text)
        head = "is no run file as it stands." if there else "cannot be read."
        rows: list[Row] = [[(f"  {self.glyphs.no} ", "bad"), (f"{name} {head}", "title")], []]
        rows += [[("  ", ""), (line, "text")] for line in wrap(problem.message, max(20, min(96, width - 4)), 12)]
        rows += [[], *self._lines(problem, form.base.text, width)] if there else []
        rows += [[], [("  ", ""), (plain(short(str(form.path)), max(8, width - 4)), "muted")], []]
        if count := len(form.draft.changes):
            said = f"{count} unwritten change{'s' if count > 1 else ''} of the form will be laid over it again."
            rows += [[("  ", ""), (said, "muted")], []]
        keys = [("e", "opens it in $EDITOR")] if there else []
        for key, text in (*keys, ("r", "reads it again"), ("o", "opens another"), ("C", "forgets it")):
            rows.append([("  ", ""), (key, "key"), (f"  {text}", "muted")])
        return rows

    def _lines(self, problem: Problem, text: str, width: int) -> list[Row]:
        """The lines around the mistake."""
        if problem.line is None:
            return []
        lines = text.splitlines()
        first, last = max(1, problem.line - _AROUND), min(len(lines), problem.line + _AROUND)
        rows: list[Row] = []
        for number in range(first, last + 1):
            here = number == problem.line
            mark = self.glyphs.here if here else " "
            shown = plain(lines[number - 1].replace("\t", "    "), max(8, width - 12))
            rows.append([(f"  {mark} {number:>4} ", "bad" if here else "faint"), (shown, "text" if here else "muted")])
        return rows
