"""Left and right in a form: the next choice, the next usual number, twice or half as much.

Invariant: what comes out is within the bounds of the field itself; what other keys say is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.config.field_values import equal

if TYPE_CHECKING:
    from engine.config.form import Field

_ROUND = (1.0, 2.0, 5.0)


def turn(field: Field, value: Any, by: int) -> Any:
    """The value that lies `by` places further: the next choice, the next usual number, twice as many.

    A text without usual values stays as it is. What comes out is always within the field's own bounds.
    """
    if field.kind == "bool":
        return (not value) if by % 2 else bool(value)
    if field.kind == "choice":
        around = ([None] if field.optional and field.default is None else []) + list(field.choices)
        at = next((number for number, item in enumerate(around) if equal(item, value)), -1 if by > 0 else 0)
        return around[(at + by) % len(around)]
    steps = field.advice.steps
    if steps and field.kind not in ("int", "float"):
        at = next(
            (number for number, item in enumerate(steps) if equal(_copied(item), value)), -1 if by > 0 else len(steps)
        )
        return _copied(steps[max(0, min(len(steps) - 1, at + by))])
    if field.kind not in ("int", "float"):
        return value
    for _ in range(abs(by)):
        value = _next(field, value, up=by > 0)
    return value


def _next(field: Field, value: Any, up: bool) -> int | float:
    """The next usual number above or below; beyond the usual ones twice or half as many."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        value = field.default
        if not isinstance(value, int | float):
            usual = field.advice.steps or (field.advice.usual_range or ())[:1] or (field.least or 1,)
            first = usual[0]
            return int(first) if field.kind == "int" else float(first)
    steps = sorted(field.advice.steps)
    beyond = [item for item in steps if (item > value if up else item < value)]
    if steps and value > 4 * max(steps):  # far from all that is usual: a number of steps where they are shares
        beyond = []
    if beyond:
        found: int | float = beyond[0] if up else beyond[-1]
    elif field.kind == "int":
        found = max(1, value * 2) if up else value // 2
    else:
        found = _rounder(float(value), up)
    return _within(field, value, found)


def _within(field: Field, value: int | float, found: int | float) -> int | float:
    if field.least is not None and found < field.least:
        return value if value >= field.least else type(found)(field.least)
    if field.most is not None and found > field.most:
        return value if value <= field.most else type(found)(field.most)
    if found in (field.least, field.most) and _excluded(field, found):
        return value
    return found


def _excluded(field: Field, end: float) -> bool:
    """Whether a bound is not itself allowed."""
    return (field.least == end and "above" in field.bounds) or (field.most == end and "below" in field.bounds)


def _rounder(value: float, up: bool) -> float:
    """The next of 1, 2, 5, 10, 20, ... above or below."""
    if value <= 0:
        return 0.01 if up else value
    power = 10.0 ** _exponent(value)
    marks = [float(f"{mark * scale:.6g}") for scale in (power / 10, power, power * 10) for mark in _ROUND]
    return next(mark for mark in (marks if up else reversed(marks)) if (mark > value if up else mark < value))


def _exponent(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])


def _copied(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
