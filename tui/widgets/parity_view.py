"""Whether a generation would be given the ids that were trained: each comparison, and token by token where they differ."""

from __future__ import annotations

from difflib import SequenceMatcher

from engine.service import protocol as p
from engine.token_facts import ParityFact, TokenFact
from tui import words
from tui.rows import Row
from tui.text import pad, plain, wrap
from tui.tokens.pieces import written
from tui.widgets.scroller import Scroller

Pair = tuple[int | None, int | None]


def paired(trained: list[TokenFact], given: list[TokenFact]) -> list[Pair]:
    """Indices of tokens that stand side by side; None where one side has none."""
    pairs: list[Pair] = []
    matcher = SequenceMatcher(None, [token.id for token in trained], [token.id for token in given], autojunk=False)
    for _, a, a_end, b, b_end in matcher.get_opcodes():
        for i in range(max(a_end - a, b_end - b)):
            pairs.append((a + i if a + i < a_end else None, b + i if b + i < b_end else None))
    return pairs


def first_position(fact: ParityFact) -> int:
    """The position of the first token that is shown: `at` is that of the first that differs."""
    ids = zip([token.id for token in fact.trained], [token.id for token in fact.given], strict=False)
    same = min(len(fact.trained), len(fact.given))
    return max(0, fact.at - next((i for i, (a, b) in enumerate(ids) if a != b), same))


class ParityView(Scroller):
    """The comparisons of a row."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.found: p.ParityFound | None = None
        self.waiting = ""
        self._lines: list[Row] = []
        self._made_for: tuple[object, ...] = ()

    def show(self, found: p.ParityFound | None, waiting: str = "") -> None:
        """Show what was compared. `waiting` stands where nothing was yet."""
        if found is None or self.found is None or found.row != self.found.row:
            self.top = 0
        self.found, self.waiting = found, waiting
        self.repaint()

    def title(self) -> Row:
        """A name, and of which row."""
        row: Row = [("training and generation", "title")]
        return [*row, (f"  row {words.count(self.found.row)}", "muted")] if self.found else row

    def badge(self) -> Row:
        """How many comparisons came out equal."""
        facts = self.found.comparisons if self.found else []
        if not facts:
            return []
        equal = sum(fact.equal for fact in facts)
        every = equal == len(facts)
        mark = self.glyphs.yes if every else self.glyphs.no
        return [(f"{mark} ", "good" if every else "bad"), (f"{equal} of {len(facts)} equal", "muted")]

    def count(self, width: int) -> int:
        """Lines at this width."""
        key = (id(self.found), width)
        if self._made_for != key:
            self._made_for = key
            self._lines = []
            for fact in self.found.comparisons if self.found else []:
                self._lines += [[]] * bool(self._lines) + self._comparison(fact, max(1, width - 1))
        return len(self._lines)

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._lines[index]

    def empty(self, width: int) -> list[Row]:
        """Nothing was compared."""
        text = self.waiting or ("There is nothing to compare with." if self.found else "No row was compared yet.")
        return [[(line, "muted")] for line in wrap(text, width)]

    def _comparison(self, fact: ParityFact, width: int) -> list[Row]:
        glyphs = self.glyphs
        count = f"{words.count(fact.length)} id{'s' if fact.length != 1 else ''}"
        verdict = f"equal ({count})" if fact.equal else f"differs at {words.count(fact.at)} of {count}"
        mark, ink = (glyphs.yes, "good") if fact.equal else (glyphs.no, "bad")
        name = plain(fact.against, max(8, width - len(verdict) - 4))
        rows: list[Row] = [[(f"{mark} ", ink), (name, "title"), (f"  {verdict}", ink)]]
        rows += (
            [[("  ", ""), (line, "text")] for line in wrap(fact.sentence, max(4, width - 2))] if fact.sentence else []
        )
        if not fact.equal and (fact.trained or fact.given):
            rows += [[], *self._side_by_side(fact, width)]
        return rows

    def _side_by_side(self, fact: ParityFact, width: int) -> list[Row]:
        """A line a position; where the sides differ it has a mark."""
        glyphs, first = self.glyphs, first_position(fact)
        last = first + max(len(fact.trained), len(fact.given))
        number = max(4, len(words.count(last)))
        side = max(4, (width - 2 * number - 8) // 2)
        trained, given = self._shown(fact.trained, side), self._shown(fact.given, side)
        blank = " " * side
        head = f"  {pad('at', number, right=True)}  {pad('trained', side)}  {pad('at', number, right=True)}  given"
        rows: list[Row] = [[(head, "faint")]]
        for i, j in paired(fact.trained, fact.given):
            same = i is not None and j is not None and fact.trained[i].id == fact.given[j].id
            ink = "muted" if same else "bad"
            left = pad(words.count(first + i), number, right=True) if i is not None else " " * number
            right = pad(words.count(first + j), number, right=True) if j is not None else " " * number
            rows.append([(f"{' ' if same else glyphs.no} ", "bad"), (f"{left}  ", "faint")])
            rows[-1] += [(trained[i] if i is not None else blank, ink), (f"  {right}  ", "faint")]
            rows[-1].append((given[j] if j is not None else "", ink))
        return rows

    def _shown(self, tokens: list[TokenFact], width: int) -> list[str]:
        """Id and piece of each, as wide as a side."""
        number = max((len(str(token.id)) for token in tokens), default=1)
        pieces = written(tokens, "", 0, self.glyphs.ascii_only)
        return [
            pad(f"{pad(str(token.id), number, right=True)} {piece.text}", width)
            for token, piece in zip(tokens, pieces, strict=True)
        ]
