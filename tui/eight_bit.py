"""The nearest of 256 colours: what a terminal gets that did not say it can show all of them, as over most SSH lines.

Invariant: a colour that is nearly grey becomes a grey. The plain nearest corner of the colour cube would turn the dark
and the pale grounds of a theme red or pink.
"""

from __future__ import annotations

from functools import lru_cache

Rgb = tuple[int, int, int]
_CUBE = (0, 95, 135, 175, 215, 255)
_NEARLY_GREY = 48
"""Difference of the largest and the smallest part up to which a colour counts as grey."""


def _entries() -> list[tuple[int, Rgb]]:
    cube = [
        (16 + 36 * r + 6 * g + b, (_CUBE[r], _CUBE[g], _CUBE[b])) for r in range(6) for g in range(6) for b in range(6)
    ]
    return cube + [(232 + i, (8 + 10 * i, 8 + 10 * i, 8 + 10 * i)) for i in range(24)]


_ALL = _entries()
_GREYS = [(number, rgb) for number, rgb in _ALL if rgb[0] == rgb[1] == rgb[2]]


@lru_cache(1024)
def nearest(red: int, green: int, blue: int) -> int:
    """Return the number (16 to 255) of the colour of the terminal's palette that is nearest to an RGB colour."""
    grey = max(red, green, blue) - min(red, green, blue) < _NEARLY_GREY

    def distance(entry: tuple[int, Rgb]) -> int:
        r, g, b = entry[1]
        return 3 * (r - red) ** 2 + 4 * (g - green) ** 2 + 2 * (b - blue) ** 2  # the eye's weights, roughly

    return min(_GREYS if grey else _ALL, key=distance)[0]
