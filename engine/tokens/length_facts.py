"""How long rows are, and what a limit does to them, from what was measured of them."""

from __future__ import annotations

import numpy as np

from engine.token_facts import LengthFacts
from engine.tokens.measure import Int64, Measures, Outcome

BINS = 64
LONGEST = 20


def length_facts(measures: Measures, outcome: Outcome, max_length: int) -> LengthFacts | None:
    """The lengths of the rows of an outcome; None where there is no row with a token."""
    lengths = outcome.lengths
    if not len(lengths) or not lengths.any():
        return None
    edges = _edges(int(lengths.max()))
    counts, _ = np.histogram(lengths, edges)
    p50, p95, p99 = (int(np.percentile(lengths, share, method="higher")) for share in (50, 95, 99))
    order = np.argsort(-lengths, kind="stable")[:LONGEST]
    return LengthFacts(
        rows=len(lengths),
        tokens=int(lengths.sum()),
        supervised=measures.supervised(outcome.rows),
        max_length=max_length,
        edges=edges.tolist(),
        counts=counts.tolist(),
        mean=float(lengths.mean()),
        p50=p50,
        p95=p95,
        p99=p99,
        max=int(lengths.max()),
        longest=(outcome.rows[order] + 1).tolist(),
        over=int((lengths > max_length).sum()),
        lost=outcome.lost,
        sequences=len(outcome.sequence_rows),
        kept=int(outcome.sequence_lengths.sum()),
        left_out=outcome.left_out,
    )


def _edges(longest: int) -> Int64:
    """Edges of bins of one width, a round number, so that the longest row lies in one of them."""
    width = max(1, -(-(longest + 1) // BINS))
    for round_width in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
        if round_width >= width:
            width = round_width
            break
    else:
        width = -(-width // 1024) * 1024
    return np.arange(0, longest + width + 1, width)
