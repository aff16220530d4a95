"""The rows of a source: a table of any length of which only the pages around the view are here.

What is not here yet shows as an ellipsis, and is asked for while it is painted. Columns get the width that their first
rows need, so that the table stands still while one scrolls. One column carries the cursor, too: it is sorted by, searched,
and scrolled to.
"""

from __future__ import annotations

from engine.service.protocol import RowBrief
from tui import words
from tui.data.model import Source
from tui.data.pages import PAGE_ROWS
from tui.rows import Row
from tui.text import cell_len, pad, plain, wrap
from tui.widgets.painted import fit, row_width
from tui.widgets.scroller import Picker

LEAST_COLUMN, LEAST_SHARED = 4, 14
GAP = 2
SPARE = 8
"""Cells at most that a column gets beyond what its first rows need."""
MOST_MADE = 600


def column_widths(natural: list[int], room: int) -> list[int]:
    """Widths for columns that would like `natural` cells in a room that may be smaller.

    Narrow columns get what they want; the wide ones share the rest, none below `LEAST_SHARED`: what does not fit then is
    reached by scrolling.
    """
    room -= GAP * max(0, len(natural) - 1)
    if (spare := room - sum(natural)) >= 0:  # later rows may be wider than the first ones
        more = min(SPARE, spare // len(natural))
        return [*(size + more for size in natural[:-1]), natural[-1] + spare - more * (len(natural) - 1)]
    rest, share = room, 0
    for index, size in enumerate(sorted(natural)):
        share = rest // (len(natural) - index)
        if size > share:
            break
        rest -= size
    share = max(LEAST_SHARED, share)
    widths = [min(size, share) for size in natural]
    spare = room - sum(widths)
    for index, size in enumerate(natural):
        if spare > 0 and size > widths[index]:
            more = min(spare, size - widths[index])
            widths[index] += more
            spare -= more
    return widths


class RowView(Picker):
    """The table."""

    header_rows = 1

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.source: Source | None = None
        self._natural: tuple[object, list[str], list[int]] = (None, [], [])
        self._columns_in_view: list[tuple[int, str, int]] = []
        self._made: dict[int, tuple[RowBrief, Row]] = {}
        """Rows as they were painted, by their place: moving the cursor makes none of them anew."""
        self._made_for: tuple[object, ...] = ()
        self._excluded: set[int] = set()
        self._numbers: set[str] = set()
        """Columns of numbers: they end in the same cell."""

    # What is shown

    def show(self, source: Source | None) -> None:
        """Show a source; each keeps its own cursor."""
        self.source = source
        self.cursor, self.top = (source.cursor, source.top) if source else (0, 0)
        self.repaint()

    @property
    def current(self) -> RowBrief | None:
        """The row under the cursor, once it is here."""
        return self.source.pages.row(self.cursor) if self.source else None

    @property
    def column(self) -> str:
        """Name of the column under the cursor."""
        source = self.source
        columns = self._columns() if source else []
        return columns[min(source.column, len(columns) - 1)] if source and columns else ""

    def _columns(self) -> list[str]:
        if self.source is None:
            return []
        return self.source.pages.columns or self.source.columns

    def move_column(self, by: int) -> None:
        """The cursor to another column."""
        if self.source and (columns := self._columns()):
            self.source.column = min(max(0, min(self.source.column, len(columns) - 1) + by), len(columns) - 1)
            self.repaint()

    def title(self) -> Row:
        """The name of the source."""
        if self.source is None:
            return [("rows", "title")]
        return [(plain(self.source.name, max(8, self.size.width // 3)), "title")]

    def badge(self) -> Row:
        """Which rows these are: the layers, one after the other, and how many there are."""
        source = self.source
        if source is None or source.state != "open":
            return []
        counted, found = count_words(source), layers(source)
        if source.view.problem:
            counted = [("not searched", "warn")]  # what is shown is still what was looked for before
        row: Row = [(f"{self.glyphs.mark} {words.count(len(source.marks))}  ", "accent")] if source.marks else []
        room = self.size.width - row_width(self.title()) - row_width(counted) - row_width(row) - 8
        for number, (key, text) in enumerate(found):
            words_ = plain(text, max(4, room // (len(found) - number) - 4))
            row += [(key, "key"), (f" {words_}  ", "text")]
            room -= cell_len(words_) + 4
        return row + counted

    # Painting

    def count(self, width: int) -> int:
        """Rows that can be reached."""
        return self.source.reachable if self.source and self.source.state != "failed" else 0

    def paint(self, width: int, height: int) -> list[Row]:
        """The rows in view; those that are not here are asked for."""
        source = self.source
        if source is None:
            return []
        source.cursor, source.top = self.cursor, self.top
        self._excluded = source.excluded_rows
        facts = source.facts
        self._numbers = {column.name for column in facts.columns if column.kind == "number"} if facts else set()
        self._columns_in_view = self._shown_columns(width - 1)
        wanted, look = source.wanted, (width, self._number_width(), *self._columns_in_view)
        key = (source.key, source.pages, look, wanted.pattern, wanted.regex, wanted.column)
        if self._made_for != key or len(self._made) > MOST_MADE:
            self._made_for = key
            self._made.clear()
        rows = super().paint(width, height)
        source.cursor, source.top = self.cursor, self.top
        self.luthier.desk.want(source, self.top, self.top + max(1, height - self.header_rows))
        return rows

    def _number_width(self) -> int:
        return max(3, len(words.count(max(self.source.rows, 1)))) if self.source else 3

    def _shown_columns(self, width: int) -> list[tuple[int, str, int]]:
        """Index, name and width of the columns in view; the one with the cursor is among them."""
        assert self.source is not None
        names = self._columns()
        if not names:
            return []
        room = width - self._number_width() - 4
        natural = self._measure(names)
        widths = column_widths(natural, room)
        if names[-1] in self._numbers:  # numbers far away at the right edge would belong to nothing
            widths[-1] = min(widths[-1], natural[-1] + SPARE)
        cursor = min(self.source.column, len(names) - 1)
        first = 0
        while first < cursor and sum(widths[first : cursor + 1]) + GAP * (cursor - first) > room:
            first += 1
        shown: list[tuple[int, str, int]] = []
        for index in range(first, len(names)):
            size = min(widths[index], room)
            if size < LEAST_COLUMN:
                break
            shown.append((index, names[index], size))
            room -= size + GAP
        return shown

    def _measure(self, names: list[str]) -> list[int]:
        """What the columns need, by the rows that came first; measured once."""
        assert self.source is not None
        pages = self.source.pages
        about, known, widths = self._natural
        if about is self.source and known == names:
            return widths
        widths = [max(LEAST_COLUMN, min(24, cell_len(plain(name, 24)))) for name in names]
        first = self.source.top // PAGE_ROWS * PAGE_ROWS
        here = [pages.row(position) for position in range(first, first + PAGE_ROWS)]
        held = [row for row in here if row is not None and row.state != "unreadable"]
        for row in held:
            for index, cell in enumerate(row.cells[: len(widths)]):
                if widths[index] < 100:
                    widths[index] = max(widths[index], min(100, cell_len(plain(cell, 100))))
        if held:
            self._natural = (self.source, names, widths)
        return widths

    def heading(self, width: int) -> list[Row]:
        """Names of the columns; an arrow at the sorted one."""
        assert self.source is not None
        row: Row = [("  ", ""), (pad("#", self._number_width(), right=True), "faint")]
        row.append((pad(self._arrow("#"), GAP), "accent"))
        shown = self._columns_in_view
        if shown and shown[0][0]:
            row[0] = (f"{self.glyphs.left} ", "accent")
        for index, name, size in shown:
            here = index == min(self.source.column, len(self._columns()) - 1)
            arrow = self._arrow(name)
            text = plain(name, size - len(arrow))
            gap, fill = "" if index == shown[0][0] else " " * GAP, " " * (size - cell_len(text) - len(arrow))
            before, after = (fill, "") if name in self._numbers else ("", fill)
            row += [(gap + before, ""), (text, "title" if here else "muted"), (arrow + after, "accent")]
        if shown and shown[-1][0] < len(self._columns()) - 1:
            row = [*fit(row, width - 2), (f"{self.glyphs.here} ", "accent")]
        return [row]

    def _arrow(self, name: str) -> str:
        assert self.source is not None
        wanted = self.source.wanted
        if wanted.sort != name or not name:
            return ""
        return self.glyphs.down if wanted.descending else self.glyphs.up

    def line(self, index: int, width: int) -> Row:
        """One row: mark, number, cells."""
        assert self.source is not None
        number_width = self._number_width()
        brief = self.source.pages.row(index)
        if brief is None:
            waiting = "..." if self.glyphs.ascii_only else "…"
            number = words.count(index + 1) if self.source.wanted.plain else ""
            return [("  ", ""), (pad(number, number_width, right=True), "faint"), (f"  {waiting}", "faint")]
        excluded = brief.state == "excluded" or brief.number in self._excluded
        mark = self._mark(brief, excluded)
        made = self._made.get(index)
        if made is None or made[0] is not brief or made[1][0] != mark:
            made = self._made[index] = (brief, [mark, *self._cells(brief, excluded, width)])
        return made[1]

    def _cells(self, brief: RowBrief, excluded: bool, width: int) -> Row:
        assert self.source is not None
        number_width = self._number_width()
        row: Row = [(pad(words.count(brief.number), number_width, right=True), "faint")]
        if brief.state in ("unreadable", "misfit") and (brief.state == "unreadable" or not any(brief.cells)):
            text = brief.note or "This row cannot be read."
            return [*row, (" " * GAP, ""), (plain(text, width - number_width - 4), "bad")]
        pattern = "" if self.source.wanted.regex else self.source.wanted.pattern
        for column, name, size in self._columns_in_view:
            cell = brief.cells[column] if column < len(brief.cells) else ""
            ink = "faint" if excluded else "text"
            sought = pattern if self.source.wanted.column in ("", name) else ""
            text = plain(around(cell, sought, size), size)
            fill = " " * (size - cell_len(text))
            before, after = (fill, "") if name in self._numbers else ("", fill)
            row += [(" " * GAP + before, ""), *highlighted(text, sought, ink), (after, "")]
        return row

    def _mark(self, brief: RowBrief, excluded: bool) -> tuple[str, str]:
        assert self.source is not None
        first = self.glyphs.mark if brief.number in self.source.marks else " "
        if brief.state == "unreadable":
            return first + self.glyphs.no, "bad"
        if excluded:
            return first + self.glyphs.excluded, "warn"
        if brief.state == "misfit":
            return first + self.glyphs.warn, "warn"
        return first + " ", "accent"

    def empty(self, width: int) -> list[Row]:
        """Why there is no row."""
        source = self.source
        if source is None:
            return []
        glyphs = self.glyphs
        if source.state == "failed":
            rows: list[Row] = [[], [(f"{glyphs.no} ", "bad"), ("It could not be opened.", "title")], []]
            rows += [[("  ", ""), (line, "text")] for line in wrap(source.error, max(10, width - 4))]
            return [
                *rows,
                [],
                [("  r", "key"), (" tries again   ", "muted"), ("o", "key"), (" opens another", "muted")],
            ]
        if source.state == "opening":
            return [[], [(f"  Opening {plain(source.name, width - 12)}…", "muted")]]
        if source.pages.failed:
            return [[], *([("  ", ""), (line, "text")] for line in wrap(source.pages.failed, max(10, width - 4)))]
        if not source.wanted.plain:
            if not source.view.complete:
                return [[], [("  Looking…", "muted")]]
            return [[], [("  No row matches. ", "muted"), ("esc", "key"), (" shows all rows again.", "muted")]]
        if not source.complete:
            return [[], [("  Reading…", "muted")]]
        why = source.facts.problem if source.facts else ""
        lines = wrap(why or "There is no row in it.", max(10, width - 4))
        return [[], *([("  ", ""), (line, "text")] for line in lines)]

    def select(self, index: int) -> None:
        """Put the cursor on a row."""
        super().select(index)
        if self.source:
            self.source.cursor, self.source.top = self.cursor, self.top


def around(text: str, sought: str, width: int) -> str:
    """`text` from shortly before the place that holds `sought` on, where that would not be seen otherwise."""
    found = text.lower().find(sought.lower()) if sought else -1
    return text if found + len(sought) < width - 1 else "…" + text[max(0, found - width // 3) :]


def highlighted(text: str, sought: str, ink: str) -> Row:
    """`text` in pieces, with the places that hold `sought` in another ink."""
    if not sought:
        return [(text, ink)]
    row: Row = []
    low, wanted, at = text.lower(), sought.lower(), 0
    if len(low) != len(text):  # some letters change their number with their case
        return [(text, ink)]
    while (found := low.find(wanted, at)) >= 0:
        end = found + len(wanted)
        row += [(text[at:found], ink), (text[found:end], "strong")]
        at = end
    return [piece for piece in [*row, (text[at:], ink)] if piece[0]]


def layers(source: Source) -> list[tuple[str, str]]:
    """What lies between all rows and those that are shown, oldest first: a key and a word each."""
    wanted, found = source.wanted, []
    for layer in wanted.layers:
        match layer:
            case "search":
                where = f" in {wanted.column}" if wanted.column else ""
                found.append(("/", f"{wanted.pattern}{where}"))
            case "finding":
                finding = source.finding(wanted.finding)
                found.append(("f", finding.title if finding else wanted.finding))
            case "marked":
                found.append(("M", "marked"))
            case "kept":
                found.append(("e", "kept"))
    return found


def count_words(source: Source) -> Row:
    """How many rows there are, or how many match."""
    rows, view = source.rows, source.view
    if source.wanted.layers:
        if not view.complete:
            seen = words.percent(view.scanned, view.total) if view.total else ""
            return [(f"{words.count(view.matches)} match", "text"), (f" · {seen} looked at" if seen else "", "muted")]
        return [(f"{words.count(view.matches)} of {words.count(rows)}", "text"), (" match", "muted")]
    if source.wanted.sort and not view.complete:
        return [(f"sorting {words.percent(view.scanned, view.total)}", "muted")]
    if not source.complete and not source.torn:
        return [(f"{words.count(rows)} rows", "text"), (" · counting ", "muted"), (_counted(source), "muted")]
    return [(f"{words.count(rows)} row{'s' if rows != 1 else ''}", "muted")]


def _counted(source: Source) -> str:
    return words.percent(source.bytes_done, source.bytes_total) if source.bytes_total else ""
