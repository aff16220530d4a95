"""Mixtures: how often each source is drawn, and in which order.

An epoch of a mixture draws as many rows as its sources hold together, shared out by the weights. A source is gone through in a
new order each time, and nothing is repeated before all of it was seen. The sources interleave evenly, so every stretch
of the order has the mixture's shares. Everything follows from (seed, epoch): a stopped run goes on where it was.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.errors import DataError
from engine.facts import MixRow

Int64 = npt.NDArray[np.int64]


class Mixture:
    """Draws from sources of `sizes` rows, in shares of `weights` (any unit)."""

    def __init__(self, sizes: Sequence[int], weights: Sequence[float], seed: int, shuffle: bool = True) -> None:
        """Raises DataError when a source is empty; sources are counted from 0, as in the run file."""
        for number, size in enumerate(sizes):
            if not size:
                raise DataError(
                    f"data[{number}] of the mixture has no rows to draw: none has a token to train on. Leave it out, raise "
                    "tokens.max_length, or look at its rows."
                )
        self.sizes = list(sizes)
        total = sum(weights)
        self.shares = [weight / total for weight in weights]
        self.epoch_rows = sum(sizes)
        self.counts = apportion(self.epoch_rows, self.shares)
        """Rows of each source in an epoch."""
        self._seed, self._shuffle = seed, shuffle
        self._pattern = interleave(self.counts)

    def order(self, epoch: int) -> list[tuple[int, int]]:
        """The (source, row) pairs of an epoch, rows from 0 within their source."""
        rows = [self._rows(source, epoch * count, count) for source, count in enumerate(self.counts)]
        taken = [0] * len(rows)
        out: list[tuple[int, int]] = []
        for source in self._pattern.tolist():
            out.append((source, int(rows[source][taken[source]])))
            taken[source] += 1
        return out

    def _rows(self, source: int, first: int, count: int) -> Int64:
        """Draws number `first` to before `first + count` of a source, over all its passes."""
        size = self.sizes[source]
        parts: list[Int64] = []
        while count:
            turn, at = divmod(first, size)
            part = self._pass(source, turn)[at : at + count]
            parts.append(part)
            first, count = first + len(part), count - len(part)
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def _pass(self, source: int, turn: int) -> Int64:
        order = list(range(self.sizes[source]))
        if self._shuffle:
            random.Random(f"{self._seed}/{source}/{turn}").shuffle(order)
        return np.array(order, dtype=np.int64)

    def drawn(self, budget: int) -> list[int]:
        """How many of the first `budget` draws come from each source."""
        epochs, rest = divmod(budget, self.epoch_rows)
        begun = np.bincount(self._pattern[:rest], minlength=len(self.sizes))
        return [epochs * count + int(extra) for count, extra in zip(self.counts, begun, strict=True)]


def apportion(total: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers in these shares that sum to `total`, by largest remainder; none is 0 where there is room."""
    exact = [share * total for share in shares]
    counts = [max(int(value), 1 if total >= len(shares) and value else 0) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: counts[i] - exact[i])
    for i in by_remainder[: max(0, total - sum(counts))]:
        counts[i] += 1
    while sum(counts) > total:
        counts[max((i for i, count in enumerate(counts) if count > 1), key=lambda i: counts[i] - exact[i])] -= 1
    return counts


def interleave(counts: Sequence[int]) -> Int64:
    """An order of source numbers, each as often as its count, spread evenly: any stretch has nearly the same shares."""
    places = [(np.arange(count) + 0.5) / count for count in counts if count]
    owners = [np.full(count, source, dtype=np.int64) for source, count in enumerate(counts) if count]
    if not places:
        return np.zeros(0, dtype=np.int64)
    return np.concatenate(owners)[np.argsort(np.concatenate(places), kind="stable")]


def table(
    names: Sequence[str],
    sizes: Sequence[int],
    weights: Sequence[float],
    budget: int,
    tokens: Sequence[int | None] = (),
) -> list[MixRow]:
    """The table of a mixture: what a budget of rows draws from each source. All weights zero: every row once an epoch.

    Raises DataError when a source is empty.
    """
    weights = weights if any(weights) else [float(size) for size in sizes]
    mixture = Mixture(sizes, weights, seed=0)
    drawn = mixture.drawn(budget or mixture.epoch_rows)
    known = list(tokens) or [None] * len(sizes)
    drawn_tokens = [
        count / size * some if some is not None else None for count, size, some in zip(drawn, sizes, known, strict=True)
    ]
    all_tokens = sum(value or 0.0 for value in drawn_tokens)
    rows = []
    for i, name in enumerate(names):
        part = drawn_tokens[i]
        rows.append(
            MixRow(
                source=i,
                name=name,
                rows=sizes[i],
                tokens=known[i],
                weight=mixture.shares[i],
                drawn=drawn[i],
                token_share=part / all_tokens if part is not None and all_tokens else None,
                epochs=drawn[i] / sizes[i],
                repeated=max(0, min(sizes[i], drawn[i] - sizes[i])),
                unseen=max(0, sizes[i] - drawn[i]),
            )
        )
    return rows
