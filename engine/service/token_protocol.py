"""The requests and answers of the Tokens screen; part of `engine.service.protocol`, which says what holds for all. Light."""

from __future__ import annotations

from typing import Any

from engine.facts import FieldText
from engine.service.envelope import Answer, Request
from engine.token_facts import (
    DraftFacts,
    LanguageFact,
    LengthFacts,
    LineFact,
    ParityFact,
    PieceFact,
    SegmentFact,
    StrategyFacts,
    TokenFact,
    TokenFinding,
)


class Draft(Request, tag="draft"):
    """Open a run file to look at its tokens, or change one that is open.

    Answers: `drafted` once its first rows can be asked for; `measured` of a sample; `progress`; `drafted` again once all rows are
    known; the final `measured` with `complete`. A newer request for the same draft ends this one with `cancelled`. Where a change
    leaves the tokens of the rows as they are (max_length, truncation, batching), nothing is tokenized again.
    """

    draft: int = 0
    """0 opens a new one."""
    path: str = ""
    """A run file or a run directory."""
    table: dict[str, Any] = {}
    """Instead of `path`: the run file's tables, for one that is not written."""
    changes: dict[str, Any] = {}
    """Key -> value laid over the run file: "tokens.max_length", "data[0].template"; null takes a key away."""
    exact: bool = True
    """Go on after the sample."""


class Warm(Request, tag="warm"):
    """Load what the first draft needs, so that it comes at once. Answer: `done`."""


class CloseDraft(Request, tag="close_draft"):
    """Forget a draft. Answer: `done`."""

    draft: int


class TokenRow(Request, tag="token_row"):
    """A row from its fields to its labels. Answer: `tokens`."""

    draft: int
    row: int
    start: int = 0
    """First token."""
    count: int = 4000
    limit: int = 20_000
    """Characters of a field at most."""


class TokenBatch(Request, tag="token_batch"):
    """The batch of a step, as the trainer makes it. Answer: `batch`; `progress` before it while rows are measured."""

    draft: int
    step: int


class NextRow(Request, tag="next_row"):
    """The next row with a finding, around the end. Answer: `found`."""

    draft: int
    rule: str
    row: int
    """Where one stands; 0 for before the first row."""
    backwards: bool = False


class Compare(Request, tag="compare"):
    """Two tokenizers on the same rows. Answer: `compared`."""

    draft: int
    other: str
    """A folder."""
    rows: int = 500
    """A sample of so many."""


class Resplit(Request, tag="resplit"):
    """How a tokenizer splits a text: a row's (`row` above 0), or one that was typed. Answer: `split`."""

    draft: int
    tokenizer: str = ""
    """A folder; "" for the draft's own."""
    row: int = 0
    text: str = ""
    count: int = 4000


class Vocabulary(Request, tag="vocabulary"):
    """Entries of a vocabulary. Answer: `pieces`."""

    draft: int
    tokenizer: str = ""
    pattern: str = ""
    """A part of the text or the piece, an id, or bytes as "0xe4 bd"."""
    start: int = 0
    count: int = 200


class Parity(Request, tag="parity"):
    """Training ids of a row against those that a generation would be given. Answer: `parity_found`."""

    draft: int
    row: int


class TemplateText(Request, tag="template_text"):
    """The template of a source as text that can be edited. Answer: `template`."""

    draft: int
    source: int
    """Index of the [[data]] table."""


class Drafted(Answer, tag="drafted"):
    """What a draft is."""

    draft: int
    facts: DraftFacts


class Measured(Answer, tag="measured"):
    """What its tokens amount to."""

    draft: int
    seen: int
    total: int
    complete: bool = False
    lengths: LengthFacts | None = None
    """None where no training row can be tokenized."""
    findings: list[TokenFinding] = []
    strategies: list[StrategyFacts] = []


class Tokens(Answer, tag="tokens"):
    """A row. Tokens of `start` to before `start + len(tokens)`; `text` is all of the rendered text that they and the
    segments speak of, from character `text_start` on."""

    draft: int
    row: int
    origin: str
    source: int
    split: str
    """"train" or "test"."""
    template: str
    state: str = "ok"
    """ok, refused (the template cannot write it; `problem` says why), left_out (no token to train on)."""
    problem: str = ""
    fields: list[FieldText] = []
    text: str = ""
    text_start: int = 0
    segments: list[SegmentFact] = []
    tokens: list[TokenFact] = []
    start: int = 0
    total: int = 0
    """Tokens of the row, before anything is cut."""
    supervised: int = 0
    cut: int = 0
    sequences: list[tuple[int, int]] = []
    """Which tokens are in each sequence: first, one past the last."""
    reasons: list[str] = []
    findings: list[str] = []


class BatchFound(Answer, tag="batch"):
    """A batch: a rectangle of sequences."""

    draft: int
    step: int
    steps: int
    epoch: float
    fingerprint: str
    width: int
    micro_batch_size: int
    lines: list[LineFact]
    tokens: int
    supervised: int
    cells: int
    """Of the rectangles that are computed: each micro-batch is as wide as it needs to be."""


class FoundRow(Answer, tag="found"):
    """A row with a finding; `row` is 0 where there is none."""

    draft: int
    rule: str
    row: int
    place: int = 0
    """Which of them it is, from 1."""
    of: int = 0


class Compared(Answer, tag="compared"):
    """Two tokenizers side by side."""

    draft: int
    vocabulary: int
    other_vocabulary: int
    rows: int
    languages: list[LanguageFact]


class SplitText(Answer, tag="split"):
    """A text as tokens."""

    draft: int
    text: str
    tokens: list[TokenFact]
    total: int


class Pieces(Answer, tag="pieces"):
    """Entries of a vocabulary."""

    draft: int
    size: int
    matches: int
    start: int
    pieces: list[PieceFact]


class ParityFound(Answer, tag="parity_found"):
    """One comparison for each way a generation could be made."""

    draft: int
    row: int
    comparisons: list[ParityFact]


class TemplateFound(Answer, tag="template"):
    """A template to edit. What comes back from the editor is laid over the draft: `changes` with the new texts."""

    draft: int
    source: int
    name: str
    kind: str
    """"custom": `prompt` and `completion` with {column}; "jinja": a chat template, which goes into a file that
    `model.chat_template` names; "none": nothing to edit, `note` says why."""
    prompt: str = ""
    completion: str = ""
    jinja: str = ""
    note: str = ""


TokenRequest = (
    Draft | Warm | CloseDraft | TokenRow | TokenBatch | NextRow | Compare | Resplit | Vocabulary | Parity | TemplateText
)
TokenAnswer = (
    Drafted | Measured | Tokens | BatchFound | FoundRow | Compared | SplitText | Pieces | ParityFound | TemplateFound
)
