"""`mix` and `divide`: what a mixture draws and a split holds out, by the functions that do it in a run."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.config.sections import split_section
from engine.config.tokens import SplitSection
from engine.data.mixture import table
from engine.data.open import open_table
from engine.data.source import held_out_section
from engine.data.split import draw
from engine.errors import DataError
from engine.facts import DivideRow
from engine.service.examining import kept, mean_tokens
from engine.service.jobs import Job, Jobs
from engine.service.kept import Kept
from engine.service.protocol import Answer, Divide, Divided, Mix, Mixed
from engine.service.sources import Source, Sources
from engine.tokens.counting import token_counter

Int64 = NDArray[np.int64]


def mix(sources: Sources, jobs: Jobs, request: Mix, job: Job) -> Answer:
    """The table of a mixture; what a run draws from are conversations, mostly one a row.

    Raises DataError when a weight is missing or negative, and when a source has nothing to draw.
    """
    chosen = _chosen(sources, request.sources)
    weights = request.weights or [0.0] * len(chosen)
    if len(weights) != len(chosen):
        raise DataError(
            f"A mixture needs one weight a source: there are {len(chosen)} sources and {len(weights)} weights."
        )
    if min(weights) < 0 or request.budget < 0:
        raise DataError("A weight or a budget below 0 means nothing. Use 0 for a source that is not drawn from.")
    if any(weights) and not all(weights):
        raise DataError("A source with weight 0 is never drawn. Leave it out of the mixture, or give it a weight.")
    jobs.claim(job, "mix", 0)
    parts = [kept(source, job) for source in chosen]
    sizes = [part.conversations for part in parts]
    for source, size in zip(chosen, sizes, strict=True):
        if not size:
            why = source.facts.problem or "None of its rows can be trained on."
            raise DataError(f"{source.facts.name} cannot be mixed in. {why}")
    tokens, estimated = [], False
    if request.tokenizer:
        count = token_counter(request.tokenizer)
        for source, part in zip(chosen, parts, strict=True):
            mean, exact = mean_tokens(source, job, count)
            tokens.append(round(mean * part.rows))
            estimated |= not exact
    rows = table([source.facts.name for source in chosen], sizes, weights, request.budget, tokens)
    for row, source in zip(rows, chosen, strict=True):
        row.source = source.number
    return Mixed(budget=request.budget or sum(sizes), rows=rows, estimated=estimated)


def divide(sources: Sources, jobs: Jobs, request: Divide, job: Job) -> Answer:
    """What the split holds out of each source, in rows.

    Raises DataError when nothing would be left to train on.
    """
    chosen = _chosen(sources, request.sources)
    split = split_section(request.split)
    jobs.claim(job, "divide", 0)
    parts = [kept(source, job, split.group_by) for source in chosen]
    given = [_given(source, job) for source in chosen]
    drawn = [number for number, rows in enumerate(given) if rows is None]
    held_out = _held_out([parts[number] for number in drawn], split)
    rows = []
    for number, source in enumerate(chosen):
        groups = parts[number].groups
        row = DivideRow(source=source.number, name=source.facts.name, train=parts[number].rows, held_out=0)
        row.groups = len(groups.keys) if groups is not None else None
        own = given[number]
        if own is not None:
            row.held_out, row.note = own
        else:
            row.held_out = held_out[drawn.index(number)]
            row.train -= row.held_out
        rows.append(row)
    return Divided(rows=rows)


def _chosen(sources: Sources, numbers: Sequence[int]) -> list[Source]:
    if not numbers:
        raise DataError("Name at least one open source.")
    return [sources.get(number) for number in numbers]


def _held_out(parts: list[Kept], split: SplitSection) -> list[int]:
    """Rows held out of each source."""
    apart = split.stratify and split.group_by is None
    pools = [[part] for part in parts] if apart else [parts] if parts else []
    places, sizes = [], []
    for pool in pools:
        place, size = _groups(pool)
        places.append(place)
        sizes.append(size)
    chosen = draw([[range(size) for size in pool.tolist()] for pool in sizes], split)
    found: list[int] = []
    for pool, place, size, groups in zip(pools, places, sizes, chosen, strict=True):
        marked = np.zeros(len(size), dtype=bool)
        marked[groups] = True
        for part, its_place in zip(pool, place, strict=True):
            its_sizes = np.ones(part.rows, dtype=np.int64) if part.groups is None else part.groups.sizes
            found.append(int(its_sizes[marked[its_place]].sum()))
    return found


def _groups(pool: list[Kept]) -> tuple[list[Int64], Int64]:
    """(of each source, which group of the pool each of its groups is; the rows of each group of the pool)."""
    if any(part.groups is None for part in pool):
        bounds = np.cumsum([0, *(part.rows for part in pool)])
        places = [np.arange(start, stop) for start, stop in pairwise(bounds.tolist())]
        return places, np.ones(int(bounds[-1]), dtype=np.int64)
    groups = [part.groups for part in pool if part.groups is not None]
    _, first, inverse = np.unique(np.concatenate([g.keys for g in groups]), return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    place = rank[inverse]
    sizes = np.bincount(place, weights=np.concatenate([g.sizes for g in groups]), minlength=len(first))
    return np.split(place, np.cumsum([len(g.keys) for g in groups])[:-1]), sizes.astype(np.int64)


def _given(source: Source, job: Job) -> tuple[int, str] | None:
    """(rows, where from) that the source brings itself; None where they are drawn."""
    section = held_out_section(source.section)
    if section is None:
        return None
    table = open_table(section)
    try:
        while table.grow():
            job.check()
            job.progress(f"counting {table.name}", table.bytes_done, table.bytes_total)
        return table.known, f"held out by the source: {section.split or section.path}"
    finally:
        table.close()
