"""What is to be known of the focused field: what is wrong with it, what it does, usual values, too low, too high, where from."""

from __future__ import annotations

from engine.config.form import Field, Group
from tui.configure.form_state import FormState
from tui.configure.places import at
from tui.rows import Row
from tui.text import cell_len, plain, wrap
from tui.widgets.painted import Painted, apart, row_width
from tui.widgets.scroller import Scroller

_LABEL = 10
Trial = tuple[list[str], list[str]]
"""What is wrong, and what is unusual."""


def help_rows(form: FormState, field: Field, width: int, trial: Trial | None, glyphs: tuple[str, str]) -> list[Row]:
    """The lines about a field. `trial`: what is to be said of what is being typed; None while nothing is.

    `glyphs` stand before what is wrong, and before what is unusual.
    """
    wrong, remarks = trial if trial is not None else form.said(field.key)
    rows: list[Row] = []
    for texts, mark, ink in ((wrong, glyphs[0], "bad"), (remarks, glyphs[1], "warn")):
        for text in texts:
            lines = wrap(text, max(12, width - 2))
            rows += [[(f"{mark} " if number == 0 else "  ", ink), (line, ink)] for number, line in enumerate(lines)]
    rows += [[(line, "text")] for line in wrap(field.help, width)] if field.help else []
    advice = field.advice
    choices = ", ".join("true" if c is True else "false" if c is False else str(c) for c in field.choices)
    default = "it has none and must be given" if field.required else form.said_of(field, field.default) or "not set"
    for label, text in (
        ("usual", advice.usual),
        ("too low", advice.low) if field.kind in ("int", "float") else ("off", advice.low),
        ("too high", advice.high) if field.kind in ("int", "float") else ("on", advice.high),
        ("one of", choices),
        ("allowed", field.bounds),
        ("default", default),
        ("source", advice.source),
    ):
        if text:
            rows += _fact(label, text, width)
    return rows


def section_rows(form: FormState, group: Group, width: int, glyphs: tuple[str, str]) -> list[Row]:
    """The lines about a section: what it is for, and what is wrong or unusual in it."""
    rows: list[Row] = [[(line, "text")] for line in wrap(group.help, width)] if group.help else []
    for told, mark, ink in ((form.mistakes(), glyphs[0], "bad"), (form.remarks(), glyphs[1], "warn")):
        for key, text in told:
            if form.is_in(group, key):
                lines = wrap(text, max(12, width - 2))
                rows += [[(f"{mark} " if number == 0 else "  ", ink), (line, ink)] for number, line in enumerate(lines)]
    return rows


def _fact(label: str, text: str, width: int) -> list[Row]:
    lines = wrap(text, max(12, width - _LABEL))
    return [
        [((label if number == 0 else "").ljust(_LABEL), "muted"), (line, "text")] for number, line in enumerate(lines)
    ]


class FormHelp(Scroller):
    """The pane."""

    about = "The field under the cursor: what it does, usual values, what too little and too much do, and where that comes from."

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.form: FormState | None = None
        self.field: Field | None = None
        self.group: Group | None = None
        self.trial: Trial | None = None
        self._made: tuple[object, ...] = ()
        self._lines: list[Row] = []

    def show(
        self, form: FormState | None, field: Field | None, trial: Trial | None = None, group: Group | None = None
    ) -> None:
        """Show what is known of a field; of a section where there is no field."""
        if (field and field.key, group and group.key) != (self.field and self.field.key, self.group and self.group.key):
            self.top = 0
        self.form, self.field, self.trial, self.group = form, field, trial, group
        self.repaint()

    def title(self) -> Row:
        """The key as the run file has it."""
        if self.field is None:
            return [(plain(self.group.title, 40), "title")] if self.group is not None else []
        return [(plain(self.field.key, 40), "title")]

    def badge(self) -> Row:
        """Its unit."""
        return (
            [(plain(self.field.advice.unit, 20), "muted")] if self.field is not None and self.field.advice.unit else []
        )

    def count(self, width: int) -> int:
        """Lines at this width."""
        form, field, group = self.form, self.field, self.group
        trial = None if self.trial is None else tuple(map(tuple, self.trial))
        key = (form, form.version if form else 0, field and field.key, group and group.key, trial, width)
        if self._made != key:
            self._made = key
            marks = (self.glyphs.no, self.glyphs.warn)
            if form is not None and field is not None:
                self._lines = help_rows(form, field, width - 1, self.trial, marks)
            else:
                self._lines = (
                    section_rows(form, group, width - 1, marks) if form is not None and group is not None else []
                )
        return len(self._lines)

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._lines[index]


class FormHead(Painted):
    """The lines above the form: which draft, what is not written of it, how many mistakes; each count with its key."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.form: FormState | None = None

    def show(self, form: FormState | None) -> None:
        """Show a form."""
        self.form = form
        self.repaint()

    def paint(self, width: int, height: int) -> list[Row]:
        """One line."""
        form = self.form
        if form is None:
            return []
        room = width - 2
        left: Row = [(plain(form.draft.origin.title, 40), "title")]
        right = self._counts(form, short=False)
        if row_width(left) + 2 + row_width(right) > room:
            right = self._counts(form, short=True)
        for text, ink in self._facts(form):
            piece: Row = [("  ", ""), (text, ink)]
            if row_width(left) + row_width(piece) + row_width(right) + 2 <= room:
                left += piece
        return [[(" ", ""), *apart(left, right, room)]][:height]

    def _facts(self, form: FormState) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        if form.draft.origin.run:
            found.append(("a run's record: w writes a new file", "muted"))
        elif form.path is None:
            found.append(("in no file yet", "muted"))
        names = [_last(at(form.checked.table, "model.path"))]
        sources = at(form.checked.table, "data")
        if isinstance(sources, list) and sources:
            first = at(form.checked.table, "data[0].path") or at(form.checked.table, "data[0].preset")
            names.append(_last(first) + (f" +{len(sources) - 1}" if len(sources) > 1 else ""))
        found += [(name, "text") for name in names]
        return [(text, ink) for text, ink in found if cell_len(text)]

    def _counts(self, form: FormState, short: bool) -> Row:
        """Mistakes, unusual values and changes, with the keys that lead to them."""
        if form.broken is not None:
            return [(f"{self.glyphs.no} cannot be filled in", "bad")]
        count, wrong, remarks = len(form.draft.changes), len(form.mistakes()), len(form.remarks())
        in_file = " not written" if form.path is not None else ""
        row: Row = []
        for number, mark, word, ink in (
            (wrong, self.glyphs.no, f" mistake{'s' if wrong > 1 else ''}", "bad"),
            (remarks, self.glyphs.warn, " unusual", "warn"),
        ):
            row += [("  " if row else "", ""), (f"{mark} {number}{'' if short else word}", ink)] if number else []
        if row:
            row += [("  m", "key"), ("" if short else " list", "muted")]
        if count:
            said = "" if short else f" change{'s' if count > 1 else ''}{in_file}"
            row += [("   " if row else "", ""), (f"{self.glyphs.mark} {count}{said}", "accent")]
            row += [("  w", "key"), (" write", "muted"), ("  u", "key"), (" undo", "muted")]
        elif not row and form.path is not None:
            row += [(f"{self.glyphs.yes} as in the file", "faint")]
        return row


def _last(path: object) -> str:
    """The last part of a path."""
    return plain(path.rstrip("/").rsplit("/", 1)[-1], 28) if isinstance(path, str) else ""
