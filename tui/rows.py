"""What all painting is made of. Light: importing it costs nothing."""

from __future__ import annotations

Row = list[tuple[str, str]]
"""A painted line: pieces of text, each with the names of its inks."""
