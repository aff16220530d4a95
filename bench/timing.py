"""Timing two things fairly on a noisy machine: in turns, and by the median."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def in_turns(ours: Callable[[], object], peer: Callable[[], object], rounds: int = 7) -> tuple[float, float]:
    """Return the median seconds of both, run alternately after one warm-up each."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for kept, work in zip(times, (ours, peer), strict=True):
            began = time.perf_counter()
            work()
            if number:
                kept.append(time.perf_counter() - began)
    return statistics.median(times[0]), statistics.median(times[1])


def report(name: str, ours_s: float, peer_s: float, peer: str) -> None:
    """Print one line: both times, and how many times faster ours is."""
    print(f"{name:<44} {1e3 * ours_s:10.3f} ms   {peer:<34} {1e3 * peer_s:10.3f} ms   x {peer_s / ours_s:.2f}")
