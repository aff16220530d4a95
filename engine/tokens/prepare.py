"""A run's data, from its run file to sequences: what training, inspection and evaluation all start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.config.data import DataSection
from engine.config.runfile import RunFile
from engine.data.conversation import Conversation, Message
from engine.data.source import Source, read_source
from engine.data.split import Part, divide
from engine.errors import DataError
from engine.templates import Rendered, Template, choose, make
from engine.templates.chatml import END
from engine.tokens.batches import BatchPlan
from engine.tokens.encode import FINDINGS, Encoded, Encoder
from engine.tokens.examples import Examples
from engine.tokens.folder import context_length, vocabulary_size
from engine.tokens.tokenizer import padding_id

DEFAULT_MAX_LENGTH = 1024
CHUNK_ROWS = 512

HINTS = {
    "answer_cut": "raise tokens.max_length, or set tokens.truncation",
    "dropped": "raise tokens.max_length to keep them",
    "missing_eos": "the template or the tokenizer has no end token",
    "double_bos": "the template and the tokenizer both add one",
    "special_in_text": "such a token ends or opens a turn inside a text",
    "no_trained_token": "they were left out",
}

Progress = Callable[[str, int, int], None]


def silent(name: str, done: int, total: int) -> None:
    """A progress that tells nobody."""


@dataclass(frozen=True, slots=True)
class TemplatedSource:
    """A source with the template its rows go through."""

    source: Source
    template: Template
    reason: str
    """Why this template."""


class RowPath:
    """The path from a row to its tokens, for one run file and one tokenizer. The only one there is."""

    def __init__(self, run: RunFile, tokenizer: Any, config: dict[str, Any]) -> None:
        """Raises DataError when tokens.max_length is beyond what the model can see."""
        self.run = run
        self.tokenizer = tokenizer
        self.context = context_length(config)
        self.max_length = resolve_max_length(run.tokens.max_length, self.context)
        self.encoder = Encoder(tokenizer, self.max_length, run.tokens.truncation)
        self.vocabulary = vocabulary_size(config)
        self.padding = padding_id(tokenizer, self.vocabulary)

    def template_for(self, source: Source) -> TemplatedSource:
        """Choose and make the template of a source. Raises TemplateError or ConfigError."""
        single = all(c.single_turn for c in source.conversations)
        name, reason = choose(source.section.template, source.format, single, self.tokenizer)
        return TemplatedSource(source, make(name, self.tokenizer, source.section), reason)

    def render(self, template: Template, conversation: Conversation) -> Rendered:
        """The row as text segments."""
        return template.render(conversation, self.run.tokens.supervise)

    def encode(self, rows: Sequence[tuple[Template, Conversation]]) -> list[list[Encoded]]:
        """The sequences of each row."""
        return self.encoder.encode([(c.origin, self.render(t, c)) for t, c in rows])

    def prompt_ids(self, template: Template, question: str) -> list[int]:
        """Ids that inference would start from for a question typed by hand."""
        rendered = template.prompt(asked(question))
        ids = self.tokenizer(rendered.text, add_special_tokens=rendered.add_special_tokens)["input_ids"]
        return [int(i) for i in ids]


def asked(question: str) -> Conversation:
    """A question that somebody typed: there is no row behind it."""
    return Conversation("prompt", (Message("user", question, "prompt"),))


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything a run trains and evaluates on."""

    path: RowPath
    sources: list[TemplatedSource]
    rows: list[tuple[Template, Conversation]]
    """All rows, in the order of the sources."""
    train_rows: list[int]
    test_rows: list[int]
    train: Examples
    test: Examples

    @property
    def findings(self) -> dict[str, int]:
        """Rule -> sequences, over training and held-out rows."""
        return dict(self.train.findings + self.test.findings)

    def warnings(self) -> list[tuple[str, str, str]]:
        """(code, message, hint) for what a person should look at before training on this."""
        found = self.findings
        total = self.train.encoded + self.test.encoded
        out: list[tuple[str, str, str]] = []
        for rule in ("answer_cut", "dropped", "missing_eos", "double_bos", "special_in_text", "no_trained_token"):
            if rule in found:
                share = f"{found[rule]:,} of {total:,} sequences ({100 * found[rule] / total:.1f} %)"
                out.append((rule, f"{share}: {FINDINGS[rule]}", HINTS.get(rule, "")))
        for item in self.sources:
            if item.template.name == "chatml" and END not in self.path.tokenizer.get_added_vocab():
                message = (
                    f"{item.source.path.name}: this tokenizer has no {END} token, so ChatML's markers are spelled out"
                )
                out.append(("spelled_markers", message, 'template = "qa" or "alpaca" avoids them'))
            if item.source.unread:
                columns = ", ".join(item.source.unread)
                message = f"{item.source.path.name}: columns that are not used: {columns}"
                out.append(("unread_columns", message, f"format {item.source.format} does not know them"))
        return out

    def plan(self) -> BatchPlan:
        """The batches of the run, as the trainer makes them and the inspector shows them."""
        run, path = self.path.run, self.path
        return BatchPlan(self.train, run.train, run.tokens.packing, path.max_length, path.padding, weights_of(run.data))


def resolve_max_length(asked: int | None, limit: int | None) -> int:
    """The longest sequence in tokens. Raises DataError when more is asked than the model can see."""
    if asked is None:
        return min(DEFAULT_MAX_LENGTH, limit or DEFAULT_MAX_LENGTH)
    if limit is not None and asked > limit:
        raise DataError(
            f"tokens.max_length = {asked}, but this model was made for {limit} tokens (its config.json). "
            f"Set it to {limit} or less."
        )
    return asked


def weights_of(sections: Sequence[DataSection]) -> list[float]:
    """The weights of a mixture; none where the run file has none."""
    return [section.weight for section in sections if section.weight is not None]


def read_sources(run: RunFile) -> list[Source]:
    """Read every [[data]] table. Raises DataError."""
    return [read_source(section) for section in run.data]


def prepare(run: RunFile, tokenizer: Any, folder_config: dict[str, Any], progress: Progress = silent) -> Prepared:
    """Read, split, render and encode the data of a run.

    `progress(name, done, total)` is called often; an exception that it raises ends the work.
    Raises DataError, TemplateError, ConfigError.
    """
    path = RowPath(run, tokenizer, folder_config)
    progress("reading data", 0, len(run.data))
    sources = [path.template_for(source) for source in read_sources(run)]
    both = [(n, s, c) for n, s in enumerate(sources) for c in (*s.source.conversations, *(s.source.held_out or ()))]
    rows = [(s.template, c) for _, s, c in both]
    owners = [n for n, _, _ in both]
    parts = [Part(s.source.conversations, s.source.held_out, s.source.sha256) for s in sources]
    train_rows, test_rows = divide(parts, run.split)
    total = len(rows)
    train = Examples(_encoded(path, rows, owners, train_rows, progress, 0, total))
    test = Examples(_encoded(path, rows, owners, test_rows, progress, len(train_rows), total))
    if not len(train):
        counts = ", ".join(f"{n} {FINDINGS[rule]}" for rule, n in train.findings.items())
        raise DataError(f"None of {len(train_rows)} training rows gives a token to train on: {counts}.")
    highest = max(train.highest_id, test.highest_id)
    if path.vocabulary is not None and highest >= path.vocabulary:
        raise DataError(
            f"The tokenizer gives the id {highest}, but the model knows {path.vocabulary} tokens only (vocab_size in its "
            "config.json). Tokenizer and model do not belong together."
        )
    return Prepared(path, sources, rows, train_rows, test_rows, train, test)


def _encoded(
    path: RowPath,
    rows: list[tuple[Template, Conversation]],
    owners: list[int],
    chosen: list[int],
    progress: Progress,
    before: int,
    total: int,
) -> Iterator[tuple[int, Encoded]]:
    for start in range(0, len(chosen), CHUNK_ROWS):
        progress("tokenizing", before + start, total)
        chunk = chosen[start : start + CHUNK_ROWS]
        for index, sequences in zip(chunk, path.encode([rows[i] for i in chunk]), strict=True):
            for sequence in sequences:
                yield owners[index], sequence
