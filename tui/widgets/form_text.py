"""The run file as it would be written: what is changed is marked, and the line of the focused field is lifted."""

from __future__ import annotations

import re

from engine.config.explain import key_path, locate
from tui.configure.form_state import FormState
from tui.configure.text_lines import TextLine, lines_of
from tui.rows import Row
from tui.text import plain
from tui.widgets.painted import fit, marked
from tui.widgets.scroller import Scroller

_MARKS = {"new": ("+", "good"), "changed": ("~", "accent"), "gone": ("-", "bad"), "": (" ", "")}
_HEADER = re.compile(r"^\s*\[")
_KEY = re.compile(r"^(\s*[A-Za-z0-9_.\"'-]+\s*=)(.*)$", re.DOTALL)


class FormText(Scroller):
    """The pane."""

    about = (
        "The run file as it would be written: changes are marked, and the line of the field under the cursor is lifted."
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.form: FormState | None = None
        self.key = ""
        self.lines: list[TextLine] = []
        self.at = 0
        """The number of the line that is lifted, from 1; 0 for none."""
        self._made: tuple[object, ...] = ()

    def show(self, form: FormState | None, key: str) -> None:
        """Show the text of a form, with the line of a key."""
        made = (form, form.version if form else 0)
        if made != self._made:
            self._made = made
            self.lines = lines_of(form.base.text, form.checked.text) if form else []
        self.form = form
        at = self._line_of(form, key) if form is not None else 0
        if (at, key) != (self.at, self.key):
            self.at, self.key = at, key
            self._follow()
        self.repaint()

    def _line_of(self, form: FormState, key: str) -> int:
        return (locate(form.checked.text, key_path(key)) or 0) if key else 0

    def _follow(self) -> None:
        """Bring the lifted line into view, with some lines around it."""
        place = next((i for i, line in enumerate(self.lines) if line.number == self.at), None) if self.at else None
        height = self.inner[1]
        if place is not None and height > 0 and not self.top + 1 <= place < self.top + height - 1:
            self.top = max(0, place - height // 3)

    def title(self) -> Row:
        """Which file it is."""
        if self.form is None:
            return []
        path = self.form.path
        return [(plain(path.name if path is not None else "the run file", 30), "title")]

    def badge(self) -> Row:
        """What differs from the file."""
        counts = {kind: sum(line.kind == kind for line in self.lines) for kind in ("new", "changed", "gone")}
        row: Row = []
        for kind, count in counts.items():
            mark, ink = _MARKS[kind]
            row += [(" " if row else "", ""), (f"{mark}{count}", ink)] if count else []
        return row

    def count(self, width: int) -> int:
        """The lines."""
        return len(self.lines)

    def line(self, index: int, width: int) -> Row:
        """Number, mark, text."""
        line = self.lines[index]
        mark, ink = _MARKS[line.kind]
        digits = max(2, len(str(self.lines[-1].number or len(self.lines))))
        row: Row = [(str(line.number or "").rjust(digits), "faint"), (f" {mark} ", ink)]
        room = max(4, width - digits - 3)
        text = line.text.replace("\t", "    ")
        if line.kind == "gone":
            return [*row, (plain(text, room), "faint strike")]
        wrong = any(problem.line == line.number for problem in self.form.checked.problems) if self.form else False
        if wrong:
            row[1] = (f" {self.glyphs.no} ", "bad")
        row += self._inked(text, room, "bad" if wrong else "")
        return marked(fit(row, width), "selected" if line.number == self.at else "") if line.number == self.at else row

    def _inked(self, text: str, room: int, ink: str) -> Row:
        if ink:
            return [(plain(text, room), ink)]
        if text.lstrip().startswith("#"):
            return [(plain(text, room), "faint")]
        if _HEADER.match(text):
            return [(plain(text, room), "accent")]
        found = _KEY.match(text)
        if found is None:
            return [(plain(text, room), "text")]
        name = plain(found[1], room)
        return [(name, "muted"), (plain(found[2], max(0, room - len(name))), "text")]
