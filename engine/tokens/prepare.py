"""A run's data, from its run file to sequences: what training, inspection and evaluation all start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.config.data import DataSection
from engine.config.runfile import RunFile
from engine.data.conversation import Conversation
from engine.data.source import Source, read_source
from engine.data.split import Part, divide
from engine.errors import ConfigError, DataError
from engine.templates import Template
from engine.tokens.batches import BatchPlan
from engine.tokens.encoded import Encoded
from engine.tokens.examples import Examples
from engine.tokens.findings import RULES
from engine.tokens.path import CHUNK_ROWS, RowPath, TemplatedSource

SHOWN_PROBLEMS = 5
RUNNING_TEXT = ("text", "token_ids")
"""Formats whose rows may be cut anywhere."""
WARNED = (
    *("template_refused", "no_trained_token", "answer_cut", "eos_cut", "dropped", "missing_eos", "double_bos"),
    *("special_in_text", "role_order", "straddle", "unknown_token"),
)
"""Findings that a run says by itself; the others are seen by who looks."""

Progress = Callable[[str, int, int], None]


def silent(name: str, done: int, total: int) -> None:
    """A progress that tells nobody."""


@dataclass(frozen=True, slots=True)
class Laid:
    """The rows of a run with their templates, split, and the path that makes their tokens."""

    path: RowPath
    sources: list[TemplatedSource]
    rows: list[tuple[Template, Conversation]]
    """All rows, in the order of the sources."""
    owners: list[int]
    """Of each row, the number of its source."""
    train_rows: list[int]
    test_rows: list[int]


@dataclass(frozen=True, slots=True)
class Prepared(Laid):
    """Everything a run trains and evaluates on."""

    train: Examples
    test: Examples

    @property
    def findings(self) -> dict[str, int]:
        """Rule -> rows, over training and held-out rows."""
        return dict(self.train.findings + self.test.findings)

    def warnings(self) -> list[tuple[str, str, str]]:
        """(code, message, hint) for what a person should look at before training on this."""
        found, total = self.findings, self.train.seen + self.test.seen
        out: list[tuple[str, str, str]] = []
        for rule in WARNED:
            if rule in found:
                share = f"{found[rule]:,} of {total:,} rows ({100 * found[rule] / total:.1f} %)"
                out.append((rule, f"{share}: {RULES[rule].text}", RULES[rule].cure))
        vocabulary = self.path.tokenizer.get_vocab()
        for item in self.sources:
            name = item.source.path.name
            spelled = [marker for marker in item.template.markers if marker not in vocabulary]
            if spelled:
                message = f"{name}: this tokenizer has no {' or '.join(spelled)}, so they are spelled out"
                out.append(("spelled_markers", message, 'model.new_tokens = "auto" adds them as real tokens'))
            if item.source.unread:
                columns = ", ".join(item.source.unread)
                message = f"{name}: columns that are not used: {columns}"
                out.append(("unread_columns", message, f"format {item.source.format} does not know them"))
        return out

    def plan(self) -> BatchPlan:
        """The batches of the run, as the trainer makes them and the inspector shows them."""
        run, path = self.path.run, self.path
        return BatchPlan(self.train, run.train, run.tokens, path.max_length, path.padding, weights_of(run.data))


def weights_of(sections: Sequence[DataSection]) -> list[float]:
    """The weights of a mixture; none where the run file has none."""
    return [section.weight for section in sections if section.weight is not None]


def read_sources(run: RunFile, max_rows: int | None = None) -> list[Source]:
    """Read every [[data]] table, or its first `max_rows` rows. Raises DataError."""
    sections = run.data
    if max_rows is not None:
        most = [min(max_rows, section.max_rows or max_rows) for section in sections]
        sections = [s.model_copy(update={"max_rows": m}) for s, m in zip(sections, most, strict=True)]
    return [read_source(section) for section in sections]


def lay_out(
    run: RunFile,
    tokenizer: Any,
    folder_config: dict[str, Any],
    progress: Progress = silent,
    max_rows: int | None = None,
    read: Sequence[Source] | None = None,
) -> Laid:
    """Read and split the data of a run, and choose the templates; nothing is tokenized. `tokenizer` gets new tokens.

    With `max_rows` only the first rows of each source are read, for a first look; `read` are the sources of this run file
    where somebody has read them.
    Raises DataError, TemplateError, ConfigError.
    """
    path = RowPath(run, tokenizer, folder_config)
    progress("reading data", 0, len(run.data))
    sources = path.templates_for(read_sources(run, max_rows) if read is None else read)
    if run.tokens.packing == "wrapped":
        refuse_conversations([item.source for item in sources])
    both = [(n, s, c) for n, s in enumerate(sources) for c in (*s.source.conversations, *(s.source.held_out or ()))]
    parts = [Part(s.source.conversations, s.source.held_out, s.source.sha256) for s in sources]
    train_rows, test_rows = divide(parts, run.split)
    rows = [(s.template, c) for _, s, c in both]
    return Laid(path, sources, rows, [n for n, _, _ in both], train_rows, test_rows)


def refuse_conversations(sources: Sequence[Source]) -> None:
    """Raises ConfigError for a source whose rows may not be cut anywhere."""
    for source in sources:
        if source.format not in RUNNING_TEXT:
            raise ConfigError(
                f'tokens.packing = "wrapped" cuts texts anywhere, and {source.path.name} holds conversations (format '
                f'{source.format}): answers would lose their questions. Use packing = "bfd".'
            )


def prepare(run: RunFile, tokenizer: Any, folder_config: dict[str, Any], progress: Progress = silent) -> Prepared:
    """Read, split, render and encode the data of a run.

    `progress(name, done, total)` is called often; an exception that it raises ends the work.
    Raises DataError, TemplateError, ConfigError.
    """
    laid = lay_out(run, tokenizer, folder_config, progress)
    path, total = laid.path, len(laid.rows)
    train = Examples(_encoded(laid, laid.train_rows, path.encoder.cut, progress, 0))
    test = Examples(_encoded(laid, laid.test_rows, path.held_out, progress, len(laid.train_rows)))
    refuse_refused(train.problems + test.problems, total, run)
    if not len(train):
        counts = ", ".join(f"{n} {RULES[rule].text}" for rule, n in train.findings.items())
        raise DataError(f"None of {len(laid.train_rows)} training rows gives a token to train on: {counts}.")
    highest = max(train.highest_id, test.highest_id)
    if path.vocabulary is not None and highest >= path.vocabulary:
        raise DataError(
            f"The tokenizer gives the id {highest}, but the model knows {path.vocabulary} tokens only (vocab_size in its "
            "config.json). Tokenizer and model do not belong together."
        )
    return Prepared(path, laid.sources, laid.rows, laid.owners, laid.train_rows, laid.test_rows, train, test)


def refuse_refused(problems: Sequence[tuple[str, str]], total: int, run: RunFile) -> None:
    """Raises DataError for rows that a template cannot write, (origin, problem) of each, unless the run file skips them."""
    if not problems or run.tokens.refused_rows == "skip":
        return
    shown = "\n".join(f"  {problem}" for _, problem in problems[:SHOWN_PROBLEMS])
    rest = f"\n  … and {len(problems) - SHOWN_PROBLEMS:,} more" if len(problems) > SHOWN_PROBLEMS else ""
    raise DataError(
        f"{len(problems):,} of {total:,} rows cannot be written by their template:\n{shown}{rest}\n"
        'Choose another `template`, mend them, or set tokens.refused_rows = "skip" to leave them out.'
    )


def _encoded(
    laid: Laid, chosen: list[int], cut: Callable[[Encoded], list[Encoded]], progress: Progress, before: int
) -> Iterator[tuple[int, int, Encoded]]:
    whole = laid.path.stream(laid.rows[row] for row in chosen)
    for done, (row, encoded) in enumerate(zip(chosen, whole, strict=True)):
        if done % CHUNK_ROWS == 0:
            progress("tokenizing", before + done, len(laid.rows))
        for sequence in cut(encoded):
            yield row, laid.owners[row], sequence
