"""The fields of a section as rows: mark, name, value, and what is to be said of it. A search goes through all sections."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from engine.config.form import Field, Group
from tui.configure.form_state import FormState
from tui.find import Finder, matcher
from tui.rows import Row
from tui.text import cell_len, pad, plain
from tui.widgets.field_above import NEWLINE
from tui.widgets.painted import row_width
from tui.widgets.scroller import Picker

LEAST_VALUE = 12
_MOST_NAME = 22
_EMPTY = ('""', "[]", "{}")
"""How a run file says that there is nothing: a person is told so in words."""


def turnable(field: Field) -> bool:
    """Whether left and right lead to another value."""
    return field.kind in ("bool", "choice", "int", "float") or bool(field.advice.steps)


@dataclass(frozen=True)
class Line:
    """A heading, or a field."""

    heading: str = ""
    field: Field | None = None


class FieldRows(Picker):
    """The rows. Posts `Sought` where a search leads."""

    class Sought(Message):
        """A search leads to a field, perhaps of another section."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    edited = ""
    """Key of the field that is typed into."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.form: FormState | None = None
        self.group: Group | None = None
        self.lines: list[Line] = []
        self._all: list[str] = []

    # What is shown

    def show(self, form: FormState | None, group: Group | None) -> None:
        """Show a section; the cursor stays on the field of the same name."""
        here = self.current.key if self.current else ""
        other = group is None or self.group is None or group.key != self.group.key
        self.form, self.group = form, group
        self._all = list(form.fields) if form is not None else []
        fields = group.fields if group is not None else []
        usual = [Line(field=field) for field in fields if not field.advice.advanced]
        rest = [Line(field=field) for field in fields if field.advice.advanced]
        self.lines = [*usual, *([Line("advanced"), *rest] if usual and rest else rest)]
        keys = [line.field.key if line.field else "" for line in self.lines]
        if other:
            self.top = 0
        self.cursor = keys.index(here) if here and here in keys else next((i for i, key in enumerate(keys) if key), 0)
        self.repaint()

    @property
    def current(self) -> Field | None:
        """The field under the cursor."""
        return self.lines[self.cursor].field if 0 <= self.cursor < len(self.lines) else None

    def go(self, key: str) -> None:
        """The cursor on a field of this section."""
        for index, line in enumerate(self.lines):
            if line.field is not None and line.field.key == key:
                self.select(index)

    @property
    def about(self) -> str:
        """What help says of the pane: what the field under the cursor does."""
        field = self.current
        return f"{field.key}: {field.help}" if field is not None else "The settings of a section."

    def title(self) -> Row:
        """The section's name."""
        return [(plain(self.group.title, 30), "title")] if self.group is not None else []

    def badge(self) -> Row:
        """What is looked for, or what the section is."""
        if self.found_words:
            return [(plain(self.found_words, 30), "accent")]
        if self.form is None or self.group is None:
            return []
        wrong, remarks, changed = self.form.marks(self.group)
        row: Row = []
        for count, mark, ink in (
            (wrong, self.glyphs.no, "bad"),
            (remarks, self.glyphs.warn, "warn"),
            (changed, self.glyphs.mark, "accent"),
        ):
            row += [(" " if row else "", ""), (f"{mark} {count}", ink)] if count else []
        return row

    def count(self, width: int) -> int:
        """Headings and fields."""
        return len(self.lines)

    def selectable(self, index: int) -> bool:
        """The cursor passes over headings."""
        return self.lines[index].field is not None

    @property
    def name_width(self) -> int:
        """Cells of the names, so that the values stand below each other."""
        longest = max((cell_len(line.field.name) for line in self.lines if line.field), default=0)
        return min(_MOST_NAME if self.inner[0] >= 44 else 16, longest)

    def line(self, index: int, width: int) -> Row:
        """Mark, name, value, note."""
        item = self.lines[index]
        if item.field is None or self.form is None:
            return [("  ", ""), (item.heading, "faint")]
        field, form = item.field, self.form
        here = index == self.cursor
        wrong, remarks = form.said(field.key)
        origin = form.origin(field.key)
        mark, ink = (
            (self.glyphs.no, "bad")
            if wrong
            else (self.glyphs.warn, "warn")
            if remarks
            else (self.glyphs.mark, "accent")
            if origin == "changed"
            else (" ", "")
        )
        row: Row = [
            (f"{mark} ", ink),
            (pad(plain(field.name, self.name_width), self.name_width), "text" if here else "muted"),
        ]
        arrows = here and turnable(field) and not self.edited
        row += [(f" {self.glyphs.left} " if arrows else "   ", "key")]
        room = max(LEAST_VALUE, width - row_width(row) - 2)
        note, note_ink = self._note(field, wrong, remarks)
        value, value_ink = self.value_of(field, room, bool(wrong))
        row += [(value, value_ink), (f" {self.glyphs.here}" if arrows else "  ", "key")]
        room = width - row_width(row) - 2
        return [*row, ("  ", ""), (plain(note, room), note_ink)] if note and room >= 8 else row

    def value_of(self, field: Field, room: int, wrong: bool) -> tuple[str, str]:
        """A value on one line, and its ink."""
        form = self.form
        assert form is not None
        text, origin = form.text(field.key), form.origin(field.key)
        if field.kind == "bool" and text in ("true", "false"):
            text = "[x] yes" if text == "true" else "[ ] no"
        ink = "bad" if wrong else {"default": "muted", "changed": "title"}.get(origin, "text")
        if not text and origin != "wrong":
            return "not set", "bad" if wrong else "faint"
        if origin != "wrong":
            text = form.said_of(field, form.value(field.key)) if text in _EMPTY else text
        return plain(text.replace("\n", NEWLINE) or '""', room), ink

    def _note(self, field: Field, wrong: list[str], remarks: list[str]) -> tuple[str, str]:
        """What is wrong, or unusual; what it was; what it would be by default."""
        form = self.form
        assert form is not None
        key = field.key
        prefix = f"`{key}` "
        if wrong:
            return wrong[0].removeprefix(prefix).removeprefix(f"`{key}`: "), "bad"
        if remarks:
            return remarks[0], "warn"
        origin = form.origin(key)
        if origin == "changed":
            before = form.of_file(key)
            was = f"was {form.said_of(field, before)}" if before is not None else "was not in the file"
            return was if key in form.draft.changes and form.draft.changes[
                key
            ] is not None else f"taken out, {was}", "accent"
        default = form.shown(field, field.default)
        if origin == "file" and default and default not in _EMPTY and default != form.text(key):
            return f"default {default}", "faint"
        return "", ""

    # Finding: in all sections, by name and by what the help says

    def rows_to_find(self) -> int:
        """All fields of the form."""
        return len(self._all)

    def text_of(self, index: int) -> str:
        """Key, label and help of a field."""
        assert self.form is not None
        field = self.form.fields[self._all[index]]
        return f"{field.key} {field.label} {field.help}"

    def look_for(self, wanted: str, regex: bool, start: int) -> None:
        """Look for something else; a field of that name comes before one whose help has the word."""
        self.finder = finder = self.finder or Finder()
        total = self.rows_to_find()
        finder.look(wanted, regex, total, self.text_of)
        if total:
            best = min(finder.rows, key=lambda row: (self._fit(row), (row - start) % total), default=start)
            self.show_row(best)

    def _fit(self, index: int) -> int:
        """How well the name of a field that was found fits; 0 is best."""
        assert self.form is not None
        assert self.finder is not None
        field, wanted = self.form.fields[self._all[index]], self.finder.wanted.strip()
        lower = wanted.lower()
        if lower in (field.name.lower(), field.key.lower()):
            return 0
        if field.name.lower().startswith(lower):
            return 1
        holds = matcher(wanted, self.finder.regex)
        return 2 if holds(field.key) else 3 if holds(field.label) else 4

    def row_here(self) -> int:
        """The number of the field under the cursor in the whole form."""
        key = self.current.key if self.current else ""
        return self._all.index(key) if key in self._all else 0

    def show_row(self, index: int) -> None:
        """Lead to a field."""
        self.post_message(self.Sought(self._all[index]))
        self._say_found()
