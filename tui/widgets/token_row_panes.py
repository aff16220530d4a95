"""The panes beside the tokens of a row: its raw fields, and what is under the cursor. They follow the cursor."""

from __future__ import annotations

from engine.service.protocol import Tokens
from engine.token_facts import TokenFact
from tui import words
from tui.flow import flowed
from tui.rows import Row
from tui.text import clip, plain, wrap
from tui.tokens.fields import Place, place_of, segment_of
from tui.tokens.inks import CONTROL_INKS, spaced
from tui.tokens.layout import label_of
from tui.tokens.pieces import Written, blanks
from tui.tokens.textlines import Stretch, TextLine, painted, text_lines
from tui.widgets.scroller import Scroller

_FLOWING = 56
"""Cells from which on the facts about a token stand one behind the other."""


class RowFields(Scroller):
    """The row as its file has it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.row: Tokens | None = None
        self.token: TokenFact | None = None
        self._lines: list[tuple[int, TextLine | None]] = []
        """Field and characters of each line; None for the line with its name, and for an empty one (-1)."""
        self._made_for: tuple[object, ...] = ()
        self._place: Place | None = None
        self._placed_for: tuple[object, ...] = ()

    def show(self, row: Tokens | None, token: TokenFact | None) -> None:
        """Show a row's fields, with the characters of a token lifted."""
        if row is not self.row and (row is None or self.row is None or row.row != self.row.row):
            self.top = 0
        self.row, self.token = row, token
        self.repaint()

    def title(self) -> Row:
        """A name."""
        return [("fields", "title")]

    def badge(self) -> Row:
        """Where the row stands."""
        return [(plain(self.row.origin.rsplit("/", 1)[-1], 24), "muted")] if self.row is not None else []

    def count(self, width: int) -> int:
        """Lines at this width."""
        row = self.row
        if self._made_for != (row, width):
            self._made_for = (row, width)
            self._lines = []
            for index, field in enumerate(row.fields if row is not None else []):
                self._lines += [(-1, None)] if index else []
                self._lines.append((index, None))
                self._lines += [(index, line) for line in text_lines(field.text, width - 1)]
        return len(self._lines)

    def paint(self, width: int, height: int) -> list[Row]:
        """The lines around what the token came from."""
        count = self.count(width)
        if self._placed_for != (self.row, self.token):
            self._placed_for = (self.row, self.token)
            self._place = place_of(self.row, self.token) if self.row is not None and self.token is not None else None
            if count and self._place is not None:
                self._bring_into_view(self._place, height)
        return super().paint(width, height)

    def _bring_into_view(self, place: Place, height: int) -> None:
        target = next((i for i, (field, _) in enumerate(self._lines) if field == place.field), 0)
        for index, (field, line) in enumerate(self._lines):
            if field == place.field and line is not None and line.start <= place.start:
                target = index
        if not self.top < target < self.top + height - 1:
            self.top = max(0, min(target - height // 3, len(self._lines) - height))

    def empty(self, width: int) -> list[Row]:
        """There are none."""
        return [] if self.row is None else [[("The row has no fields.", "muted")]]

    def line(self, index: int, width: int) -> Row:
        """The name of a field, or a line of it."""
        row = self.row
        assert row is not None
        number, line = self._lines[index]
        if number < 0:
            return []
        field, place = row.fields[number], self._place
        here = place is not None and place.field == number
        if line is None:
            mark = f"{self.glyphs.here} " if here else ""
            out: Row = [(mark, "accent"), (plain(field.name, max(4, width - 12)), "key" if here else "muted")]
            return [*out, (f"  {plain(field.kind, 8)}", "faint")] if field.kind != "text" else out
        if line.start == line.end and not field.text:
            return [("(empty)", "faint")]
        stretches = []
        if here and place is not None and place.end > place.start:
            stretches.append(Stretch(place.start, place.end, "here" if place.exact else "title"))
        out = painted(field.text, line, stretches, "text" if here else "muted")
        if field.cut and line.end >= len(field.text):
            out.append((f" {words.count(field.cut)} more characters", "faint"))
        return out


class TokenCard(Scroller, can_focus=False):
    """What is under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.row: Tokens | None = None
        self.token: TokenFact | None = None
        self.findings: list[tuple[str, str]] = []
        """Title and ink of what was found in the row."""
        self._facts: list[Row] = []
        self._made_for: tuple[object, ...] = ()
        self.piece: Written | None = None
        self.group: tuple[str, int, int] | None = None

    def show(
        self,
        row: Tokens | None,
        token: TokenFact | None,
        piece: Written | None,
        group: tuple[str, int, int] | None,
        findings: list[tuple[str, str]],
    ) -> None:
        """Show a token, how the strip writes it, and what it spells together with others."""
        self.row, self.token, self.piece, self.group, self.findings = row, token, piece, group, findings
        self.top = 0
        self.repaint()

    def title(self) -> Row:
        """A name."""
        return [("under the cursor", "title")]

    def count(self, width: int) -> int:
        """Lines at this width."""
        key = (self.row, self.token, width, tuple(self.findings))
        if self._made_for != key:
            self._made_for = key
            self._facts = self._make(width - 2)
        return len(self._facts)

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._facts[index]

    def _make(self, width: int) -> list[Row]:
        row, token = self.row, self.token
        if row is None:
            return []
        rows = self._of_token(row, token, width) if token is not None else []
        for title, ink in self.findings:
            rows += [[]] * (width < _FLOWING and len(rows) > 0) + [
                [(f"{self.glyphs.warn} " if i == 0 else "  ", ink), (line, "text")]
                for i, line in enumerate(wrap(title, max(8, width - 2), 2))
            ]
        return rows

    def _of_token(self, row: Tokens, token: TokenFact, width: int) -> list[Row]:
        piece = self.piece or Written(blanks(token.piece, self.glyphs.ascii_only), "text")
        ink = {"trained": "train under", "masked": "title", "cut": "faint strike"}[token.mark]
        head: Row = [(clip(piece.text, width), CONTROL_INKS[token.mark] if token.special else ink)]
        if self.group is not None:
            spelled, part, of = self.group
            head = [
                (clip(spelled, width // 2), ink),
                (f"  {part} of {of} ", "muted"),
                (clip(piece.text, width), "text"),
            ]
        elif piece.lead:
            head = [(clip(piece.lead, width // 2), ink), ("  ", ""), *head]
        segment = segment_of(row, token)
        source = segment.source if segment is not None and segment.source != segment.role else ""
        said = {"trained": "trained", "masked": "not trained", "cut": "in no sequence"}[token.mark]
        label = said if token.mark == "cut" else f"{label_of(token.mark, token.id)}, {said}"
        facts = [
            ("id", str(token.id), "text"),
            ("piece", blanks(token.piece, self.glyphs.ascii_only), "text"),
            ("bytes", spaced(token.data) or "none", "text"),
            ("characters", self._characters(row, token), "text"),
            ("segment", f"{segment.role}{f' from {source}' if source else ''}" if segment else "none: added", "text"),
            ("label", label, ink.split()[0]),
        ]
        reason = row.reasons[token.reason] if 0 <= token.reason < len(row.reasons) else ""
        why: list[Row] = [[(line, "text")] for line in wrap(reason, width)] if reason else []
        if width >= _FLOWING:
            parts: list[Row] = [[(f"{name} ", "muted"), (plain(text, 40), name_ink)] for name, text, name_ink in facts]
            return [*flowed([head, *parts], width, self.glyphs), *why]
        rows: list[Row] = [head]
        for name in ("id", "label"):
            rows += next(self._fact(*fact[:2], width, fact[2]) for fact in facts if fact[0] == name)
        rows += [*why, []]
        for name, text, name_ink in facts:
            rows += self._fact(name, text, width, name_ink) if name not in ("id", "label") else []
        return rows

    def _characters(self, row: Tokens, token: TokenFact) -> str:
        if token.end <= token.start:
            return "none: it is added"
        place = place_of(row, token)
        rendered = f"{words.count(token.start)}-{words.count(token.end)}"
        if place is None or not place.exact:
            return f"{rendered} of the text"
        name = row.fields[place.field].name
        return f"{words.count(place.start)}-{words.count(place.end)} of {name}"

    def _fact(self, label: str, text: str, width: int, ink: str = "text") -> list[Row]:
        size = 11
        lines = wrap(text, max(6, width - size), 3) or [""]
        return [[((label if i == 0 else "").ljust(size), "muted"), (line, ink)] for i, line in enumerate(lines)]
