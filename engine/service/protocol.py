"""What the TUI and the engine service say to each other: one JSON object a line, told apart by `type`.

The service says `hello` first. Each request carries an `id` of the asker's choosing; every answer to it carries the same
one. A request ends with exactly one final answer: the one its docstring names, `failed`, or `cancelled`. `progress` may come
before; `grown` also after `opened`. Rows are numbered from 1, as the screen shows them. An answer of an unknown type is
passed over, an unknown field ignored: both sides may be of different ages within one `PROTOCOL`.

This module is light: the TUI imports it. docs/service.md describes it for people.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from engine.facts import (
    ColumnFigures,
    DivideRow,
    FieldText,
    FindingFacts,
    MixRow,
    SourceFacts,
    Turn,
)
from engine.service.envelope import Answer, Request
from engine.service.plan_protocol import PlanDraft, Planned
from engine.service.token_protocol import (
    BatchFound,
    CloseDraft,
    Compare,
    Compared,
    Draft,
    Drafted,
    FoundRow,
    Measured,
    NextRow,
    Parity,
    ParityFound,
    Pieces,
    Resplit,
    SplitText,
    TemplateFound,
    TemplateText,
    TokenAnswer,
    TokenBatch,
    TokenRequest,
    TokenRow,
    Tokens,
    Vocabulary,
    Warm,
)

PROTOCOL = 1


class Open(Request, tag="open"):
    """Open a source, as a `[[data]]` table names it. Answer: `opened`, then `grown` while its rows are counted."""

    section: dict[str, Any]
    """Keys of `[[data]]`: path or preset, and what the user corrected: format, columns, text_unit, split, …"""


class Interpret(Request, tag="interpret"):
    """Read an open source with other keys of `[[data]]`; the rows stay as they are. Answer: `opened`, same source."""

    source: int
    section: dict[str, Any]


class Page(Request, tag="page"):
    """A few rows of a view, for a list. Answer: `rows`."""

    source: int
    view: int = 0
    """0 is all rows; others come from `filter`."""
    start: int = 0
    """Position in the view, from 0."""
    count: int = 50
    clip: int = 200
    """Characters of a cell at most."""


class Detail(Request, tag="detail"):
    """One row in full. Answer: `row`."""

    source: int
    number: int
    limit: int = 100_000
    """Characters of a text at most; 0 for all of it."""


class Filter(Request, tag="filter"):
    """Make a view: rows that pass, in an order. Answers: `matched` as it grows, the last one with `complete`."""

    source: int
    pattern: str = ""
    regex: bool = False
    """A plain pattern is looked for without regard to case; a regular expression is taken as it is."""
    field: str = ""
    """Search this column only."""
    findings: list[str] = []
    """Rows with any of these findings."""
    rows: list[int] = []
    """These rows only."""
    kept: bool = False
    """Leave out what the run would leave out."""
    sort: str = ""
    """A column, or "#" for the row number, or "length" for the characters of the row."""
    descending: bool = False


class Examine(Request, tag="examine"):
    """Statistics and findings. Answers: `examined` of a sample, `progress`, and `examined` of everything."""

    source: int
    tokenizer: str = ""
    """A model folder; tokens are counted with its tokenizer."""
    against: list[int] = []
    """Other open sources to look for leakage into."""
    exact: bool = True
    """Go on after the sample."""


class Export(Request, tag="export"):
    """Write rows of a view as JSON Lines. Answers: `progress`, `exported`."""

    source: int
    path: str
    view: int = 0
    rows: list[int] = []
    """Only these rows, where there are any."""
    overwrite: bool = False


class Mix(Request, tag="mix"):
    """What a mixture of sources would give. Answer: `mixed`."""

    sources: list[int]
    weights: list[float]
    """One a source, in any unit; all zero means every row once."""
    budget: int = 0
    """Rows to draw in all; 0 for as many as all sources hold."""
    tokenizer: str = ""


class Divide(Request, tag="divide"):
    """What the split would hold out. Answer: `divided`."""

    sources: list[int]
    split: dict[str, Any] = {}
    """Keys of `[split]`."""


class Close(Request, tag="close"):
    """Forget a source. Answer: `done`."""

    source: int


class Cancel(Request, tag="cancel"):
    """End another request early. Answer: `done`; the other one answers `cancelled` unless it ended before."""

    target: int


class Quit(Request, tag="quit"):
    """End the service. Answer: `done`."""


class Hello(Answer, tag="hello"):
    """The first line of a service."""

    protocol: int
    version: str
    pid: int
    versions: dict[str, str] = {}
    """Package -> version."""


class Opened(Answer, tag="opened"):
    """Answer to `open` and `interpret`."""

    source: int
    section: dict[str, Any]
    """The `[[data]]` keys in force, as they would stand in a run file."""
    facts: SourceFacts


class Grown(Answer, tag="grown"):
    """More rows of an opened source can be reached. `id` is that of its `open`."""

    source: int
    rows: int
    bytes_done: int
    bytes_total: int
    complete: bool = False
    problem: str = ""
    """Why it ended early, for example a torn gzip file."""


class RowBrief(msgspec.Struct, array_like=True):
    """A row in a list."""

    number: int
    cells: list[str]
    """One text a column of `columns`; on one line, clipped."""
    state: Literal["ok", "unreadable", "misfit", "excluded"] = "ok"
    note: str = ""
    """Why it is not ok."""


class Rows(Answer, tag="rows"):
    """Answer to `page`."""

    source: int
    view: int
    start: int
    columns: list[str]
    rows: list[RowBrief]


class RowInFull(Answer, tag="row"):
    """Answer to `detail`."""

    source: int
    number: int
    origin: str
    """file:line, or file#row."""
    state: str = "ok"
    note: str = ""
    fields: list[FieldText] = []
    conversations: list[list[Turn]] = []
    findings: list[str] = []
    """Rules that speak of this row, where it was examined."""
    raw: str = ""
    """The line as it stands in the file, for one that cannot be read."""


class Matched(Answer, tag="matched"):
    """A view is growing, or complete."""

    source: int
    view: int
    matches: int
    scanned: int
    total: int
    complete: bool = False


class Examined(Answer, tag="examined"):
    """Answer to `examine`."""

    source: int
    seen: int
    """Rows that were looked at."""
    exact: bool
    """Whether that was all of them."""
    columns: list[ColumnFigures] = []
    conversations: int = 0
    figures: list[ColumnFigures] = []
    """Of whole rows: characters, turns, and tokens with a tokenizer."""
    findings: list[FindingFacts] = []
    languages: dict[str, int] = {}
    """Language or writing system -> rows."""
    notes: list[str] = []
    """What was not looked for, and why: near duplicates without rensa."""
    complete: bool = False
    """Whether this is the last answer."""


class Exported(Answer, tag="exported"):
    """Answer to `export`."""

    path: str
    rows: int
    unreadable: int = 0
    """Rows of the view that cannot be read and were written as they stand to PATH.bad."""


class Mixed(Answer, tag="mixed"):
    """Answer to `mix`."""

    budget: int
    rows: list[MixRow]
    estimated: bool = False
    """Whether tokens were estimated from a sample."""


class Divided(Answer, tag="divided"):
    """Answer to `divide`."""

    rows: list[DivideRow]


class Progress(Answer, tag="progress"):
    """Work goes on."""

    name: str
    done: int
    total: int


class Done(Answer, tag="done"):
    """There is nothing more to say."""


class Failed(Answer, tag="failed"):
    """The request could not be met: what happened, which value, what to do."""

    message: str
    bug: bool = False
    """Whether it is ours: the trace is in the service's log."""


class Cancelled(Answer, tag="cancelled"):
    """The request was ended by `cancel`."""


AnyRequest: TypeAlias = (
    Open
    | Interpret
    | Page
    | Detail
    | Filter
    | Examine
    | Export
    | Mix
    | Divide
    | Close
    | Cancel
    | Quit
    | TokenRequest
    | PlanDraft
)
AnyAnswer: TypeAlias = (
    Hello
    | Opened
    | Grown
    | Rows
    | RowInFull
    | Matched
    | Examined
    | Exported
    | Mixed
    | Divided
    | TokenAnswer
    | Planned
    | Progress
    | Done
    | Failed
    | Cancelled
)

request_decoder = msgspec.json.Decoder(AnyRequest)
answer_decoder = msgspec.json.Decoder(AnyAnswer)
encoder = msgspec.json.Encoder()

__all__ = [
    "PROTOCOL",
    "Answer",
    "AnyAnswer",
    "AnyRequest",
    "BatchFound",
    "Cancel",
    "Cancelled",
    "Close",
    "CloseDraft",
    "Compare",
    "Compared",
    "Detail",
    "Divide",
    "Divided",
    "Done",
    "Draft",
    "Drafted",
    "Examine",
    "Examined",
    "Export",
    "Exported",
    "Failed",
    "Filter",
    "FoundRow",
    "Grown",
    "Hello",
    "Interpret",
    "Matched",
    "Measured",
    "Mix",
    "Mixed",
    "NextRow",
    "Open",
    "Opened",
    "Page",
    "Parity",
    "ParityFound",
    "Pieces",
    "PlanDraft",
    "Planned",
    "Progress",
    "Quit",
    "Request",
    "Resplit",
    "RowBrief",
    "RowInFull",
    "Rows",
    "SplitText",
    "TemplateFound",
    "TemplateText",
    "TokenBatch",
    "TokenRow",
    "Tokens",
    "Vocabulary",
    "Warm",
    "answer_decoder",
    "encoder",
    "request_decoder",
]
