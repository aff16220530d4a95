"""Rows that are far longer or far shorter than the others."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from engine.data.found import RowNumbers
from engine.data.quality.base import Rule, Seen, Setting, Severity
from engine.facts import FindingFacts

ENOUGH = 20
"""Rows below which nobody can say what is usual."""
_FENCE = 3.0
_LEAST_SPREAD = 0.4
"""Of the logarithms: where nearly all rows are alike, an outlier is still three times as long as the usual, or a third of it."""


class LengthOutlier(Rule):
    """Beyond three times the distance of the quartiles, on a logarithmic scale."""

    title: ClassVar[str] = "Unusual lengths"
    severity: ClassVar[Severity] = "note"
    why: ClassVar[str] = (
        "Rows far longer than the rest are cut at max_length and decide how much memory a batch needs; far shorter ones "
        "are often leftovers."
    )
    cure: ClassVar[str] = "Look at them: leave out what is broken; for long ones compare max_length."

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._usual = ""

    def rows(self, seen: Seen) -> RowNumbers:
        sizes, numbers = seen.sizes, seen.numbers
        if len(sizes) < ENOUGH:
            return numbers[:0]
        logs = np.log1p(sizes.astype(np.float32))
        q1, q3 = (float(q) for q in np.percentile(logs, [25, 75]))
        reach = _FENCE * max(q3 - q1, _LEAST_SPREAD)
        least, most = np.expm1(q1 - reach), np.expm1(q3 + reach)
        hit = np.flatnonzero((logs < q1 - reach) | (logs > q3 + reach))
        self._usual = f"usual are {max(0, least):,.0f} to {most:,.0f} {seen.unit}"
        extremes = hit[np.argsort(-np.abs(logs[hit] - (q1 + q3) / 2), kind="stable")][:5]
        self.samples = [f"row {numbers[index]}: {sizes[index]:,} {seen.unit}" for index in extremes]
        return np.sort(numbers[hit])

    def finding(self, name: str, rows: RowNumbers) -> FindingFacts:
        found = super().finding(name, rows)
        found.title = f"{self.title} ({self._usual})"
        return found
