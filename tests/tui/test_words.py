"""Numbers in words."""

from __future__ import annotations

import math

import pytest

from tui import words
from tui.figures import large


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (950, "950"), (999.9, "1.0k"), (18_234, "18.2k"), (4_884_480, "4.9M"), (1_100_000_000, "1.1B")],
)
def test_short_counts(value: float, text: str) -> None:
    assert words.short_count(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (math.inf, "-"), (0, "0 s"), (59, "59 s"), (338, "5 min 38 s"), (1500, "25 min"), (7500, "2 h 05")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text


def test_the_rest() -> None:
    assert [words.loss(v) for v in (None, 1.8234, 12.345, 1e-5, math.nan)] == ["-", "1.823", "12.35", "1e-5", "-"]
    assert [words.rate(v) for v in (None, 0, 2e-4, 1.64e-4)] == ["-", "0", "2e-4", "1.6e-4"]
    assert [words.gib(v) for v in (None, 9.12, 0.5)] == ["-", "9.1 GiB", "512 MiB"]
    assert [words.age(100, now) for now in (110, 400, 7400, 200_000)] == ["now", "5 min", "2 h", "2 d"]
    assert [words.percent(1, 3), words.percent(4, 3), words.percent(1, 0)] == ["33%", "100%", ""]


def test_a_time_that_is_none_has_no_clock() -> None:
    assert [words.clock(t) for t in (1e18, -1e300, math.inf, math.nan)] == ["--:--:--"] * 4


def test_large_figures_line_up() -> None:
    for ascii_only, height in ((False, 3), (True, 5)):
        rows = large("0123456789.%", ascii_only)
        assert len(rows) == height
        assert len({len(row) for row in rows}) == 1


def test_a_state_has_one_word() -> None:
    assert [words.state(name) for name in ("succeeded", "failed", "queued")] == ["done", "failed", "queued"]
