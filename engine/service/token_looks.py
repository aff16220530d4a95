"""`token_row`, `token_batch`, `next_row`: rows and batches of a draft as they are trained."""

from __future__ import annotations

import msgspec
import numpy as np

from engine.errors import DataError
from engine.service.drafting import completed, measure
from engine.service.jobs import Job, Jobs
from engine.service.protocol import Answer, BatchFound, FoundRow, NextRow, TokenBatch, TokenRow, Tokens
from engine.service.sources import Sources
from engine.tokens.findings import RULES

MOST_TOKENS = 20_000
"""Tokens of an answer at most."""


def token_row(sources: Sources, jobs: Jobs, request: TokenRow, job: Job) -> Answer:
    """A row from its fields to its labels. Raises DataError where there is none."""
    look = sources.drafts.look(request.draft)
    count, limit = min(max(0, request.count), MOST_TOKENS), max(0, request.limit)
    facts = look.viewer.facts(request.row - 1, request.start, count, limit)
    return Tokens(draft=request.draft, **msgspec.structs.asdict(facts))


def token_batch(sources: Sources, jobs: Jobs, request: TokenBatch, job: Job) -> Answer:
    """The batch of a step, once all rows are measured; a newer request for one of the same draft ends this one.

    Where the run has fewer steps, it is the last one. Raises DataError where no row can be trained on.
    """
    draft = sources.drafts.get(request.draft)
    jobs.claim(job, "token_batch", draft.key)
    look = sources.drafts.look(request.draft)
    if not look.complete:
        look = completed(draft, look, job)
    measure(look, look.train_rows, job)
    return BatchFound(draft=request.draft, **msgspec.structs.asdict(look.batch(request.step)))


def next_row(sources: Sources, jobs: Jobs, request: NextRow, job: Job) -> Answer:
    """The next row with a finding among those that were measured, around the end."""
    if request.rule not in RULES:
        raise DataError(f"There is no finding {request.rule!r} of tokens; there are {', '.join(RULES)}.")
    look = sources.drafts.look(request.draft)
    numbers = look.rows_with(request.rule) + 1
    if not len(numbers):
        return FoundRow(draft=request.draft, rule=request.rule, row=0)
    if request.backwards:
        place = int(np.searchsorted(numbers, request.row, side="left")) - 1
    else:
        place = int(np.searchsorted(numbers, request.row, side="right"))
    place %= len(numbers)
    return FoundRow(draft=request.draft, rule=request.rule, row=int(numbers[place]), place=place + 1, of=len(numbers))
