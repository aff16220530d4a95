"""Facts about tokens, as plain structs: what the engine finds out, the service sends, `--json` prints and the TUI draws.

Rows of a draft are numbered from 1, in the order of the sources; token positions count from 0. This module is light: the TUI
imports it.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class TokenFact(msgspec.Struct, array_like=True):
    """A token of a row."""

    id: int
    piece: str
    """As the vocabulary spells it: "Ġsaving", "▁saving", "<0xE4>"."""
    data: str
    """Its bytes, as hexadecimal digits; "" for control tokens."""
    start: int
    """First character in the rendered text."""
    end: int
    """One past the last character; equal to `start` where it stands for none (added by the tokenizer)."""
    segment: int
    """Index into the segments, -1 for an added token."""
    mark: Literal["trained", "masked", "cut"]
    """Whether the loss is computed on it; "cut": it is not in any sequence."""
    special: bool
    reason: int
    """Index into the reasons: why it is or is not trained."""


class SegmentFact(msgspec.Struct, array_like=True):
    """A stretch of the rendered text."""

    start: int
    end: int
    role: str
    """system, user, assistant, tool, text, ids, or template for the template's own words."""
    source: str
    """The field it came from, "" for the template's own words."""
    supervised: bool


class SourceOfDraft(msgspec.Struct, kw_only=True):
    """A [[data]] table of a draft."""

    name: str
    format: str
    template: str
    reason: str
    """Why this template."""
    rows: int
    """Usable rows, the held-out ones among them."""


class DraftFacts(msgspec.Struct, kw_only=True):
    """A run file as the Tokens screen knows it."""

    name: str
    path: str = ""
    """The run file; "" for one that is not written."""
    tokenizer: str
    """The folder."""
    vocabulary: int
    """Tokens that the tokenizer knows, the new ones among them."""
    new_tokens: list[str] = []
    max_length: int
    context: int | None = None
    """The longest sequence that the model was made for."""
    keys: dict[str, Any] = {}
    """The keys of [tokens] and what else the screen can change, as they are in force: "tokens.truncation" -> "right"."""
    sources: list[SourceOfDraft] = []
    rows: int = 0
    """Usable rows that are known."""
    held_out: int = 0
    complete: bool = False
    """Whether these are all rows; else the first ones."""
    weights: bool = True
    """Whether the folder holds weights; a tokenizer alone can be looked at, not trained."""
    notes: list[str] = []
    """Sentences a person should read: what was left out and why, which tokens are added."""


class LengthFacts(msgspec.Struct, kw_only=True):
    """How long the training rows are in tokens, and what `max_length` does to them."""

    rows: int
    tokens: int
    """Of all training rows, before anything is cut."""
    supervised: int
    max_length: int
    edges: list[int]
    """Of the histogram: one more than counts."""
    counts: list[int]
    mean: float = 0.0
    p50: int = 0
    p95: int = 0
    p99: int = 0
    max: int = 0
    longest: list[int] = []
    """Numbers of the longest rows, the longest first."""
    over: int = 0
    """Rows longer than max_length."""
    lost: int = 0
    """Tokens that are in no sequence because of it."""
    sequences: int = 0
    """What is left to train on."""
    kept: int = 0
    """Tokens in those sequences; rows without a token to train on are left out, so kept + lost + left_out = tokens."""
    left_out: int = 0


class TokenFix(msgspec.Struct, kw_only=True):
    """A change of the run file that mends a finding."""

    says: str
    """Two to five words: "max_length 811"."""
    changes: dict[str, Any]
    """Key -> value; null takes the key out."""


class TokenFinding(msgspec.Struct, kw_only=True):
    """What a rule of the token path found in the training rows."""

    rule: str
    title: str
    rows: int
    examples: list[int] = []
    """The first rows."""
    severity: Literal["error", "warning", "note"] = "warning"
    why: str = ""
    """A sentence: what it does to the model."""
    cure: str = ""
    """A sentence: what can be done."""
    fixes: list[TokenFix] = []


class StrategyFacts(msgspec.Struct, kw_only=True):
    """What one way of batching costs for one epoch."""

    name: Literal["random", "grouped", "packed", "wrapped"]
    changes: dict[str, str | bool] = {}
    """Keys of the run file that choose it."""
    current: bool = False
    sequences: int = 0
    steps: int = 0
    """Optimiser steps in an epoch."""
    cells: int = 0
    """Tokens that are computed, padding among them."""
    tokens: int = 0
    """Tokens without padding."""
    note: str = ""
    """Why it cannot be had here."""

    @property
    def waste(self) -> float:
        """Share of the cells that are padding."""
        return 1 - self.tokens / self.cells if self.cells else 0.0


class DocumentFact(msgspec.Struct, array_like=True):
    """A row, or a part of one, within a sequence of a batch."""

    row: int
    origin: str
    start: int
    """First cell of the sequence."""
    end: int


class LineFact(msgspec.Struct, array_like=True):
    """A sequence of a batch."""

    cells: list[tuple[str, int]]
    """Run-length coded: "t" trained, "m" masked, "." padding, and how many."""
    documents: list[DocumentFact]


class LanguageFact(msgspec.Struct, kw_only=True):
    """How two tokenizers do on the texts of one language."""

    language: str
    rows: int
    characters: int
    bytes: int
    tokens: int
    other_tokens: int


class PieceFact(msgspec.Struct, array_like=True):
    """An entry of a vocabulary."""

    id: int
    piece: str
    text: str
    """What it stands for; "" where that is no whole character."""
    data: str
    special: bool
    added: bool
    """Whether it was added behind the trained vocabulary."""


class ParityFact(msgspec.Struct, kw_only=True):
    """The training ids of a row against what a generation would be given for the same conversation."""

    against: str
    """"this template" or "the tokenizer's chat template"."""
    equal: bool
    sentence: str
    """What was compared, and what it means."""
    at: int = 0
    """Position of the first difference."""
    trained: list[TokenFact] = []
    """Ids of the training path around it."""
    given: list[TokenFact] = []
    """Ids that the generation would be given around it."""
    length: int = 0
    """Ids that were compared."""
