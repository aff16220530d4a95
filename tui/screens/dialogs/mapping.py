"""Correcting how a source is read: its format, which column has which role, its split, what a row of a text is.

What can be tried without reading the file anew is tried while one chooses, so that the row under the cursor shows the
outcome behind the dialog; esc takes it back.
"""

from __future__ import annotations

import copy
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from engine.facts import SourceFacts
from tui.data import choices as known
from tui.data.model import Section, Source
from tui.keys import bindings
from tui.link.service import ServiceError
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import wrap
from tui.widgets.choice_list import Choice, ChoiceList
from tui.widgets.painted import Painted
from tui.working import begin

ANEW = ("preset", "split", "text_unit")
"""Keys that decide which rows there are: the source is opened anew for them."""
_ROLE = "role:"
_AS_USUAL = "as usual"


def choices_of(section: Section, facts: SourceFacts) -> list[Choice]:
    """The lines of the form, as things stand."""
    found = {option.name: f"{option.confidence}: {option.reason}" for option in facts.formats}
    names = ["auto", *found, *(name for name in known.formats() if name != "auto" and name not in found)]
    now = f"reads it as {facts.format}" if facts.format else "finds no format that fits"
    lines = [Choice("format", "format", names, notes={"auto": now, **found}, shown={"auto": "by its columns"})]
    columns = [column.name for column in facts.columns]
    used = {column.role: column.name for column in facts.columns if column.role}
    chosen: dict[str, Any] = section.get("columns") or {}
    for role in facts.roles:
        name = role.rstrip("?")
        usual = used.get(name, "none")
        label = {"": _AS_USUAL if name in chosen else f"{_AS_USUAL} ({usual})"}
        lines.append(
            Choice(_ROLE + name, f"{name}{' (optional)' if role != name else ''}", ["", *columns], shown=label)
        )
        lines[-1].set(str(chosen.get(name, "")))
    if facts.speakers:
        lines.append(Choice("assistant", "assistant", ["", *facts.speakers], shown={"": "not chosen"}))
    if facts.kind.startswith("text"):
        lines.append(Choice("text_unit", "a row is a", list(known.text_units())))
    if len(facts.splits) > 1:
        lines.append(Choice("split", "split", facts.splits))
    skip = {"": "a run refuses the source", "skip": "a run leaves them out"}
    lines.append(Choice("bad_lines", "unusable rows", ["", "skip"], shown=skip))
    lines.append(Choice("preset", "preset", ["", *known.presets()], shown={"": "none"}))
    for line in lines:
        if not line.id.startswith(_ROLE):
            line.set(str(section.get(line.id, "")))
    return lines


def section_with(section: Section, lines: list[Choice]) -> Section:
    """The table that the form says."""
    changed = copy.deepcopy(section)
    columns: dict[str, str] = {}
    for line in lines:
        if line.id.startswith(_ROLE):
            columns |= {line.id.removeprefix(_ROLE): line.value} if line.value else {}
        elif line.value and line.value != "auto":
            changed[line.id] = line.value
        else:
            changed.pop(line.id, None)
    changed.pop("columns", None)
    if columns:
        changed["columns"] = columns
    return changed


class MappingWords(Painted):
    """Below the form: what the source is read as now, or why it is not."""

    error = ""
    facts: SourceFacts | None = None

    def paint(self, width: int, height: int) -> list[Row]:
        """Wrapped."""
        if self.error:
            return [[(line, "bad")] for line in wrap(self.error, width, height)]
        facts = self.facts
        if facts is None:
            return []
        if facts.problem:
            rows: list[Row] = [[(line, "warn")] for line in wrap(facts.problem, width, height)]
        else:
            text = f"{facts.format.replace('_', ' ')}, {facts.confidence}: {facts.reason}"
            rows = [[(line, "text")] for line in wrap(text, width)]
        for note in facts.notes:
            rows += [[(line, "muted")] for line in wrap(f"{self.glyphs.dot} {note}", width)]
        return rows[:height]


class Mapping(Dialog[Section]):
    """Answers with the table of a source that has to be opened anew; what needs less has been done by then."""

    BINDINGS = bindings("dialog", "complete")
    AUTO_FOCUS = "#choices"

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source
        self.before = copy.deepcopy(source.section)
        self.section = copy.deepcopy(source.section)

    def compose(self) -> ComposeResult:
        """Name, form, words."""
        with Vertical(id="mapping-box") as box:
            box.border_title = "how it is read"
            box.border_subtitle = "left right change   enter keep   esc take back"
            yield ChoiceList(id="choices")
            yield MappingWords(id="mapping-words")

    def on_mount(self) -> None:
        """What holds now."""
        self._fill()

    def _fill(self) -> None:
        facts = self.source.facts
        words = self.query_one(MappingWords)
        if facts is not None:
            lines = choices_of(self.section, facts)
            self.query_one(ChoiceList).fill(lines)
            self.query_one("#choices").styles.height = min(len(lines), max(4, self.app.size.height - 14))
        words.facts = facts
        self._fit()

    def _fit(self) -> None:
        words, lines = self.query_one(MappingWords), self.query_one(ChoiceList).choices
        width = min(96, int(self.app.size.width * 0.94)) - 6
        form = min(len(lines), max(4, self.app.size.height - 14))
        self.fit_box("#mapping-box", "#mapping-words", len(words.paint(width, 99)), form + 5)
        words.repaint()

    @on(ChoiceList.Changed)
    def _changed(self, event: ChoiceList.Changed) -> None:
        lines = self.query_one(ChoiceList).choices
        if event.choice.id == "format":  # the columns of another format are others
            lines = [line for line in lines if not line.id.startswith(_ROLE)]
        self.section = section_with(self.section, lines)
        if event.choice.id in ANEW:
            self._say(f"{event.choice.label}: the source is opened anew with enter.", error=False)
        else:
            begin(self, self._try, "try")

    def _to_try(self) -> Section:
        """The form's table, save for what needs the file to be opened anew."""
        wanted = {key: value for key, value in self.section.items() if key not in ANEW}
        return wanted | {key: self.before[key] for key in ANEW if key in self.before}

    async def _try(self) -> None:
        wanted = self._to_try()
        try:
            await self.luthier.desk.interpret(self.source, wanted)
        except ServiceError as error:
            self._say(str(error))
            return
        if wanted == self._to_try():  # else a newer one follows
            self._say("")
            self._fill()

    def _say(self, text: str, error: bool = True) -> None:
        words = self.query_one(MappingWords)
        words.error = text if error else ""
        if text and not error:
            self.luthier.tell(text)
        self._fit()

    def action_accept(self) -> None:
        """Keep it; open anew where that is needed."""
        if any(self.section.get(key) != self.before.get(key) for key in ANEW):
            self.dismiss(self.section)
            return
        if self.source.section != self._to_try():  # what was tried last has not been answered yet
            self.luthier.desk.read_as(self.source, self._to_try())
        self.dismiss(None)

    def action_cancel(self) -> None:
        """As it was."""
        if self.source.section != self.before:
            self.luthier.desk.read_as(self.source, self.before)
        self.dismiss(None)
