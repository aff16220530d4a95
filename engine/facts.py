"""Facts about data, as plain structs: what the engine finds out, the service sends, `--json` prints and the TUI draws.

Rows are numbered from 1. This module is light: the TUI imports it.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class ColumnFact(msgspec.Struct):
    """A column, as the first rows show it."""

    name: str
    kind: str
    """text, number, bool, list, object, or null; the commonest."""
    role: str = ""
    """What the format takes it for: prompt, answer, … or "" where it is not used."""
    share: float = 1.0
    """Of the first rows, those that have it."""


class FormatFact(msgspec.Struct):
    """A format that the rows could be read as."""

    name: str
    reason: str
    confidence: Literal["certain", "likely", "possible"]
    roles: dict[str, str] = {}
    """Role -> column. Optional roles are among them where the column is there."""


class SourceFacts(msgspec.Struct, kw_only=True):
    """What is known of a source before it was read whole."""

    name: str
    path: str
    kind: str
    """jsonl, json, csv, tsv, parquet, arrow, text, folder, hub; with " (gzip)" or " (zstd)" behind."""
    files: int = 1
    bytes: int = 0
    rows: int = 0
    complete: bool = False
    columns: list[ColumnFact] = []
    format: str = ""
    """"" where the rows can be browsed only."""
    reason: str = ""
    confidence: str = ""
    formats: list[FormatFact] = []
    """What else it could be read as, likeliest first."""
    roles: list[str] = []
    """Roles of the format, required ones first; optional ones end with "?"."""
    speakers: list[str] = []
    """Names of speakers, where the format needs to be told who the assistant is."""
    splits: list[str] = []
    """Names of the splits that the source has; `section.split` chooses one."""
    notes: list[str] = []
    """Sentences a person should read: columns that are not used, a chosen side, a missing package."""
    problem: str = ""
    """Why no row can be trained on, in a sentence with its cure."""


class FieldText(msgspec.Struct):
    """A field of a row in full."""

    name: str
    kind: str
    text: str
    """A text as it is; anything else as indented JSON."""
    cut: int = 0
    """Characters that `limit` took away."""


class Turn(msgspec.Struct):
    """A turn of a conversation."""

    role: str
    text: str
    source: str
    """The field it came from."""
    trained: bool = False
    """Whether it can be learned: an answer with a weight above 0, or running text."""
    cut: int = 0


class Histogram(msgspec.Struct):
    """Counts between edges; one edge more than counts."""

    edges: list[float]
    counts: list[int]


class ColumnFigures(msgspec.Struct, kw_only=True):
    """Statistics of a column."""

    name: str
    kinds: dict[str, int]
    """Kind -> rows; "missing" where a row does not have it."""
    nulls: int
    """null and missing."""
    empty: int
    distinct: int
    distinct_exact: bool = True
    unit: str = ""
    """What the figures below measure: characters, items, value, tokens."""
    min: float | None = None
    mean: float | None = None
    median: float | None = None
    std: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None
    histogram: Histogram | None = None
    labels: dict[str, int] = {}
    """Value -> rows, commonest first, for columns of few distinct texts."""


class FindingFacts(msgspec.Struct, kw_only=True):
    """What a rule found."""

    rule: str
    """Its name in run files, for example "exact_duplicate"."""
    title: str
    rows: int
    examples: list[int] = []
    """The first rows, for a preview."""
    severity: Literal["error", "warning", "note"] = "warning"
    why: str = ""
    """A sentence: why it matters."""
    cure: str = ""
    """A sentence: what can be done."""
    samples: list[str] = []
    """Masked or clipped evidence; never a secret in full."""


class MixRow(msgspec.Struct, kw_only=True):
    """A source in a mixture, as the table of the GPT-3 paper has it."""

    source: int
    name: str
    rows: int
    tokens: int | None = None
    weight: float
    """Share of the rows drawn; the shares of a mixture sum to 1."""
    drawn: int
    """Rows drawn for the budget."""
    token_share: float | None = None
    epochs: float
    """How often each row of the source is seen, on average."""
    repeated: int
    """Rows seen more than once."""
    unseen: int
    """Rows never seen."""


class DivideRow(msgspec.Struct, kw_only=True):
    """A source in a split."""

    source: int
    name: str
    train: int
    held_out: int
    groups: int | None = None
    note: str = ""
