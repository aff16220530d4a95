"""The batch of a step as the trainer makes it: a line a sequence, in training order, scaled to the width of the pane.

A cell shows what prevails among the tokens it stands for; a trained token is never lost among others: where it prevails
nowhere, the cell says that a few are trained. Actions of the widget: `change_back` and `change` go to the row before or
behind within a packed sequence.
"""

from __future__ import annotations

from textual import events

from engine.service import protocol as p
from engine.token_facts import DocumentFact, LineFact
from tui import words
from tui.cells import FEW, borders_of, cells_of, trained_within
from tui.flow import flowed
from tui.keys import bindings
from tui.rows import Row
from tui.text import cell_len, pad, plain, wrap
from tui.widgets.painted import apart, row_width
from tui.widgets.scroller import Picker

_FINGERPRINT = 12
_LEAST_MAP = 12


def ending(text: str, width: int) -> str:
    """The end of a text, where the number of the row is, in at most `width` cells."""
    line = plain(text[-4 * max(1, width) :])
    if cell_len(line) <= width and len(text) <= 4 * width:
        return line
    while line and cell_len(line) >= width:
        line = line[1:]
    return f"…{line}" if width > 0 else ""


class BatchMap(Picker):
    """The grid. Posts `Chosen` with the number of the row under the cursor."""

    BINDINGS = bindings("form")

    class Chosen(Picker.Chosen):
        """A row was chosen; `row` is its number in the draft."""

        def __init__(self, picker: BatchMap) -> None:
            super().__init__(picker)
            document = picker.document
            self.row = document.row if document else 0

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.found: p.BatchFound | None = None
        self.journaled: str | None = ""
        self.waiting, self.problem = "", ""
        self.changed = False
        self.at = 0
        """Which document of the sequence under the cursor."""
        self._label, self._more = 0, 0
        """Cells of the label of a sequence, and those of them that say how many rows follow its first."""
        self._one_source = False
        self._span = (0, 0)
        """First cell of the sequences, and one past the last."""
        self._head: list[Row] = []
        self._foot: list[Row] = []

    def show(
        self,
        batch: p.BatchFound | None,
        journaled: str | None = "",
        waiting: str = "",
        problem: str = "",
        changed: bool = False,
    ) -> None:
        """Show a batch. `journaled`: the fingerprint that the journal has for the step, "" where it was not trained yet,
        None where nothing is to be said of a journal. `changed`: the draft has changes, so that another one is no wonder.

        `waiting` and `problem` are sentences to show instead of a batch.
        """
        other = batch is None or self.found is None or (batch.draft, batch.step) != (self.found.draft, self.found.step)
        if other:
            self.cursor = self.top = self.at = 0
        self.found, self.journaled, self.waiting, self.problem = batch, journaled, waiting, problem
        self.changed = changed
        lines = batch.lines if batch is not None else []
        self._one_source = len({row.origin.rpartition(":")[0] for line in lines for row in line.documents}) == 1
        self.repaint()

    @property
    def current(self) -> LineFact | None:
        """The sequence under the cursor."""
        lines = self.found.lines if self.found else []
        return lines[self.cursor] if self.cursor < len(lines) else None

    @property
    def document(self) -> DocumentFact | None:
        """The row under the cursor."""
        documents = self.current.documents if self.current else []
        return documents[min(self.at, len(documents) - 1)] if documents else None

    def title(self) -> Row:
        """Which batch."""
        batch = self.found
        if batch is None:
            return [("batch", "title")]
        return [("batch ", "title"), (words.count(batch.step), "title"), (f" of {words.count(batch.steps)}", "muted")]

    def badge(self) -> Row:
        """How far into the data it is."""
        return [("epoch ", "muted"), (f"{self.found.epoch:.3g}", "muted")] if self.found else []

    def count(self, width: int) -> int:
        """A line a sequence."""
        return len(self.found.lines) if self.found else 0

    def heading(self, width: int) -> list[Row]:
        """Fingerprint and figures."""
        return self._head

    def _figures(self, batch: p.BatchFound, width: int) -> list[Row]:
        waste = f"{100 * (1 - batch.tokens / batch.cells):.1f} %" if batch.cells else "-"
        parts: list[Row] = [
            self._proof(batch),
            [(words.count(batch.tokens), "text"), (" tokens", "muted")],
            [(words.count(batch.supervised), "train"), (" trained", "muted")],
            [("waste ", "muted"), (waste, "text")],
        ]
        rows = flowed(parts, width, self.glyphs)
        if len(rows) > 1:  # what it is can be told by its look
            rows = flowed([parts[0][1:], *parts[1:]], width, self.glyphs)
        return rows

    def _proof(self, batch: p.BatchFound) -> Row:
        """The fingerprint, and whether the journal has the same."""
        row: Row = [("fingerprint ", "muted"), (plain(batch.fingerprint, _FINGERPRINT), "text")]
        if self.journaled is None:
            return row
        if not self.journaled:
            return [*row, (" not trained yet", "muted")]
        if self.journaled == batch.fingerprint:
            return [*row, (f" {self.glyphs.yes} as journaled", "good")]
        if self.changed:
            return [*row, (f" {self.glyphs.no} differs: your changes are in it", "warn")]
        return [*row, (f" {self.glyphs.no} differs: journal {plain(self.journaled, _FINGERPRINT)}", "bad")]

    def paint(self, width: int, height: int) -> list[Row]:
        """Figures, grid, what is under the cursor, legend."""
        batch = self.found
        if batch is None or not batch.lines:
            return self.empty(width)
        legend, head = self._legend(batch), self._figures(batch, width)
        beside = len(head) == 1 and row_width(head[0]) + row_width(legend) + 3 <= width
        if beside:
            head = [apart(head[0], legend, width)]
        self._head = head if height > len(head) + 2 else []
        self.header_rows = len(self._head)
        room = height - self.header_rows
        self._foot = ([self._about(width)] if room > 3 else []) + ([legend] if room > 2 and not beside else [])
        self._label = self._label_width(batch, width)
        rows = super().paint(width, max(1, height - len(self._foot)))
        if self.luthier.no_color or self.luthier.current_theme.ansi:
            here = self.header_rows + self.cursor - self.top
            rows[here] = self._upright(rows[here])
        return [*rows, *([[]] * (height - len(rows) - len(self._foot))), *self._foot]

    def _upright(self, row: Row) -> Row:
        """The row under the cursor with its cells as they are: reversed, what is full would be empty."""
        upright: Row = []
        at = 0
        for text, ink in row:
            inside = self._span[0] <= at < self._span[1]
            kept = " ".join(name for name in ink.split() if name not in ("selected", "resting"))
            upright.append((text, kept if inside else ink))
            at += cell_len(text)
        return upright

    def empty(self, width: int) -> list[Row]:
        """Why there is none."""
        if self.problem:
            return [[(line, "bad")] for line in wrap(self.problem, width)]
        if self.found is not None:
            return [[("The batch holds no sequence.", "muted")]]
        return [[(line, "muted")] for line in wrap(self.waiting or "No batch is chosen.", width)]

    def _label_width(self, batch: p.BatchFound, width: int) -> int:
        if width < 2 * _LEAST_MAP + 8:
            return 0
        near = [line for line in batch.lines[max(0, self.cursor - 200) : self.cursor + 200] if line.documents]
        self._more = max((len(_more(line)) for line in near), default=0)
        longest = max((cell_len(self._label_of(line, 60)) for line in near), default=0)
        return min(longest + self._more, width // 4)

    def _label_of(self, line: LineFact, room: int) -> str:
        """What a sequence is called by its first row: its number, with the source where there are several."""
        if not line.documents:
            return ""
        first = line.documents[0]
        return words.count(first.row) if self._one_source else ending(first.origin, room)

    def line(self, index: int, width: int) -> Row:
        """Micro-batch, origin, the sequence, its tokens."""
        batch = self.found
        assert batch is not None
        line = batch.lines[index]
        row: Row = [(self._bracket(index, len(batch.lines), batch.micro_batch_size) + " ", "faint")]
        if self._label:
            room = max(1, self._label - self._more)
            name = pad(self._label_of(line, room), room, right=self._one_source)
            row += [(name, "muted"), (pad(_more(line), self._more) + " ", "faint")]
        number = max(5, len(words.count(batch.width)))
        tokens = sum(count for kind, count in line.cells if kind in "tm")
        last: Row = [(pad(words.count(tokens), number + 1, right=True), "muted")] if width >= 2 * _LEAST_MAP else []
        start, room = row_width(row), max(0, width - row_width(row) - row_width(last))
        self._span = (start, start + room)
        return [*row, *self._painted(line, batch.width, room, index == self.cursor), *last]

    def _bracket(self, index: int, lines: int, size: int) -> str:
        """Which lines are computed together."""
        top_left, _, bottom_left, _ = tuple(self.glyphs.corners)
        at, last = index % max(1, size), min(lines - index // max(1, size) * max(1, size), max(1, size)) - 1
        if last == 0:
            return self.glyphs.horizontal
        return top_left if at == 0 else bottom_left if at == last else self.glyphs.vertical

    def _painted(self, line: LineFact, tokens: int, columns: int, here: bool) -> Row:
        glyphs = self.glyphs
        look = {
            "t": (glyphs.cell_trained, "train"),
            FEW: (glyphs.cell_few, "train"),
            "m": (glyphs.cell_prompt, "faint"),
            ".": (glyphs.cell_padding, "faint"),
        }
        kinds = cells_of(line.cells, tokens, columns)
        borders = borders_of(line.documents, kinds, tokens)
        if here and len(line.documents) > 1 and self.at == 0:
            borders = {0: 0, **borders}
        row: Row = []
        for column, kind in enumerate(kinds):
            piece = look.get(kind, (" ", ""))
            if (document := borders.get(column)) is not None:
                piece = (glyphs.here, "title") if here and document == self.at else (glyphs.border, "title")
            if row and row[-1][1] == piece[1]:
                row[-1] = (row[-1][0] + piece[0], piece[1])
            else:
                row.append(piece)
        return row

    def _legend(self, batch: p.BatchFound) -> Row:
        glyphs = self.glyphs
        row: Row = [(glyphs.cell_trained, "train"), (" trained  ", "muted"), (glyphs.cell_few, "train")]
        row += [(" a few  ", "muted"), (glyphs.cell_prompt, "faint"), (" prompt  ", "muted")]
        row += [(glyphs.cell_padding, "faint"), (" padding", "muted")]
        if any(len(line.documents) > 1 for line in batch.lines):
            row += [("  ", ""), (glyphs.border, "title"), (" next row", "muted")]
        return row

    def _about(self, width: int) -> Row:
        """What is said of the row under the cursor."""
        line, document = self.current, self.document
        if line is None or document is None:
            return []
        row: Row = []
        if len(line.documents) > 1:
            row += [(f"{self.glyphs.left} ", "accent"), (f"{self.at + 1} of {len(line.documents)}", "text")]
            row += [(f" {self.glyphs.here} ", "accent")]
        tokens, trained = document.end - document.start, trained_within(line, document.start, document.end)
        row += [("row ", "muted"), (words.count(document.row), "title"), (f"  {words.count(tokens)} tokens", "muted")]
        row.append(
            (f"  {words.count(trained)} trained" if trained else "  nothing trained", "train" if trained else "bad")
        )
        room = width - row_width(row) - 2
        return [*row, (f"  {ending(document.origin, room)}", "faint")] if room > 6 else row

    # Moving

    def select(self, index: int) -> None:
        """Put the cursor on a sequence; its first row is meant."""
        if index != self.cursor:
            self.at = 0
        super().select(index)

    def _turn(self, by: int) -> None:
        documents = self.current.documents if self.current else []
        if documents:
            self.at = min(max(0, self.at + by), len(documents) - 1)
            self.repaint()

    def action_change(self) -> None:
        """The next row of the sequence."""
        self._turn(1)

    def action_change_back(self) -> None:
        """The row before it."""
        self._turn(-1)

    def choose(self) -> None:
        """Choose the row under the cursor."""
        if self.document is not None:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        """A click below the grid is no click on a sequence."""
        if event.y <= self.inner[1] - len(self._foot):
            super().on_click(event)


def _more(line: LineFact) -> str:
    """How many rows follow the first in a sequence."""
    return f" +{len(line.documents) - 1}" if len(line.documents) > 1 else ""
