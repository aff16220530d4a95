"""What a person should know of a key beyond its meaning: usual values, what too little and too much do, where that comes from.

A field carries its advice in its annotation, `Annotated[int, Advice(...)]`; the form, `luthier spec` and the warnings about
unusual values are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Words about a key. Every text may be empty."""

    label: str = ""
    """What a form calls it; empty: the key itself."""
    usual: str = ""
    """Usual values in words: "8 to 64"."""
    usual_range: tuple[float, float] | None = None
    """A number outside of it is flagged as unusual, never refused."""
    low: str = ""
    """What happens when it is too low (or off)."""
    high: str = ""
    """What happens when it is too high (or on)."""
    unit: str = ""
    source: str = ""
    """Where the figures come from: "arXiv 2106.09685"."""
    steps: tuple[Any, ...] = ()
    """Values that left and right go through in a form; empty: choices, true and false, or doubling and halving."""
    advanced: bool = False
    """Not needed by most: a form shows it below the others."""
    kind: Literal["", "path", "lines"] = ""
    """How a form edits it where its type does not say: a text that is a path, a list with one entry a line."""
