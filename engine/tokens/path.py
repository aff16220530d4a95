"""The path from a row to its tokens, for one run file and one tokenizer. The only one there is."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from engine.config.runfile import RunFile
from engine.data.conversation import Conversation, Message
from engine.data.quality.roles import faults_of
from engine.data.source import Source
from engine.errors import ConfigError, DataError, TemplateError
from engine.templates import Rendered, Template, choose, make
from engine.templates.chat_file import read_chat_template
from engine.tokens.cutting import cut_row
from engine.tokens.encode import Begun, Encoder
from engine.tokens.encoded import Encoded, refused
from engine.tokens.folder import context_length, vocabulary_size
from engine.tokens.new_tokens import NewTokens, add_tokens
from engine.tokens.tokenizer import padding_id

DEFAULT_MAX_LENGTH = 1024
CHUNK_ROWS = 512
AHEAD = 2
"""Chunks that are rendered and split ahead: while the tokenizer works on one, the texts of the other are written."""


@dataclass(frozen=True, slots=True)
class TemplatedSource:
    """A source with the template its rows go through."""

    source: Source
    template: Template
    reason: str
    """Why this template."""


class RowPath:
    """From rows to ids and labels."""

    def __init__(self, run: RunFile, tokenizer: Any, config: dict[str, Any]) -> None:
        """The tokenizer is changed: it gets the run file's chat template and new tokens.

        Raises DataError when tokens.max_length is beyond what the model can see, ConfigError for a chat template that cannot
        be used.
        """
        self.run = run
        self.tokenizer = tokenizer
        self.context = context_length(config)
        self.max_length = resolve_max_length(run.tokens.max_length, self.context)
        self._model_vocabulary = vocabulary_size(config)
        self.new_tokens: NewTokens | None = None
        """The tokens that were added; None for none."""
        if run.model.chat_template is not None:
            tokenizer.chat_template = read_chat_template(Path(run.model.chat_template))
        self._choose_encoder()

    def _choose_encoder(self) -> None:
        tokens = self.run.tokens
        truncation = None if tokens.packing == "wrapped" else tokens.truncation
        self.encoder = Encoder(self.tokenizer, self.max_length, truncation, tokens.train_on_eos)

    def under(self, run: RunFile) -> RowPath:
        """The path of another run file that differs in how rows are cut and batched, and in nothing that makes their tokens.

        Raises DataError when its max_length is beyond what the model can see.
        """
        other: RowPath = object.__new__(RowPath)
        other.__dict__.update(self.__dict__)
        other.run = run
        other.max_length = resolve_max_length(run.tokens.max_length, self.context)
        other._choose_encoder()
        return other

    @property
    def vocabulary(self) -> int | None:
        """Rows that the model's embedding needs, the new tokens among them; None where its config does not say."""
        if self._model_vocabulary is None or self.new_tokens is None:
            return self._model_vocabulary
        return max(self._model_vocabulary, 1 + max(self.new_tokens.ids, default=-1))

    @property
    def padding(self) -> int:
        """The id that fills rectangles."""
        return padding_id(self.tokenizer, self.vocabulary)

    def templates_for(self, sources: Sequence[Source]) -> list[TemplatedSource]:
        """Choose and make the template of each source, and add the tokens that they need.

        Raises TemplateError or ConfigError.
        """
        run = self.run
        chosen = [
            choose(s.section.template, s.format, all(c.single_turn for c in s.conversations), self.tokenizer)
            for s in sources
        ]
        templates = [
            make(name, self.tokenizer, source.section, run.model.date)
            for source, (name, _) in zip(sources, chosen, strict=True)
        ]
        self._add_tokens(templates)
        return [
            TemplatedSource(source, make(name, self.tokenizer, source.section, run.model.date), reason)
            for source, (name, reason) in zip(sources, chosen, strict=True)
        ]

    def _add_tokens(self, templates: Sequence[Template]) -> None:
        asked = self.run.model.new_tokens
        wanted = [marker for template in templates for marker in template.markers] if asked == "auto" else list(asked)
        ends = {template.end for template in templates if template.end is not None}
        if len(ends) > 1:
            raise ConfigError(
                f"The templates of this run end answers in different ways ({', '.join(sorted(ends))}), and a model can learn "
                "one. Give all sources the same `template`."
            )
        added = add_tokens(self.tokenizer, wanted, next(iter(ends), None))
        self.new_tokens = added if added.tokens or added.eos else None
        self._choose_encoder()

    def render(self, template: Template, conversation: Conversation) -> Rendered:
        """The row as text segments. Raises TemplateError."""
        return template.render(conversation, self.run.tokens.supervise)

    def whole(self, rows: Sequence[tuple[Template, Conversation]]) -> list[Encoded]:
        """Each row before anything is cut; one that its template cannot write has the finding "template_refused"."""
        return self._finish(self._begin(rows))

    def stream(self, rows: Iterable[tuple[Template, Conversation]], chunk: int = CHUNK_ROWS) -> Iterator[Encoded]:
        """As `whole`, for many rows: while labels are made for one chunk, other threads render and split the next ones."""
        chunks = iter(partial(lambda todo: list(islice(todo, chunk)), iter(rows)), [])
        with ThreadPoolExecutor(AHEAD, thread_name_prefix="split") as pool:
            waiting = deque(pool.submit(self._begin, some) for some in islice(chunks, AHEAD))
            while waiting:
                ready = waiting.popleft().result()
                waiting.extend(pool.submit(self._begin, some) for some in islice(chunks, 1))
                yield from self._finish(ready)

    def _begin(self, rows: Sequence[tuple[Template, Conversation]]) -> _Split:
        refusals: dict[int, Encoded] = {}
        rendered: list[tuple[str, Rendered]] = []
        for i, (template, conversation) in enumerate(rows):
            try:
                rendered.append((conversation.origin, self.render(template, conversation)))
            except TemplateError as error:
                refusals[i] = refused(conversation.origin, str(error))
        return _Split(rows, refusals, self.encoder.begin(rendered))

    def _finish(self, split: _Split) -> list[Encoded]:
        encoded = iter(self.encoder.finish(split.begun))
        found = [split.refusals[i] if i in split.refusals else next(encoded) for i in range(len(split.rows))]
        return [_ordered(row, conversation) for row, (_, conversation) in zip(found, split.rows, strict=True)]

    def encode(self, rows: Sequence[tuple[Template, Conversation]]) -> list[list[Encoded]]:
        """The sequences of each row. Raises DataError with truncation = "error" for a row that is too long."""
        return [self.encoder.cut(row) for row in self.whole(rows)]

    def held_out(self, row: Encoded) -> list[Encoded]:
        """The sequences that a row is evaluated as: those it would be trained as, but never longer than max_length."""
        if self.encoder.truncation is not None:
            return self.encoder.cut(row)
        return cut_row(row, self.max_length, "split", self.tokenizer.bos_token_id)

    def prompt_ids(self, template: Template, question: str) -> list[int]:
        """Ids that inference would start from for a question typed by hand."""
        return self.ids_before_answer(template, asked(question))

    def ids_before_answer(self, template: Template, conversation: Conversation) -> list[int]:
        """Ids that inference would start from for the turns before the last answer. Raises TemplateError."""
        rendered = template.prompt(conversation)
        ids = self.tokenizer(rendered.text, add_special_tokens=rendered.add_special_tokens)["input_ids"]
        return [int(i) for i in ids]


@dataclass(frozen=True, slots=True)
class _Split:
    """Rows half way: rendered, and split into ids."""

    rows: Sequence[tuple[Template, Conversation]]
    refusals: dict[int, Encoded]
    begun: Begun


def _ordered(row: Encoded, conversation: Conversation) -> Encoded:
    """The row with the finding "role_order" where its turns do not alternate."""
    roles = [message.role for message in conversation.messages]
    if roles in (["user", "assistant"], ["text"]) or next(faults_of(conversation), None) is None:
        return row
    return row.with_finding("role_order")


def asked(question: str) -> Conversation:
    """A question that somebody typed: there is no row behind it."""
    return Conversation("prompt", (Message("user", question, "prompt"),))


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
