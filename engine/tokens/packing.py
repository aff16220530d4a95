"""Packing: laying short sequences into few long ones without cutting any.

Best fit, decreasing (Johnson 1974), on counts of lengths: all sequences of one length are placed together, and a bit set of free
capacities finds the bins, so the work grows with the number of different lengths and not with the number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]


def pack(lengths: Sequence[int] | Int64, capacity: int) -> list[list[int]]:
    """Return bins of indices into `lengths`, each of total length at most `capacity`, every index once.

    Ties keep the given order, so a shuffled input gives shuffled bins. Raises ValueError for a length over `capacity`.
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    if not len(sizes):
        return []
    order = np.argsort(-sizes, kind="stable")
    if sizes[order[0]] > capacity:
        raise ValueError(f"a sequence of {sizes[order[0]]} tokens does not fit into {capacity}")
    bin_of, bins = _place(sizes[order], capacity)
    flat = order[np.argsort(bin_of, kind="stable")].tolist()
    ends = np.cumsum(np.bincount(bin_of, minlength=bins)).tolist()
    return [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _place(sizes: Int64, capacity: int) -> tuple[Int64, int]:
    """(the bin of each sequence, number of bins), for sizes that do not grow."""
    bin_of = np.empty(len(sizes), dtype=np.int64)
    waiting: dict[int, list[int]] = {}  # free capacity -> bins that have it
    occupied = 0  # bit c is set when waiting[c] is not empty
    bins = 0
    starts = np.flatnonzero(np.diff(sizes, prepend=-1)).tolist()
    for start, stop in zip(starts, [*starts[1:], len(sizes)], strict=True):
        size = max(1, int(sizes[start]))
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
