"""Figures of many numbers: exact quantiles and a histogram with edges a person would choose.

Only finite numbers come in; whoever has others counts them apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.facts import ColumnFigures, Histogram

BINS = 10
_EXACT_INTEGERS = 2.0**53
_LONG_TAIL = 10
"""With 99 % of the values in less than a tenth of the range, equal bins would show one bar and nothing else."""

Numbers = NDArray[Any]


def figures(name: str, kinds: Mapping[str, int], values: Numbers, unit: str, **facts: Any) -> ColumnFigures:
    """The figures of `values` under a name; none where there are no values. `facts` are the fields that are no figures."""
    found = ColumnFigures(
        name=name, kinds=dict(kinds), nulls=facts.get("nulls", 0), empty=facts.get("empty", 0),
        distinct=facts.get("distinct", 0), distinct_exact=facts.get("distinct_exact", True), labels=facts.get("labels", {}),
    )  # fmt: skip
    if not len(values):
        return found
    found.unit = unit
    with np.errstate(over="ignore", invalid="ignore"):
        median, p95, p99 = np.percentile(values, [50, 95, 99])
        found.mean = _finite(np.mean(values, dtype=np.float64))
        found.std = _finite(np.std(values, ddof=1, dtype=np.float64)) if len(values) > 1 else None
    found.min, found.max = float(values.min()), float(values.max())
    found.median, found.p95, found.p99 = _finite(median), _finite(p95), _finite(p99)
    found.histogram = histogram(values)
    return found


def histogram(values: Numbers) -> Histogram:
    """At most ten bins, each from its edge to before the next; the last one of fractions holds its upper edge too.

    Whole numbers get whole edges, and a bin each where there are few. Where a few values lie far above all others, the
    last bin holds those.
    """
    low, high = float(values.min()), float(values.max())
    p99 = float(np.percentile(values, 99))
    long_tail = high - low > _LONG_TAIL * (p99 - low) > 0
    if high - low < _EXACT_INTEGERS and bool(np.all(values == np.floor(values))):
        edges = _whole_edges(low, p99 if long_tail else high, high)
    elif high == low:
        edges = np.array([low, high])
    elif long_tail:
        edges = np.append(np.linspace(low, p99, BINS), high)
    else:
        edges = np.linspace(low / 2, high / 2, BINS + 1) * 2  # halves: the range itself may be no number
    bins = len(edges) - 1
    index = np.searchsorted(edges, values, side="right") - 1
    counts = np.bincount(np.clip(index, 0, bins - 1), minlength=bins)
    return Histogram([float(edge) for edge in edges], [int(count) for count in counts])


def _whole_edges(low: float, reach: float, high: float) -> Numbers:
    """Whole edges from `low` past `high`; equal widths up to `reach`, and one more bin for what lies beyond it."""
    beyond = reach < high
    width = max(1, math.ceil((math.ceil(reach) - low + 1) / (BINS - 1 if beyond else BINS)))
    bins = math.ceil((math.ceil(reach) - low + 1) / width)
    edges = low + width * np.arange(bins + 1, dtype=np.float64)
    return np.append(edges, high + 1) if beyond and edges[-1] <= high else edges


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
