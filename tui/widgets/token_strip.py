"""The tokens of a row: as splits, with ids and labels below, or as a table. A cursor stands on one of them.

No meaning is in a colour alone: what is trained is underlined, control tokens lie on a ground, what is cut is struck through and
stands behind a line that says so, a bar at the left edge goes along lines that are trained, and a mark beside it shows the line
with the cursor. Where there is a cell between tokens, the cursor is in brackets, too.
"""

from __future__ import annotations

from textual import events
from textual.message import Message

from engine.service.protocol import Tokens
from engine.token_facts import TokenFact
from tui import words
from tui.rows import Row
from tui.text import cell_len, clip, wrap
from tui.tokens.inks import BYTE_INKS, CONTROL_INKS, MARK_INKS
from tui.tokens.layout import VIEWS, Cell, Layout, Line, View, laid
from tui.tokens.pieces import Written, digits
from tui.widgets import token_table as table
from tui.widgets.painted import row_width
from tui.widgets.scroller import Scroller

_LEGEND_LEAST = 8
"""Lines of a pane from which on the marks are explained in it."""
_BAR = 2
"""Cells of the bar at the left edge, with its blank."""


class TokenStrip(Scroller):
    """The pane of tokens. Posts `Moved` when the cursor goes to another token."""

    class Moved(Message):
        """The cursor is on another token; `token` is its position in the row. `last`: the end of the row was wanted."""

        def __init__(self, token: int, last: bool = False) -> None:
            super().__init__()
            self.token, self.last = token, last

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.row: Tokens | None = None
        self.cursor = 0
        self.view: View = "splits"
        self.max_length = 0
        self.problem = ""
        """Shown instead of tokens."""
        self._layout = Layout("splits")
        self._made_for: tuple[object, ...] = ()
        self._sizes = table.Sizes()
        self._flat = False
        """Whether a cell lies between tokens."""
        self._goal: int | None = None
        """The column that one moves along, up and down."""

    # What is shown

    def show(self, row: Tokens | None, cursor: int, max_length: int, problem: str = "") -> None:
        """Show a row, or a window of it, with the cursor on a token; `problem`: why there is none."""
        if row is not None and (self.row is None or (row.draft, row.row) != (self.row.draft, self.row.row)):
            self.top = 0
        self.row, self.cursor, self.max_length, self.problem = row, cursor, max_length, problem
        self._goal = None
        self.repaint()

    @property
    def token(self) -> TokenFact | None:
        """The token under the cursor."""
        row = self.row
        index = self.cursor - row.start if row else -1
        return row.tokens[index] if row and 0 <= index < len(row.tokens) else None

    @property
    def piece(self) -> Written | None:
        """How the token under the cursor is written."""
        index = self.cursor - self._layout.start
        pieces = self._layout.pieces
        return pieces[index] if self.token is not None and 0 <= index < len(pieces) else None

    @property
    def group(self) -> tuple[str, int, int] | None:
        """What the token under the cursor spells together with others: the characters, which of them it is, how many they are."""
        pieces, index = self._layout.pieces, self.cursor - self._layout.start
        if self.piece is None or not pieces[index].member:
            return None
        first = index
        while first and not pieces[first].group:
            first -= 1
        return pieces[first].lead, index - first + 1, pieces[first].group

    def title(self) -> Row:
        """What is shown, and which part of a long row."""
        names = {"splits": "tokens", "ids": "tokens with ids and labels", "table": "tokens, one a line"}
        row: Row = [(names[self.view], "title")]
        shown = self.row
        if shown is not None and len(shown.tokens) < shown.total:
            last = shown.start + len(shown.tokens)
            row.append((f"  {words.count(shown.start + 1)} to {words.count(last)}", "muted"))
        return row

    def badge(self) -> Row:
        """Where the cursor is."""
        if self.row is None or not self.row.total:
            return []
        at = min(self.cursor, self.row.total - 1) + 1
        return [(words.count(at), "text"), (f" of {words.count(self.row.total)}", "muted")]

    def turn_view(self) -> None:
        """The next way to show them."""
        self.view = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        self.repaint()

    # Painting

    def _lay(self, width: int) -> Layout:
        room = max(4, width - _BAR - 2)
        flat = self.luthier.no_color or self.luthier.current_theme.ansi or self.glyphs.ascii_only
        key = (self.row, self.view, room, self.max_length, flat)
        if self._made_for[:1] != key[:1] or self._made_for != key:
            self._made_for = key
            row = self.row
            self._flat = bool(flat) or self.view == "ids"
            self._layout = (
                laid(row, self.view, room, self.max_length, self.glyphs.ascii_only, bool(flat))
                if row is not None
                else Layout(self.view)
            )
            self._sizes = table.sizes(row, self._layout.pieces) if row is not None else table.Sizes()
        return self._layout

    def count(self, width: int) -> int:
        """Lines at this width."""
        return len(self._lay(width).lines)

    def paint(self, width: int, height: int) -> list[Row]:
        """The lines around the cursor; above them the names of a table's columns, below them what the marks mean."""
        layout = self._lay(width)
        if self.problem or self.row is None or not layout.lines:
            return self.empty(width)
        legend = [self._legend(width)] if height >= _LEGEND_LEAST else []
        head = [[(" " * _BAR, ""), *table.heading(width - _BAR - 1, self._sizes)]] if self.view == "table" else []
        room = max(1, height - len(legend) - len(head))
        self._keep_in_view(layout, room)
        rows = super().paint(width, room)
        return [*head, *rows, *([[]] * (room - len(rows))), *legend]

    def _keep_in_view(self, layout: Layout, room: int) -> None:
        """Scroll so that the token under the cursor is seen, with a line of what is around it."""
        row = layout.row_of(self.cursor)
        below = row + (2 if self.view == "ids" else 0) + 1
        above = row - (1 if row and layout.lines[row - 1].rule else 0)
        if below > self.top + room - 1:
            self.top = below - room + 1
        if above < self.top + 1:
            self.top = max(0, above - 1)
        self.top = max(0, min(self.top, len(layout.lines) - room))
        while self.top < len(layout.lines) and layout.lines[self.top].part and self.top < row:
            self.top += 1  # pieces, ids and labels begin together

    def empty(self, width: int) -> list[Row]:
        """Why there are none."""
        row = self.row
        if self.problem:
            return [[(line, "bad")] for line in wrap(self.problem, width)]
        if row is None:
            return [[("Reading the row…", "muted")]]
        if row.state != "ok" and row.problem:
            lines = wrap(row.problem, max(8, width - 2))
            return [[(f"{self.glyphs.no} " if i == 0 else "  ", "bad"), (line, "text")] for i, line in enumerate(lines)]
        return [[("The row has no token.", "muted")]]

    def line(self, index: int, width: int) -> Row:
        """One line: the bar, then cells or a rule."""
        layout = self._layout
        line = layout.lines[index]
        if line.rule:
            return self._rule(line.rule, width)
        here = not line.part and any(cell.token == self.cursor for cell in line.cells)
        boxed = here and self._flat and self.view != "table"
        row: Row = [self._bar(line), (self.glyphs.here if here else " ", "strong")]
        if boxed and line.cells[0].token == self.cursor:
            row[1] = ("[", "strong")
        if self.view == "table":
            cell = line.cells[0]
            assert self.row is not None
            return [*row, *table.line(self.row, cell, self._cursor_ink if here else "", width - _BAR, self._sizes)]
        at = 0
        for cell in line.cells:
            if cell.x > at:
                edge = "[" if cell.token == self.cursor else "]" if cell.token == self.cursor + 1 else ""
                between = (edge, "strong") if boxed and edge else (self._between(line, cell.x - at), "faint")
                row.append(between)
            row += self._cell(cell, line)
            at = cell.x + cell.width
        if boxed and line.cells[-1].token == self.cursor:
            row.append(("]", "strong"))
        return row

    @property
    def _cursor_ink(self) -> str:
        return "here" if self.has_focus else "title resting"

    def _between(self, line: Line, size: int) -> str:
        flat = self.view == "splits" and not line.part
        return self.glyphs.vertical.center(size) if flat else " " * size

    def _bar(self, line: Line) -> tuple[str, str]:
        marks = {self._fact(cell.token).mark for cell in line.cells if self._fact(cell.token) is not None}
        if "trained" in marks:
            return self.glyphs.trained, "train"
        return " ", ""

    def _fact(self, token: int) -> TokenFact:
        assert self.row is not None
        return self.row.tokens[token - self.row.start]

    def _cell(self, cell: Cell, line: Line) -> Row:
        fact = self._fact(cell.token)
        index = cell.token - self._layout.start
        piece = self._layout.pieces[index]
        ground = "odd" if cell.token % 2 else "even"
        here = cell.token == self.cursor
        ink = MARK_INKS[fact.mark]
        row: Row = []
        if cell.lead:
            row.append((cell.lead, f"{ink} {self._cursor_ink if self._in_group(index) else ground}"))
        text = clip(cell.text, max(1, cell.width - cell_len(cell.lead)))
        fill = " " * max(0, cell.width - cell_len(cell.lead) - cell_len(text))
        if line.part:
            faint = {0: "", 1: "faint", 2: "train" if fact.mark == "trained" else "faint"}[line.part]
            return [(text + fill, self._cursor_ink if here else f"{faint} {ground}")]
        if here:
            row.append((text, self._cursor_ink))
        elif piece.kind in ("special", "added"):
            row.append((text, CONTROL_INKS[fact.mark]))
        else:
            row.append((text, f"{BYTE_INKS[fact.mark] if piece.kind == 'bytes' else ink} {ground}"))
        return [*row, (fill, self._cursor_ink if here else ground)] if fill else row

    def _in_group(self, first: int) -> bool:
        """Whether the cursor is on a token of the group that begins at an index of the window."""
        size = max(1, self._layout.pieces[first].group)
        return first <= self.cursor - self._layout.start < first + size

    def _rule(self, text: str, width: int) -> Row:
        line = self.glyphs.horizontal
        shown = f" {text} "
        left = 2
        return [(line * left, "bad"), (shown, "bad"), (line * max(0, width - left - cell_len(shown)), "bad")]

    # The legend

    def _legend(self, width: int) -> Row:
        row = self.row
        assert row is not None
        blank = ("_", "\\n", "\\t") if self.glyphs.ascii_only else ("·", "⏎", "⇥")
        parts: list[Row] = [
            [("trained", "train under")],
            [("not trained", "muted")],
            *([[("cut", "faint strike")]] if row.cut else []),
            [("control", CONTROL_INKS["masked"])],
            [("[", "strong"), ("cursor", self._cursor_ink), ("]", "strong")]
            if self._flat and self.view != "table"
            else [("cursor", self._cursor_ink)],
            *([(char, "text"), (f" {name}", "muted")] for char, name in zip(blank, ("blank", "line", "tab"), strict=True)),
            [(digits("f0"), "muted"), (" byte of a character", "muted")],
        ]  # fmt: skip
        out: Row = []
        for part in parts:
            if row_width(out) + row_width(part) + (2 if out else 0) > width:
                break
            out += ([("  ", "")] if out else []) + part
        return out

    # Moving

    def _go(self, token: int, keep_goal: bool = False) -> None:
        row = self.row
        if row is None or not row.total:
            return
        token = min(max(0, token), row.total - 1)
        goal = self._goal
        if token != self.cursor:
            self.cursor = token
            self.post_message(self.Moved(token))
        self._goal = goal if keep_goal else None
        self.repaint()

    def move(self, by: int) -> None:
        """Some tokens on, or back."""
        self._go(self.cursor + by)

    def step(self, rows: int) -> None:
        """Some lines down, or up; at the edge of what is here one token, so that more of it comes."""
        layout = self._lay(self.inner[0])
        if self._goal is None:
            self._goal = layout.x_of(self.cursor)
        target = layout.beside(self.cursor, rows, self._goal)
        if target == self.cursor and self.row is not None:
            target = self.row.start + len(self.row.tokens) - 1 if rows > 0 else self.row.start
        self._go(target, keep_goal=True)

    def to_start(self) -> None:
        """To the first token of the row."""
        self._go(0)

    def to_end(self) -> None:
        """To the last token of the row."""
        if self.row is not None and self.row.total:
            if self.row.start + len(self.row.tokens) >= self.row.total:
                self._go(self.row.total - 1)
            else:
                self.post_message(self.Moved(self.row.total - 1, last=True))

    def move_to(self, top: int) -> None:
        """A list's way to scroll: here the cursor moves."""
        self.step(top - self.top)

    def action_list_page_down(self) -> None:
        """A page down."""
        self.step(self._page())

    def action_list_page_up(self) -> None:
        """A page up."""
        self.step(-self._page())

    def _page(self) -> int:
        lines = max(1, self.inner[1] - 2)
        return max(1, lines // 3) if self.view == "ids" else lines

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor on a token."""
        head = 1 if self.view == "table" else 0
        found = self._lay(self.inner[0]).token_at(event.y - 1 - head + self.top, event.x - 2 - _BAR)
        if found is not None:
            self._go(found)
