"""Two lines above the rows: as what they are read, why, how sure that is; and the first thing a person should know."""

from __future__ import annotations

from tui import words
from tui.data.model import Source
from tui.rows import Row
from tui.text import plain
from tui.widgets.painted import Painted, apart, row_width

_CONFIDENCE = {"certain": "good", "likely": "text", "possible": "warn"}


class SourceHead(Painted):
    """What is known of the source that is looked at."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.source: Source | None = None

    def show(self, source: Source | None) -> None:
        """Tell about a source, on as many lines as there is something to tell."""
        self.source = source
        wanted = 0 if source is None or source.facts is None else 2 if self._word(source, 80) else 1
        if self.styles.height is None or self.styles.height.value != wanted:
            self.styles.height = wanted
        self.repaint()

    def paint(self, width: int, height: int) -> list[Row]:
        """Format and reason; problem, failure or note."""
        source = self.source
        if source is None or source.facts is None:
            return []
        return [self._format(source, width), self._word(source, width)][:height]

    def _format(self, source: Source, width: int) -> Row:
        facts = source.facts
        assert facts is not None
        right: Row = [
            (f" {_split(source)}{facts.kind}", "faint"),
            (f"  {words.short_bytes(facts.bytes)} " if facts.bytes else " ", "faint"),
        ]
        if not facts.format:
            left: Row = [
                (" no format  ", "warn"),
                ("browsing only; ", "muted"),
                ("m", "key"),
                (" chooses one", "muted"),
            ]
            return apart(left, right, width)
        left = [(f" {facts.format.replace('_', ' ')}", "title")]
        if facts.confidence:
            left += [(f"  {facts.confidence}", _CONFIDENCE.get(facts.confidence, "text"))]
        room = width - row_width(left) - row_width(right) - 2
        if facts.reason and room > 8:
            left.append((f": {plain(facts.reason, room)}", "muted"))
        return apart(left, right, width)

    def _word(self, source: Source, width: int) -> Row:
        facts = source.facts
        assert facts is not None
        glyphs = self.glyphs
        if source.state == "failed":
            return [(f" {glyphs.no} ", "bad"), (plain(source.error, width - 4), "bad")]
        if source.writing is not None:
            return [(" writing rows ", "accent"), (words.percent(*source.writing), "text")]
        if source.torn:
            return [(f" {glyphs.no} ", "bad"), (plain(source.torn, width - 4), "bad")]
        if facts.problem:
            problem = facts.problem.removeprefix(f"{facts.path}: ")  # which file it is stands above
            cure: Row = [(" m", "key"), (" mapping ", "muted")] if source.rows else []
            return apart([(f" {glyphs.no} ", "bad"), (plain(problem, width - 5 - row_width(cure)), "bad")], cure, width)
        if source.view.problem:
            return [(f" {glyphs.warn} ", "warn"), (plain(source.view.problem, width - 4), "warn")]
        out = _left_out(source)
        if source.refused:
            said: Row = [(f" {glyphs.no} ", "bad"), (f"{_unusable(source)}: a run refuses the source; ", "bad")]
            return [*said, ("m", "key"), (" leaves them out", "muted"), (f"; {out}" if out else "", "muted")]
        if source.unusable:
            out = f"{out}, and " if out else "a run leaves out "
            return [(f" {glyphs.excluded} ", "warn"), (plain(f"{out}{_unusable(source)}", width - 4), "muted")]
        if out:
            return [(f" {glyphs.excluded} ", "warn"), (plain(out, width - 4), "muted")]
        if facts.notes:
            more = f"  (+{len(facts.notes) - 1})" if len(facts.notes) > 1 else ""
            room = width - 4 - len(more)
            return [(f" {glyphs.dot} ", "faint"), (plain(facts.notes[0], room), "muted"), (more, "faint")]
        return []


def _split(source: Source) -> str:
    """Which split this is, where there are several."""
    splits = source.facts.splits if source.facts else []
    return (
        f"{plain(str(source.section.get('split') or splits[0]), 16)}, 1 of {len(splits)} splits  "
        if len(splits) > 1
        else ""
    )


def _unusable(source: Source) -> str:
    exam, count = source.examined, source.unusable
    seen = f" in a sample of {words.count(exam.seen)}" if exam and not exam.exact else ""
    return f"{words.count(count)} unusable row{'s' if count != 1 else ''}{seen}"


def _left_out(source: Source) -> str:
    rows, findings = len(source.excluded_rows), source.excluded_findings
    parts = [f"{words.count(rows)} row{'s' if rows != 1 else ''}"] if rows else []
    parts += [f"those with {(known.title if (known := source.finding(rule)) else rule)}" for rule in findings]
    return f"a run leaves out {', '.join(parts)}" if parts else ""
