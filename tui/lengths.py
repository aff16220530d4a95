"""What a histogram of row lengths says about a limit before the engine has counted: shares, places on an axis, steps.

Knows numbers, not widgets. Within a bin the lengths are taken to be spread evenly; at an edge of a bin nothing is guessed.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from engine.token_facts import LengthFacts

LEAST_LIMIT = 8
FINE, COARSE, FINE_UNTIL = 64, 256, 2048


@dataclass(frozen=True)
class Cut:
    """What a limit cuts off: rows longer than it, and their tokens beyond it."""

    rows: float
    tokens: float
    exact: bool
    """Whether the rows are counted, not estimated."""


def _bins(facts: LengthFacts) -> list[tuple[int, int, int]]:
    """First length, one past the last, rows; the last bin reaches to the longest row."""
    ends = [*facts.edges[1:-1], max(facts.edges[-1], facts.max + 1)] if len(facts.edges) > 1 else []
    return [(a, max(a + 1, b), n) for a, b, n in zip(facts.edges, ends, facts.counts, strict=False)]


def cut_by(facts: LengthFacts, limit: int) -> Cut:
    """Return what `limit` cuts off, by the bins."""
    rows = tokens = 0.0
    exact = True
    for start, end, count in _bins(facts):
        if not count or end - 1 <= limit:
            continue
        first = max(start, limit + 1)
        inside = count * (end - first) / (end - start)
        exact = exact and first == start
        rows += inside
        tokens += inside * ((first + end - 1) / 2 - limit)
    return Cut(rows, tokens, exact)


def place_of(facts: LengthFacts, length: float) -> float:
    """Where a length lies on an axis on which all bins are equally wide: 0 at the first edge, 1 at the last."""
    edges = facts.edges
    if len(edges) < 2 or length <= edges[0]:
        return 0.0
    if length >= edges[-1]:
        return 1.0
    index = bisect_right(edges, length) - 1
    return (index + (length - edges[index]) / (edges[index + 1] - edges[index])) / (len(edges) - 1)


def length_at(facts: LengthFacts, place: float) -> float:
    """The length at a place of that axis."""
    edges = facts.edges
    if len(edges) < 2:
        return float(edges[0]) if edges else 0.0
    at = min(max(0.0, place), 1.0) * (len(edges) - 1)
    index = min(int(at), len(edges) - 2)
    return edges[index] + (at - index) * (edges[index + 1] - edges[index])


def stepped(limit: int, by: int, context: int | None) -> int:
    """The next limit above (`by` 1) or below (-1): multiples of 64 up to 2,048, of 256 beyond."""
    size = FINE if limit + (by > 0) <= FINE_UNTIL else COARSE
    wanted = (limit // size + 1) * size if by > 0 else (limit - 1) // size * size
    return bounded(wanted, limit, context)


def scaled(limit: int, double: bool, context: int | None) -> int:
    """Twice or half the limit."""
    return bounded(limit * 2 if double else limit // 2, limit, context)


def bounded(wanted: int, limit: int, context: int | None) -> int:
    """`wanted` where the model and the run file allow it; a limit that is beyond the model already grows no further."""
    most = max(context, limit) if context and wanted > limit else context or wanted
    return max(LEAST_LIMIT, min(wanted, most))
