"""How often something happens during a run: a number of steps, or a share of an epoch."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_EPOCHS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*epochs?\s*")


def _checked(value: int | str) -> int | str:
    """Steps, from 1 on, or a text such as "0.5 epochs"."""
    if isinstance(value, int):
        if value < 1:
            raise ValueError(f"is {value}; it must be at least 1")
        return value
    found = _EPOCHS.fullmatch(value)
    if not found or not float(found[1]):
        raise ValueError(f'is {value!r}; give a number of steps, or a text such as "0.5 epochs"')
    return value


Every = Annotated[int | str, AfterValidator(_checked)]
"""Steps (a whole number from 1 on), or "N epochs" with N above 0."""


def in_steps(every: int | str, steps_per_epoch: int) -> int:
    """`every` as a number of steps, at least 1."""
    if isinstance(every, int):
        return every
    found = _EPOCHS.fullmatch(every)
    assert found is not None  # the section has checked it
    return max(1, round(float(found[1]) * steps_per_epoch))
