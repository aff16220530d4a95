"""Packing: laying short sequences into few long ones without cutting any.

Two plans are made, and the one with fewer bins is taken, the first where they are alike. Both work on counts of lengths, so that
the work grows with the number of different lengths and not with the number of rows.

Best fit, decreasing (Johnson 1974): all sequences of one length are placed together, and a bit set of free capacities finds the
bins. Filling: bin after bin takes the longest that fits, but ends with one or two sequences that leave nothing free wherever
there are such; the same kind of bin is then filled again, as often as there are sequences for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Kind = dict[int, int]
"""What lies in a bin: length -> sequences of it."""


def pack(lengths: Sequence[int] | Int64, capacity: int) -> list[list[int]]:
    """Return bins of indices into `lengths`, each of total length at most `capacity`, every index once.

    Ties keep the given order, so a shuffled input gives shuffled bins. Raises ValueError for a length over `capacity`.
    """
    sizes = np.maximum(np.asarray(lengths, dtype=np.int64), 1)
    if not len(sizes):
        return []
    order = np.argsort(-sizes, kind="stable")
    if sizes[order[0]] > capacity:
        raise ValueError(f"a sequence of {sizes[order[0]]} tokens does not fit into {capacity}")
    bin_of, bins = _best_fit(sizes[order], capacity)
    if bins > -(-int(sizes.sum()) // capacity):
        kinds = _filled(np.bincount(sizes).tolist(), capacity)
        fewer = sum(times for _, times in kinds)
        if fewer < bins:
            bin_of, bins = _laid(sizes[order], kinds), fewer
    flat = order[np.argsort(bin_of, kind="stable")].tolist()
    ends = np.cumsum(np.bincount(bin_of, minlength=bins)).tolist()
    return [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _best_fit(sizes: Int64, capacity: int) -> tuple[Int64, int]:
    """(the bin of each sequence, number of bins), for sizes that do not grow."""
    bin_of = np.empty(len(sizes), dtype=np.int64)
    waiting: dict[int, list[int]] = {}  # free capacity -> bins that have it
    occupied = 0  # bit c is set when waiting[c] is not empty
    bins = 0
    starts = np.flatnonzero(np.diff(sizes, prepend=-1)).tolist()
    for start, stop in zip(starts, [*starts[1:], len(sizes)], strict=True):
        size = int(sizes[start])
        while start < stop:
            fitting = occupied >> size
            free = size + (fitting & -fitting).bit_length() - 1 if fitting else capacity
            each = free // size  # the fullest bin stays the fullest: it takes all that it can hold
            wanted = -(-(stop - start) // each)
            if fitting:
                there = waiting[free]
                chosen = there[-wanted:]
                del there[-wanted:]
                if not there:
                    occupied &= ~(1 << free)
            else:
                chosen = list(range(bins, bins + wanted))
                bins += wanted
            taken = min(stop - start, len(chosen) * each)
            bin_of[start : start + taken] = np.repeat(chosen, each)[:taken]
            start += taken
            full, rest = divmod(taken, each)
            for left, some in ((free - each * size, chosen[:full]), (free - rest * size, chosen[full:])):
                if some:
                    waiting.setdefault(left, []).extend(some)
                    occupied |= 1 << left
    return bin_of, bins


def _filled(counts: list[int], capacity: int) -> list[tuple[Kind, int]]:
    """Kinds of bins, and how many there are of each; `counts` are the sequences of each length from 0 on."""
    present = sum(1 << size for size, count in enumerate(counts) if count)
    mirrored = sum(1 << capacity - size for size, count in enumerate(counts) if count)
    kinds = []
    while present:
        kind = _next(counts, present, mirrored, capacity)
        times = min(counts[size] // used for size, used in kind.items())
        kinds.append((kind, times))
        for size, used in kind.items():
            counts[size] -= used * times
            if not counts[size]:
                present ^= 1 << size
                mirrored ^= 1 << capacity - size
    return kinds


def _next(counts: list[int], present: int, mirrored: int, capacity: int) -> Kind:
    """One bin. Bit s of `present` is set where there are sequences of length s; `mirrored` has it at capacity - s."""
    kind: Kind = {}
    free = capacity
    while free:
        last = _last(counts, kind, present, mirrored >> (capacity - free), free)
        fitting = present & ((1 << free) - 1)
        if last or not fitting:
            for size in last:
                kind[size] = kind.get(size, 0) + 1
            return kind
        size = fitting.bit_length() - 1
        left = counts[size] - kind.get(size, 0)
        taken = max(1, min(left, free // size - 2))  # two more of them may be what leaves nothing free
        kind[size] = kind.get(size, 0) + taken
        free -= taken * size
        if taken == left:
            present ^= 1 << size
            mirrored ^= 1 << capacity - size
    return kind


def _last(counts: list[int], kind: Kind, present: int, partners: int, free: int) -> tuple[int, ...]:
    """One or two lengths that leave nothing of `free`; none where there are no such. `partners` has bit free - s for length s."""
    if present >> free & 1:
        return (free,)
    pairs = present & partners
    while pairs:
        size = pairs.bit_length() - 1
        if 2 * size != free or counts[size] - kind.get(size, 0) > 1:
            return (size, free - size)
        pairs ^= 1 << size
    return ()


def _laid(sizes: Int64, kinds: list[tuple[Kind, int]]) -> Int64:
    """The bin of each sequence, for sizes that do not grow."""
    bin_of = np.empty(len(sizes), dtype=np.int64)
    starts = np.flatnonzero(np.diff(sizes, prepend=-1))
    upto = dict(zip(sizes[starts].tolist(), starts.tolist(), strict=True))
    bins = 0
    for kind, times in kinds:
        those = np.arange(bins, bins + times)
        for size, used in kind.items():
            start = upto[size]
            upto[size] = start + used * times
            bin_of[start : start + used * times] = np.repeat(those, used)
        bins += times
    return bin_of
