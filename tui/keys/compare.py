"""Keys of the Compare screen."""

from __future__ import annotations

from tui.keys.key import Key

COMPARE: tuple[Key, ...] = ()
