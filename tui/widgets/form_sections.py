"""The sections of a run file, each with marks: mistakes, unusual values, changes that are not written."""

from __future__ import annotations

from tui.configure.form_state import FormState
from tui.rows import Row
from tui.text import plain
from tui.widgets.painted import apart
from tui.widgets.scroller import Picker


class FormSections(Picker):
    """The list."""

    about = "The sections of the run file. Marks say where something is wrong, unusual, or changed and not written."

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.form: FormState | None = None

    def show(self, form: FormState | None, section: int) -> None:
        """Show the sections of a form, one of them as the present one."""
        self.form, self.cursor = form, section
        self.repaint()

    def title(self) -> Row:
        """A name."""
        return [("sections", "title")]

    def count(self, width: int) -> int:
        """The sections."""
        return len(self.form.groups) if self.form is not None else 0

    def line(self, index: int, width: int) -> Row:
        """Name and marks."""
        form = self.form
        assert form is not None
        group = form.groups[index]
        wrong, remarks, changed = form.marks(group)
        right: Row = []
        for count, mark, ink in (
            (wrong, self.glyphs.no, "bad"),
            (remarks, self.glyphs.warn, "warn"),
            (changed, self.glyphs.mark, "accent"),
        ):
            right += [(mark, ink)] if count else []
        return apart(
            [(plain(group.title, max(4, width - len(right) - 1)), "text" if index == self.cursor else "muted")],
            right,
            width,
        )
