"""Amounts of memory as people write them: "24GB", "7.5 GiB". The only place that reads them.

Decimal units (GB: 10^9 bytes) and binary ones (GiB: 2^30 bytes) mean exactly what they say.
"""

from __future__ import annotations

import re
from decimal import Decimal

from engine.errors import ConfigError

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([MGT])(i?)B?\s*", re.IGNORECASE)
_POWER = {"m": 2, "g": 3, "t": 4}


def parse_size(text: str) -> int:
    """Return the bytes that `text` names, rounded down to a whole one. Raises ConfigError."""
    found = _SIZE.fullmatch(text)
    if not found:
        raise ConfigError(
            f'{text!r} is not an amount of memory; write a number and a unit, such as "24GB" or "7.5GiB".'
        )
    unit = (1024 if found[3] else 1000) ** _POWER[found[2].lower()]
    size = int(Decimal(found[1]) * unit)
    if not size:
        raise ConfigError(f'{text!r} is no memory at all; give an amount such as "24GB".')
    return size


def spell_size(size: int) -> str:
    """`size` bytes for people, in binary units with three digits: "5.31 GiB", "812 MiB"."""
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if abs(size) >= unit:
            value = size / unit
            return f"{value:,.{max(0, 2 - (abs(value) >= 10) - (abs(value) >= 100))}f} {name}"
    return f"{size} bytes"
