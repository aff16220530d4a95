"""What is asked beside the rows: a second tokenizer, a vocabulary, a typed text, parity, a template to edit."""

from __future__ import annotations

import numpy as np

from engine.data.formats import names_of
from engine.data.interpret import interpret
from engine.data.rows import Row
from engine.errors import DataError
from engine.service.draft_look import Look
from engine.service.jobs import Job, Jobs
from engine.service.protocol import (
    Answer,
    Compare,
    Compared,
    Parity,
    ParityFound,
    Pieces,
    Resplit,
    SplitText,
    TemplateFound,
    TemplateText,
    Vocabulary,
)
from engine.service.sources import Sources
from engine.service.token_folders import Folders, Known
from engine.templates.editable import editable
from engine.tokens.compare import Comparison, chunks, said_in
from engine.tokens.parity import parity

_FOLDERS = Folders()
MOST_ROWS, MOST_TOKENS, MOST_CHARACTERS = 20_000, 20_000, 1 << 20
_TEMPLATE_ROWS = 200


def compare(sources: Sources, jobs: Jobs, request: Compare, job: Job) -> Answer:
    """Two tokenizers on rows spread evenly over those that are known. A newer request of the same draft ends this one."""
    draft = sources.drafts.get(request.draft)
    look = sources.drafts.look(request.draft)
    jobs.claim(job, "compare", draft.key)
    other = _FOLDERS.get(request.other).tokenizer
    ours = look.laid.path.tokenizer
    rows = look.laid.rows
    count = min(len(rows), max(1, min(request.rows, MOST_ROWS)))
    chosen = np.unique(np.linspace(0, len(rows) - 1, count).round()).astype(int).tolist()
    comparison = Comparison(ours, other)
    for done, some in enumerate(chunks(chosen)):
        comparison.add([said_in(rows[row][1]) for row in some])
        job.check()
        job.progress("comparing", done * len(some), len(chosen))
    return Compared(
        draft=request.draft,
        vocabulary=len(ours),
        other_vocabulary=len(other),
        rows=comparison.rows,
        languages=comparison.languages,
    )


def _known(look: Look, folder: str) -> Known:
    return _FOLDERS.get(folder) if folder else _FOLDERS.of(look.laid.path.tokenizer)


def resplit(sources: Sources, jobs: Jobs, request: Resplit, job: Job) -> Answer:
    """How a tokenizer splits a text. Raises DataError for a row that has none."""
    look = sources.drafts.look(request.draft)
    known = _known(look, request.tokenizer)
    text, added = request.text[:MOST_CHARACTERS], True
    if request.row:
        if not 1 <= request.row <= len(look.laid.rows):
            raise DataError(f"There is no row {request.row:,}; there are {len(look.laid.rows):,}, counted from 1.")
        whole = look.viewer.whole(request.row - 1)
        if whole.problem or whole.rendered.tokens is not None:
            raise DataError(whole.problem or f"{whole.origin} comes as tokens: there is no text that could be split.")
        text, added = whole.rendered.text, whole.rendered.add_special_tokens
    tokens, total = known.splitter.split(text, min(request.count, MOST_TOKENS), added)
    shown = text if len(tokens) == total else text[: max((token.end for token in tokens), default=0)]
    return SplitText(draft=request.draft, text=shown, tokens=tokens, total=total)


def vocabulary(sources: Sources, jobs: Jobs, request: Vocabulary, job: Job) -> Answer:
    """Entries of a vocabulary. Raises DataError for bytes that are none."""
    known = _known(sources.drafts.look(request.draft), request.tokenizer)
    entries = known.vocabulary
    matches, pieces = entries.search(request.pattern, request.start, request.count)
    return Pieces(draft=request.draft, size=len(entries), matches=matches, start=max(0, request.start), pieces=pieces)


def compare_ids(sources: Sources, jobs: Jobs, request: Parity, job: Job) -> Answer:
    """Training ids of a row against those that generations would be given."""
    look = sources.drafts.look(request.draft)
    if not 1 <= request.row <= len(look.laid.rows):
        raise DataError(f"There is no row {request.row:,}; there are {len(look.laid.rows):,}, counted from 1.")
    return ParityFound(draft=request.draft, row=request.row, comparisons=parity(look.viewer, request.row - 1))


def template_text(sources: Sources, jobs: Jobs, request: TemplateText, job: Job) -> Answer:
    """The template of a source as text. Raises DataError where there is no such source."""
    look = sources.drafts.look(request.draft)
    if not 0 <= request.source < len(look.laid.sources):
        raise DataError(
            f"This draft has {len(look.laid.sources)} sources, counted from 0; there is no {request.source}."
        )
    item = look.laid.sources[request.source]
    first = item.source.conversations[:_TEMPLATE_ROWS]
    rows = [Row(conversation.origin, conversation.values) for conversation in first]
    columns = interpret(rows, item.source.section).columns
    names = names_of(rows)
    found = editable(item.template.name, look.laid.path.tokenizer, item.source.section, columns, names)
    return TemplateFound(
        draft=request.draft,
        source=request.source,
        name=item.template.name,
        kind=found.kind,
        prompt=found.prompt,
        completion=found.completion,
        jinja=found.jinja,
        note=found.note,
    )
