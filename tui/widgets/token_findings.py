"""What is wrong with the rows as tokens: each finding, and under the one with the cursor why it matters and its fixes.

The cursor stands on findings and on the fixes of the open one; moving to another finding opens that.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from textual.message import Message

from engine.token_facts import TokenFinding, TokenFix
from tui import words
from tui.rows import Row
from tui.text import cell_len, pad, plain, wrap
from tui.widgets.length_chart import share
from tui.widgets.painted import apart, row_width
from tui.widgets.scroller import Picker

_INK = {"error": "bad", "warning": "warn", "note": "muted"}
_ORDER = {"error": 0, "warning": 1, "note": 2}
_INDENT = "  "
_LONGEST_NAME = 40
"""Cells of a finding's name that counts and shares give way to."""


@dataclass(frozen=True)
class _Line:
    """A line of the list: a finding, a fix of it, or a text that is passed over."""

    finding: int
    fix: int = -1
    text: Row | None = None


def said(changes: dict[str, Any]) -> str:
    """Changes of a run file in a line: "tokens.max_length = 811"."""
    return ", ".join(
        f"{key} = {value_said(value)}" if value is not None else f"no {key}" for key, value in changes.items()
    )


def value_said(value: Any) -> str:
    """A value as a run file has it, near enough to be read."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


class TokenFindings(Picker):
    """The list. Posts `Chosen` with a finding's rule, or `Fix` with the changes of a fix."""

    class Chosen(Picker.Chosen):
        """A finding was chosen; `rule` is its name."""

        def __init__(self, picker: TokenFindings, rule: str) -> None:
            super().__init__(picker)
            self.rule = rule

    class Fix(Message):
        """A fix was chosen."""

        def __init__(self, picker: TokenFindings, rule: str, fix: TokenFix) -> None:
            super().__init__()
            self.picker, self.rule, self.fix = picker, rule, fix
            self.changes: dict[str, Any] = dict(fix.changes)

        @property
        def control(self) -> TokenFindings:
            """The list."""
            return self.picker

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.found: list[TokenFinding] = []
        self.rule = ""
        self.rows, self.complete, self.waiting = 0, True, ""
        self.open, self.open_fix = 0, -1
        """Which finding is open, and which of its fixes has the cursor; -1: the finding itself."""
        self._lines: list[_Line] = []
        self._made_for: tuple[object, ...] = ()

    def show(
        self,
        findings: list[TokenFinding],
        current_rule: str = "",
        *,
        rows: int = 0,
        complete: bool = True,
        waiting: str = "",
    ) -> None:
        """Show findings in `rows` rows, all of them where `complete`. `current_rule` is the one whose rows are walked through.

        The cursor stays on its finding; it goes to a `current_rule` that is another than before. `waiting` stands where nothing
        is known yet.
        """
        here = self.current
        by_weight = sorted(
            (finding for finding in findings if finding.rows), key=lambda found: (_ORDER[found.severity], -found.rows)
        )
        wanted = current_rule if current_rule and current_rule != self.rule else here.rule if here else current_rule
        self.found, self.rule = by_weight, current_rule
        self.rows, self.complete, self.waiting = rows, complete, waiting
        self.open = next((i for i, finding in enumerate(by_weight) if finding.rule == wanted), 0)
        now = self.current
        kept = here is not None and now is not None and now.rule == here.rule and self.open_fix < len(now.fixes)
        self.open_fix = self.open_fix if kept else -1
        self._made_for = ()
        self.repaint()

    @property
    def current(self) -> TokenFinding | None:
        """The open finding."""
        return self.found[self.open] if self.open < len(self.found) else None

    @property
    def fix(self) -> TokenFix | None:
        """The fix under the cursor."""
        finding = self.current
        return finding.fixes[self.open_fix] if finding and 0 <= self.open_fix < len(finding.fixes) else None

    def title(self) -> Row:
        """A name."""
        return [("findings", "title"), (f"  {len(self.found)}" if self.found else "", "muted")]

    def badge(self) -> Row:
        """In how many rows."""
        if not self.rows:
            return []
        return [(f"{'' if self.complete else 'first '}{words.count(self.rows)} rows", "muted")]

    def count(self, width: int) -> int:
        """Lines at this width."""
        lines = self._made(max(1, width - 1))
        here = (self.open, self.open_fix)
        self.cursor = next(
            (i for i, line in enumerate(lines) if line.text is None and (line.finding, line.fix) == here), 0
        )
        return len(lines)

    def paint(self, width: int, height: int) -> list[Row]:
        """The list, scrolled so that as much as can be is seen of what is said of the open finding."""
        if self.count(width):
            last = max(i for i, line in enumerate(self._lines) if line.finding == self.open)
            self.top = min(max(self.top, last - max(1, height) + 1), self.cursor)
        return super().paint(width, height)

    def selectable(self, index: int) -> bool:
        """Texts are passed over."""
        return self._lines[index].text is None

    def _made(self, width: int) -> list[_Line]:
        key = (id(self.found), self.open, width)
        if self._made_for != key:
            self._made_for = key
            self._lines = []
            for index, finding in enumerate(self.found):
                self._lines.append(_Line(index))
                self._lines += self._about(index, finding, width) if index == self.open else []
        return self._lines

    def _about(self, index: int, finding: TokenFinding, width: int) -> list[_Line]:
        room = max(8, width - len(_INDENT) - 2)
        rows: list[Row] = [[(_INDENT, ""), (line, "text")] for line in (wrap(finding.why, room) if finding.why else [])]
        rows += [[(_INDENT, ""), (line, "muted")] for line in (wrap(finding.cure, room) if finding.cure else [])]
        lines = [_Line(index, text=row) for row in rows]
        for number, fix in enumerate(finding.fixes):
            lines.append(_Line(index, number))
            if not self._beside(fix, width):
                below = wrap(said(fix.changes), max(8, width - 2 * len(_INDENT)))
                lines += [_Line(index, text=[(2 * _INDENT, ""), (line, "faint")]) for line in below]
        return [*lines, _Line(index, text=[])] if lines and index < len(self.found) - 1 else lines

    def line(self, index: int, width: int) -> Row:
        """A finding with its rows and their share, a fix, or a text."""
        line = self._lines[index]
        if line.text is not None:
            return line.text
        finding = self.found[line.finding]
        if line.fix >= 0:
            return self._fix_line(finding.fixes[line.fix], width)
        glyphs, ink = self.glyphs, _INK[finding.severity]
        mark = {"error": glyphs.no, "warning": glyphs.warn, "note": glyphs.dot}[finding.severity]
        here = glyphs.here if finding.rule == self.rule else " "
        left: Row = [(here, "accent"), (f"{mark} ", ink)]
        count, part = self._columns(width - row_width(left))
        right: Row = [(f" {pad(self._count(finding, count), count, right=True)}", "text")] if count else []
        right += [(pad(share(finding.rows, self.rows), part, right=True), "faint")] if part else []
        title = plain(finding.title, width - row_width(left) - row_width(right))
        return apart([*left, (title, "title" if line.finding == self.open else "text")], right, width)

    def _count(self, finding: TokenFinding, size: int) -> str:
        """The rows of a finding in a column of `size` cells."""
        whole = words.count(finding.rows)
        return whole if len(whole) <= size else words.short_count(finding.rows)

    def _columns(self, room: int) -> tuple[int, int]:
        """Cells of the counts and of the shares: they give way, shares first, so that names can be read."""
        name = max(cell_len(plain(finding.title, _LONGEST_NAME)) for finding in self.found)
        whole = max(len(words.count(finding.rows)) for finding in self.found)
        short = max(len(self._count(finding, 5)) for finding in self.found)
        part = 2 + max(len(share(finding.rows, self.rows)) for finding in self.found) if self.rows else 0
        for count, shares in ((whole, part), (whole, 0), (short, 0)):
            if name + 1 + count + shares <= room:
                return count, shares
        return short, 0

    def _fix_line(self, fix: TokenFix, width: int) -> Row:
        row: Row = [(f"{_INDENT}{self.glyphs.arrow} ", "accent"), (plain(fix.says, width - 5), "key")]
        return [*row, (f"  {plain(said(fix.changes))}", "faint")] if self._beside(fix, width) else row

    def _beside(self, fix: TokenFix, width: int) -> bool:
        """Whether what a fix changes fits behind what it says; else it stands below."""
        says = cell_len(_INDENT) + cell_len(self.glyphs.arrow) + 1 + cell_len(plain(fix.says, width - 5))
        return says + 2 + cell_len(plain(said(fix.changes))) <= width

    def empty(self, width: int) -> list[Row]:
        """There are none, or none is known yet."""
        if self.waiting or not self.rows:
            return [[(line, "muted")] for line in wrap(self.waiting or "Nothing is measured yet.", width)]
        of = f"the first {words.count(self.rows)}" if not self.complete else words.count(self.rows)
        lines = wrap(f"Nothing found in {of} row{'s' if self.rows != 1 else ''}.", max(4, width - 2))
        return [[(f"{self.glyphs.yes} " if i == 0 else "  ", "good"), (line, "text")] for i, line in enumerate(lines)]

    # Moving

    def step(self, rows: int) -> None:
        """Move the cursor over as many findings and fixes, at most to the last one."""
        self.count(self.inner[0])
        stops = [i for i, line in enumerate(self._lines) if line.text is None]
        if stops:
            at = bisect_left(stops, self.cursor) + rows
            self.select(stops[min(max(0, at), len(stops) - 1)])

    def select(self, index: int) -> None:
        """Put the cursor on a line; a finding that is not open is opened."""
        line = self._lines[index]
        if (line.finding, line.fix) != (self.open, self.open_fix):
            self.open, self.open_fix = line.finding, line.fix
            self.post_message(self.Moved(self))
        self.repaint()

    def to_start(self) -> None:
        """The cursor to the first finding."""
        self.step(-len(self._lines))

    def choose(self) -> None:
        """Choose the finding, or the fix, under the cursor."""
        finding, fix = self.current, self.fix
        if finding is None:
            return
        if fix is not None:
            self.post_message(self.Fix(self, finding.rule, fix))
        else:
            self.post_message(self.Chosen(self, finding.rule))
