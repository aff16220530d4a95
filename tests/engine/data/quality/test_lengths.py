"""Unusual lengths, against the definition written another way."""

from __future__ import annotations

import math
import random
import statistics

from tests.engine.data.quality.looking import examined, rows_found, texts


def test_far_longer_and_far_shorter_rows() -> None:
    rnd = random.Random(1)
    lengths = [rnd.randrange(180, 220) for _ in range(60)]
    lengths[10], lengths[20], lengths[30] = 5000, 3, 400
    report = examined([{"text": "x" * length} for length in lengths], "text", "length_outlier")
    assert report.rows_of("length_outlier").tolist() == [11, 21]
    (finding,) = report.findings
    assert finding.samples == ["row 21: 3 characters", "row 11: 5,000 characters"]  # the strangest first
    assert finding.title.startswith("Unusual lengths (usual are ")


def test_wide_spreads_have_wide_fences() -> None:
    rnd = random.Random(2)
    lengths = [round(math.exp(rnd.gauss(6, 1))) for _ in range(500)]
    logs = sorted(math.log1p(length) for length in lengths)
    q1, _, q3 = statistics.quantiles(logs, n=4, method="inclusive")
    outside = [
        number
        for number, length in enumerate(lengths, 1)
        if not q1 - 3 * (q3 - q1) <= math.log1p(length) <= q3 + 3 * (q3 - q1)
    ]
    assert rows_found("length_outlier", [{"text": "x" * length} for length in lengths], "text") == outside


def test_nothing_is_said_of_few_rows_or_of_even_ones() -> None:
    assert texts("length_outlier", *["short"] * 18, "x" * 10_000) == []
    assert texts("length_outlier", *["even"] * 100) == []
    assert texts("length_outlier", *["x" * 100] * 100, "x" * 200) == []
    assert texts("length_outlier", *["x" * 100] * 100, "x" * 400) == [101]
