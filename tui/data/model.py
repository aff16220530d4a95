"""A source as the screens know it, and what is looked at of it. Pure data: nothing here asks or paints.

Invariant: of the rows themselves only a few pages are held (`pages`), and the numbers of those that were marked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.facts import FindingFacts, MixRow, SourceFacts
from engine.service.protocol import Examined, RowInFull
from tui.data.pages import Pages

Section = dict[str, Any]
Layer = Literal["search", "finding", "marked", "kept"]


@dataclass
class Wanted:
    """Which rows a view holds, and in which order. The layers lie on one another; esc takes the last one away."""

    pattern: str = ""
    regex: bool = False
    column: str = ""
    finding: str = ""
    marked: bool = False
    kept: bool = False
    sort: str = ""
    descending: bool = False
    layers: list[Layer] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        """Whether this is all rows in the order of the file."""
        return not self.layers and not self.sort

    def put(self, layer: Layer, on: bool) -> None:
        """Lay a layer on top, or take it away."""
        self.layers = [other for other in self.layers if other != layer] + ([layer] if on else [])

    def take_off(self) -> Layer | None:
        """Take the last layer away; return which it was."""
        if not self.layers:
            return None
        match self.layers.pop():
            case "search":
                self.pattern = ""
                return "search"
            case "finding":
                self.finding = ""
                return "finding"
            case "marked":
                self.marked = False
                return "marked"
            case "kept":
                self.kept = False
                return "kept"


@dataclass
class View:
    """Some rows of a source in some order, as the service holds them."""

    id: int = 0
    """The service's number; 0 is all rows, -1 a view that has to be made anew."""
    matches: int = 0
    scanned: int = 0
    total: int = 0
    complete: bool = True
    problem: str = ""
    """Why there is no such view: a regular expression that is none."""


@dataclass
class Source:
    """A `[[data]]` table with what the service says of it."""

    key: int
    section: Section
    """The keys in force. Before it is opened: what was asked for."""
    id: int = 0
    """The service's number for it; 0 while it is not open there."""
    state: Literal["opening", "open", "failed"] = "opening"
    error: str = ""
    facts: SourceFacts | None = None
    rows: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    complete: bool = False
    torn: str = ""
    """Why counting ended early."""
    open_request: int = 0
    weight: float | None = None
    wanted: Wanted = field(default_factory=Wanted)
    view: View = field(default_factory=View)
    pages: Pages = field(default_factory=Pages)
    cursor: int = 0
    top: int = 0
    wish: int | None = None
    """Where the cursor was before the source was opened anew; it goes back as soon as that row is reached."""
    column: int = 0
    marks: set[int] = field(default_factory=set)
    row: RowInFull | None = None
    """The row that is read in full."""
    row_error: str = ""
    examined: Examined | None = None
    examining: tuple[int, int] | None = None
    """Rows looked at and to be looked at, while it goes on."""
    exam_error: str = ""
    writing: tuple[int, int] | None = None
    """Rows written to a file and to be written, while it goes on."""

    @property
    def name(self) -> str:
        """What to call it."""
        if self.facts is not None and self.facts.name:
            return self.facts.name
        text = str(self.section.get("path") or self.section.get("preset") or "source")
        return text.rstrip("/").rsplit("/", 1)[-1] or text

    @property
    def reachable(self) -> int:
        """Rows that the present view can show now."""
        return self.rows if self.wanted.plain else self.view.matches

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.facts.columns] if self.facts else []

    @property
    def excluded_rows(self) -> set[int]:
        """Numbers of the rows that a run would leave out by their number."""
        return set(self._exclude.get("rows", ()))

    @property
    def excluded_findings(self) -> list[str]:
        """Findings whose rows a run would leave out."""
        return list(self._exclude.get("findings", ()))

    @property
    def _exclude(self) -> dict[str, Any]:
        found = self.section.get("exclude")
        return found if isinstance(found, dict) else {}

    @property
    def unusable(self) -> int:
        """Of the rows that were examined, those that a run cannot use: no rows, or none of this format."""
        left_out = self.excluded_findings
        rules = [rule for rule in ("unreadable", "misfit") if rule not in left_out]
        return sum(found.rows for rule in rules if (found := self.finding(rule)))

    @property
    def refused(self) -> int:
        """Of those, the ones that a run refuses the source for."""
        return 0 if self.section.get("bad_lines") == "skip" else self.unusable

    def finding(self, rule: str) -> FindingFacts | None:
        """What a rule found."""
        found = self.examined.findings if self.examined else []
        return next((finding for finding in found if finding.rule == rule), None)


Verdict = Literal["opening", "failed", "problem", "look", "ok"]


def verdict(source: Source) -> tuple[Verdict, str]:
    """What is to be thought of a source: a word for its mark, and one or two for the list."""
    if source.state == "opening":
        return "opening", "opening"
    if source.state == "failed" or source.facts is None:
        return "failed", "failed"
    if source.facts.problem:
        return "problem", "no rows to train"
    if source.torn:
        return "problem", "torn"
    if source.refused:
        return "look", f"{source.refused:,} unusable"
    found = [finding for finding in (source.examined.findings if source.examined else []) if finding.rows]
    serious = [finding for finding in found if finding.severity != "note"]
    if serious:
        return "look", f"{len(serious)} finding{'s' if len(serious) > 1 else ''}"
    return "ok", "ok"


@dataclass
class Mixture:
    """What the open sources would give together."""

    rows: list[MixRow] = field(default_factory=list)
    budget: int = 0
    """Rows asked for; 0 for as many as there are."""
    drawn: int = 0
    estimated: bool = False
    error: str = ""
