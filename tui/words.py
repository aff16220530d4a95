"""Numbers, durations and states in the words of the screens: short, with their unit, the same everywhere."""

from __future__ import annotations

import math
import time

STATE_ROLE: dict[str, str] = {
    "loading": "faint",
    "queued": "muted",
    "paused": "warn",
    "starting": "accent",
    "running": "accent",
    "succeeded": "good",
    "stopped": "warn",
    "failed": "bad",
    "crashed": "bad",
}
"""The ink in which a state is written; the state's word and glyph are always there too."""


STATE_WORD: dict[str, str] = {"succeeded": "done"}
"""What people read of a state; one that is not here is called as it is."""


def state(name: str) -> str:
    """A state in the word that people read."""
    return STATE_WORD.get(name, name)


def count(value: float) -> str:
    """A whole number with thousands separators."""
    return f"{value:,.0f}"


def short_count(value: float) -> str:
    """A number in at most five characters: 950, 18.2k, 4.9M, 1.1B."""
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            scaled = value / size
            return f"{scaled:.1f}{unit}" if abs(scaled) < 99.95 else f"{scaled:.0f}{unit}"
    return f"{value:.0f}"


def short_bytes(value: float) -> str:
    """A size in at most six characters: 812 B, 4.0 MB, 1.2 GB."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= size * 0.9995:
            scaled = value / size
            return f"{scaled:.1f} {unit}" if scaled < 99.95 else f"{scaled:.0f} {unit}"
    return f"{value:.0f} B"


def loss(value: float | None) -> str:
    """A loss with the precision an eye can use."""
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "inf"
    if abs(value) >= 1000 or (value != 0 and abs(value) < 0.001):
        return rate(value)
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


def rate(value: float | None) -> str:
    """A learning rate: 1.6e-4, without the zeros of the exponent."""
    if value is None or not math.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def gib(value: float | None) -> str:
    """Memory in GiB."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.1f} GiB" if value >= 1 else f"{value * 1024:.0f} MiB"


def duration(seconds: float | None) -> str:
    """A duration in its two largest units: 42 s, 12 min, 2 h 05, 3 d 4 h."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest:02} s" if minutes < 10 else f"{round(whole / 60)} min"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02}"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def estimate(seconds: float, plus_minus: float) -> str:
    """A duration that is not sure: 42 s ± 3, 12 min ± 1, 2 h 05 ± 8 min."""
    text = duration(seconds)
    if not math.isfinite(seconds) or not math.isfinite(plus_minus) or plus_minus < 0.5:
        return text
    size, unit = (1, "s") if plus_minus < 60 else (60, "min") if plus_minus < 3600 else (3600, "h")
    same = text.endswith(f" {unit}") and text.count(" ") == 1
    return f"{text} ± {max(1, round(plus_minus / size))}" + ("" if same else f" {unit}")


def age(t: float | None, now: float | None = None) -> str:
    """How long ago a Unix time is, in one unit: now, 5 min, 3 h, 2 d."""
    if t is None:
        return "-"
    seconds = max(0.0, (time.time() if now is None else now) - t)
    if seconds < 60:
        return "now"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"


def percent(done: float, total: float) -> str:
    """A share in whole percent; empty where the total is unknown."""
    return f"{min(100, int(100 * done / total))}%" if total else ""


def clock(t: float) -> str:
    """The local time of day of a Unix time; dashes for a number that is none."""
    try:
        return time.strftime("%H:%M:%S", time.localtime(t))
    except (OverflowError, ValueError, OSError):
        return "--:--:--"
