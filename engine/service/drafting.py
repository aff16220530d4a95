"""`draft` and `close_draft`: opening a run file to look at its tokens, and changing what is open.

First the first rows, so that somebody can look; then all of them, and every token counted. A change does only what it needs: cut
otherwise, tokenize again, choose templates again, or read again. Where it fails, the draft stays as it was.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from engine.config.runfile import RunFile
from engine.data.source import Source
from engine.errors import DataError
from engine.service.draft_base import base_of
from engine.service.draft_facts import draft_facts
from engine.service.draft_look import Folder, Look, rows_key, sources_of
from engine.service.draft_reading import Reading
from engine.service.drafts import Draft
from engine.service.jobs import Job, Jobs
from engine.service.memory import uncollected
from engine.service.protocol import Answer, CloseDraft, Done, Drafted, Measured, Warm
from engine.service.protocol import Draft as DraftRequest
from engine.service.sources import Sources
from engine.tokens.folder import context_length, tokenizer_folder
from engine.tokens.measure import Int64
from engine.tokens.path import resolve_max_length
from engine.tokens.prepare import lay_out
from engine.tokens.tokenizer import load_tokenizer

SAMPLE_ROWS = 2000
"""Rows of each source that are read for the first look."""
_MOST_AT_ONCE = 10_000
"""Training rows up to which the ways of batching are worked out before the first answer."""
_PIECE_S = 0.008
"""A piece of measuring takes about so long: quick requests wait for one of them."""
_MOST_IN_A_PIECE = 1024
_WAIT_S = 0.02


def warm(sources: Sources, jobs: Jobs, request: Warm, job: Job) -> Answer:
    """Import what loads tokenizers: a second or two, which nobody waits for while they choose what to open."""
    with uncollected():
        from transformers import AutoTokenizer  # noqa: F401 - importing is all that is wanted
    return Done()


def open_draft(sources: Sources, jobs: Jobs, request: DraftRequest, job: Job) -> Answer:
    """Answer `drafted` and `measured` of the first rows, then of all. A newer request for the same draft ends this one."""
    drafts = sources.drafts
    draft = drafts.get(request.draft) if request.draft else drafts.new(base_of(request.path, request.table))
    jobs.claim(job, "draft", draft.key)
    run = draft.base.run_file(request.changes)
    look = look_under(draft, run, job)
    _put(draft, look, job)
    jobs.cancel_source(draft.key, "token_batch")
    drafts.announce(draft)
    job.say(Drafted(draft=draft.number, facts=draft_facts(draft, look)))
    if not look.complete:
        measure(look, look.train_rows, job)
        sample = look.measured(draft.number, with_strategies=True)
        if not request.exact:
            return _last(sample)
        job.say(sample)
        look = completed(draft, look, job)
        job.say(Drafted(draft=draft.number, facts=draft_facts(draft, look)))
    elif len(look.train_rows) > _MOST_AT_ONCE:
        if not look.seen:
            measure(look, spread(look.train_rows), job)
        job.say(look.measured(draft.number, with_strategies=False))
    measure(look, look.train_rows, job)
    return _last(look.measured(draft.number, with_strategies=True))


def spread(rows: Int64) -> Int64:
    """Some rows, evenly over all of them."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, SAMPLE_ROWS).round()).astype(np.int64)]


def _last(answer: Measured) -> Measured:
    answer.complete = True
    return answer


def _put(draft: Draft, look: Look, job: Job) -> None:
    """Make it what the draft is, unless a newer request came. Raises Ended."""
    with draft.lock:
        job.check()
        draft.look = look


def completed(draft: Draft, look: Look, job: Job) -> Look:
    """The look with all rows of the same run file, which the draft becomes. Raises LuthierError where they cannot be read.

    Several requests may want it; one of them makes it.
    """
    while not draft.completing.acquire(timeout=_WAIT_S):
        job.check()
    try:
        now = draft.look
        if now is not None and now.complete and now.run is look.run:
            return now
        tokenizer = look.laid.path.tokenizer if look.plain_tokenizer else None
        whole = _whole(draft, look.run, job, tokenizer)
        _put(draft, whole, job)
        return whole
    finally:
        draft.completing.release()


def _whole(draft: Draft, run: RunFile, job: Job, tokenizer: Any = None) -> Look:
    with draft.lock:
        reading = draft.reading
        if reading is None or reading.failed or reading.key != sources_of(run):
            if reading is not None:
                reading.stop()
            reading = draft.reading = Reading(run)
    return _laid(draft, run, job, read=reading.sources(run, job), tokenizer=tokenizer)


def look_under(draft: Draft, run: RunFile, job: Job) -> Look:
    """What the draft becomes under a run file, with the least work. Raises LuthierError."""
    look, reading = draft.look, draft.reading
    if look is not None and look.rows_key == rows_key(run):
        return look.under(run)
    resolve_max_length(run.tokens.max_length, context_length(_folder(draft.look, run).config))
    if reading is not None and reading.over and reading.key == sources_of(run):
        return _whole(draft, run, job)
    try:
        look = _laid(draft, run, job, max_rows=SAMPLE_ROWS)
    except DataError:  # the first rows may be too few for the split, or hold nothing to learn
        return _whole(draft, run, job)
    if look.complete:
        with draft.lock:
            draft.reading = Reading.of(run, [item.source for item in look.laid.sources])
    return look


def _laid(
    draft: Draft,
    run: RunFile,
    job: Job,
    max_rows: int | None = None,
    read: list[Source] | None = None,
    tokenizer: Any = None,
) -> Look:
    """A look with rows of a run file: the first `max_rows` of each source, or what was read. A tokenizer is loaded, or given."""
    folder = _folder(draft.look, run)
    job.check()
    if tokenizer is None:
        tokenizer = load_tokenizer(folder.path, run.model.trust_remote_code)
    before = _state(tokenizer)

    def told(name: str, done: int, total: int) -> None:
        job.check()
        job.progress(name, done, total)

    with uncollected(keeping=True):
        laid = lay_out(run, tokenizer, folder.config, told, max_rows, read)
    complete = max_rows is None or all(item.source.rows_read < max_rows for item in laid.sources)
    return Look(run, folder, laid, complete, plain_tokenizer=_state(tokenizer) == before)


def _state(tokenizer: Any) -> tuple[Any, ...]:
    """What laying rows out may change of a tokenizer."""
    return len(tokenizer), tokenizer.eos_token, tokenizer.chat_template


def _folder(look: Look | None, run: RunFile) -> Folder:
    """The tokenizer's folder, looked at again where another model is named."""
    if look is not None and look.folder.model == run.model:
        return look.folder
    return Folder(run.model, *tokenizer_folder(run.model))


def measure(look: Look, rows: Int64, job: Job) -> None:
    """Tokenize those of `rows` that were not measured yet, in pieces of some milliseconds. Several may do it at once."""
    rest = look.unmeasured(rows)
    at, size = 0, 16
    while at < len(rest):
        began = time.perf_counter()
        with look.measuring:
            look.measures.measure(look.unmeasured(rest[at : at + size]).tolist())
        took = time.perf_counter() - began
        at += size
        size = int(np.clip(size * _PIECE_S / max(took, 1e-4), size // 2 + 1, min(2 * size, _MOST_IN_A_PIECE)))
        job.check()
        job.progress("measuring", look.seen, len(look.train_rows))
    job.check()


def close_draft(sources: Sources, jobs: Jobs, request: CloseDraft, job: Job) -> Answer:
    """Forget a draft, and cancel what works on it."""
    draft = sources.drafts.forget(request.draft)
    jobs.cancel_source(draft.key)
    return Done()
