"""Ticks at numbers that people count in: multiples of 1, 2, 2.5 and 5, and decades for logarithmic axes."""

from __future__ import annotations

import math

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_CEILINGS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
Tick = tuple[float, str]


def nice_step(span: float, ticks: int) -> float:
    """Return the smallest round step that puts at most about `ticks` ticks on `span`; 0 where there is none."""
    raw = span / max(1, ticks)
    if not math.isfinite(raw) or raw <= 1e-300:
        return 0.0
    size = 10.0 ** math.floor(math.log10(raw))
    return next(size * step for step in _STEPS if size * step >= raw * 0.999999)


def nice_ceiling(value: float) -> float:
    """Return the next round number at or above `value`, so that a growing axis is rescaled seldom."""
    if not math.isfinite(value) or value <= 1e-300:
        return value
    size = 10.0 ** math.floor(math.log10(value))
    return next((size * step for step in _CEILINGS if size * step >= value * 0.999999), value)


def linear_ticks(low: float, high: float, ticks: int, whole: bool = False) -> list[Tick]:
    """Return (value, label) of the round numbers in [low, high]; `whole` allows whole numbers only."""
    step = nice_step(high - low, ticks)
    if whole:
        step = max(1.0, step if step != 2.5 else 5.0)
    return ticks_every(low, high, step)


def ticks_every(low: float, high: float, step: float) -> list[Tick]:
    """Return (value, label) of the multiples of `step` in [low, high]; none where there were more than a thousand."""
    if step <= 0 or (high - low) / step > 1000:
        return []
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [index * step for index in range(first, last + 1)]
    return list(zip(values, _labels(values, step), strict=True))


def log_ticks(low: float, high: float, ticks: int) -> list[Tick]:
    """Return ticks at 1, 2 and 5 of each decade, thinned to about `ticks`; round numbers where that gives too few."""
    if low <= 0 or not math.isfinite(high):
        return []
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        values = [step * 10.0**power for power in decades for step in steps]
        inside = [value for value in values if low <= value <= high]
        if len(inside) <= ticks + 1:
            break
    else:
        inside = inside[:: max(1, len(inside) // max(1, ticks))]
    if len(inside) < 2:
        return [tick for tick in linear_ticks(low, high, ticks) if tick[0] > 0]
    return [(value, compact(value)) for value in inside]


_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def time_ticks(low: float, high: float, ticks: int) -> list[Tick]:
    """Return (seconds, label) at round times in [low, high]: multiples of seconds, minutes, hours or days."""
    raw = (high - low) / max(1, ticks)
    if not math.isfinite(raw) or raw <= 0:
        return []
    if raw < 1:
        return [(value, f"{label} s") for value, label in linear_ticks(low, high, ticks)]
    step = next((step for step in _SECONDS if step >= raw * 0.999999), 0) or 86400 * nice_step(raw / 86400, 1)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first > 1000:
        return []
    return [(index * step, moment(index * step, step)) for index in range(first, last + 1)]


def moment(seconds: float, step: float = 1.0) -> str:
    """A time since the start in its two largest units, down to what `step` needs: 45 s, 1:30, 12 min, 2 h 15, 3 d 4 h."""
    whole = round(seconds)
    days, hours, minutes, rest = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60, whole % 60
    if whole == 0:
        return "0"
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes:02}" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes}:{rest:02}" if step < 60 or rest else f"{minutes} min"
    return f"{rest} s"


def compact(value: float, digits: int = 1) -> str:
    """Return a label of about six characters; `digits` decimals where it needs an exponent."""
    if value == 0:
        return "0"
    size = abs(value)
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if unit <= size < 1e12:
            return f"{value / unit:.4g}{letter}"
    if 1e-3 <= size < 1e3:
        return f"{value:.4g}"
    mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def _labels(values: list[float], step: float) -> list[str]:
    """Labels with just the decimals the step needs, the same number on all."""
    biggest = max((abs(value) for value in values), default=0.0)
    if biggest >= 1e4 or step < 1e-4:
        labels = [[compact(value, digits) for value in values] for digits in (1, 2, 3)]
        return next((some for some in labels if len(set(some)) == len(values)), labels[-1])
    decimals = next((n for n in range(6) if abs(step * 10**n - round(step * 10**n)) < 1e-6 * max(1.0, step * 10**n)), 6)
    return [f"{value:.{decimals}f}" for value in (0.0 if abs(v) < step * 1e-9 else v for v in values)]
