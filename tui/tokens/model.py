"""A draft as the screens know it: a run file with the changes that are not written yet, and what is looked at of it.

Pure data: nothing here asks or paints. Invariant: of the rows only the last few answers are held (`rows`), and every answer
that is held was given for the present changes.
"""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.service.protocol import BatchFound, Compared, Measured, ParityFound, Pieces, SplitText, Tokens
from engine.token_facts import DraftFacts, TokenFinding
from tui.tokens.rows import Rows

Changes = dict[str, Any]
"""Key of the run file -> value; None takes the key away."""


@dataclass(frozen=True)
class Origin:
    """Where a draft comes from: a run file, a run, or sources that are in no file yet."""

    path: str = ""
    """A run file or a run directory."""
    run: str = ""
    """Name of the run whose `run.toml` it is."""
    table: tuple[tuple[str, Any], ...] = ()
    """The tables of a run file that is not written."""
    name: str = ""

    @property
    def tables(self) -> dict[str, Any]:
        """A copy of the tables."""
        return {key: copy.deepcopy(value) for key, value in self.table}

    @property
    def title(self) -> str:
        """What to call it."""
        return self.run or self.name or os.path.basename(self.path) or "draft"


Wish = tuple[int, int, str]
"""Number of a source (from 0), of a row in it (from 1), and where that row stands."""
Journaled = Literal["", "unknown", "same", "different", "not yet"]


@dataclass
class Batch:
    """The batch of a step."""

    step: int = 1
    found: BatchFound | None = None
    error: str = ""
    leads: bool = False
    """Once it is here, its first row is the one to look at."""
    progress: tuple[int, int] | None = None
    """While rows are measured before it can be said."""
    journaled: Journaled = ""
    """What the run's journal says of its fingerprint."""
    journal_fingerprint: str = ""


@dataclass
class Tools:
    """What was asked beside the rows: a second tokenizer, a vocabulary, a typed line, parity."""

    other: str = ""
    """Folder of the second tokenizer."""
    compared: Compared | None = None
    ours: SplitText | None = None
    theirs: SplitText | None = None
    split_row: int = 0
    """The row that `ours` and `theirs` split."""
    pattern: str = ""
    pieces: Pieces | None = None
    text: str = ""
    split: SplitText | None = None
    other_split: SplitText | None = None
    parity: ParityFound | None = None
    error: str = ""


@dataclass
class Draft:
    """A run file that is looked at."""

    key: int
    origin: Origin
    id: int = 0
    """The service's number for it; 0 while it is not open there."""
    pid: int | None = None
    """The service that holds it."""
    state: Literal["opening", "open", "failed"] = "opening"
    error: str = ""
    facts: DraftFacts | None = None
    measured: Measured | None = None
    measuring: tuple[int, int] | None = None
    changes: Changes = field(default_factory=dict)
    """What is not in the file."""
    pending: dict[str, str] = field(default_factory=dict)
    """Key -> what was typed for it and cannot be laid over the draft, for it is wrong."""
    made: bool = False
    """It was put together by hand and is in no file: as it is it can be lost."""
    base: Changes = field(default_factory=dict)
    """Values of the file, without the changes."""
    past: list[Changes] = field(default_factory=list)
    """The changes as they were before each change of them."""
    written: bool = False
    """Its last changes went into the file."""
    refused: str = ""
    """Why the last change was taken back."""
    stale: bool = False
    """The changes are ahead of what is known: the service was told, and has not answered yet."""
    version: int = 0
    """Counts the states whose tokens differ: what was asked for before the last one is not taken any more."""
    row: int = 1
    token: int = 0
    last: bool = False
    """The cursor is to stand on the row's last token, once that is known."""
    rows: Rows = field(default_factory=Rows)
    row_error: str = ""
    wish: Wish | None = None
    """A row of open data that is to be shown."""
    batch: Batch = field(default_factory=Batch)
    rule: str = ""
    """The finding that is walked through."""
    place: tuple[int, int] = (0, 0)
    """Which of its rows one stands on, and how many there are."""
    tools: Tools = field(default_factory=Tools)

    @property
    def shown(self) -> Tokens | None:
        """The row that is looked at, as far as it is here."""
        return self.rows.held(self.row, self.token)

    @property
    def count(self) -> int:
        """Rows that can be asked for."""
        return self.facts.rows if self.facts else 0

    @property
    def writable(self) -> bool:
        """Whether its changes can go into the file they came from: a run's own file is its record and stays as it is."""
        return bool(self.origin.path) and not self.origin.run

    @property
    def unwritten(self) -> str:
        """How many changes are in no file, in words."""
        count, wrong = len(self.changes), len(self.pending)
        said = [f"{count} changes are not written" if count != 1 else "1 change is not written"] if count else []
        if wrong:
            said.append(
                f"{wrong} values are wrong and are not written" if wrong > 1 else "1 value is wrong and is not written"
            )
        return ", ".join(["it is in no file", *said] if self.made else said)

    @property
    def loses(self) -> bool:
        """Whether something of it is lost when it is closed."""
        return bool(self.changes or self.pending or self.made)

    def value(self, key: str) -> Any:
        """The value of a key of the run file that is in force, as far as it is known."""
        if key in self.changes and self.changes[key] is not None:
            return self.changes[key]
        return self.facts.keys.get(key) if self.facts else None

    @property
    def max_length(self) -> int:
        """The longest sequence that is wanted now."""
        wanted = self.changes.get("tokens.max_length")
        if isinstance(wanted, int):
            return wanted
        return self.facts.max_length if self.facts else 0

    @property
    def findings(self) -> list[TokenFinding]:
        """What the rules found, as far as it is known."""
        return [found for found in self.measured.findings if found.rows] if self.measured else []

    def finding(self, rule: str) -> TokenFinding | None:
        """What one rule found."""
        return next((finding for finding in self.findings if finding.rule == rule), None)
