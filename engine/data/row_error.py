"""The error of one row. It costs that row and no other."""

from __future__ import annotations


class RowError(ValueError):
    """This one row does not fit its format; the text says why."""
