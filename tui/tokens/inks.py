"""The inks of tokens. None says anything alone: what is trained is underlined, what is cut struck through, controls boxed."""

from __future__ import annotations

MARK_INKS = {"trained": "train under", "masked": "muted", "cut": "faint strike"}
"""Of tokens that are text, by their mark."""
CONTROL_INKS = {"trained": "train under control", "masked": "muted control", "cut": "muted strike control"}
"""Of control tokens."""
BYTE_INKS = {"trained": "muted under", "masked": "faint", "cut": "faint strike"}
"""Of bytes that are no whole character."""


def spaced(data: str) -> str:
    """Bytes as pairs of digits."""
    return " ".join(data[i : i + 2] for i in range(0, len(data), 2))
