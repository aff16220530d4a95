"""Keys of the Configure screen."""

from __future__ import annotations

from tui.keys.key import Key

CONFIGURE: tuple[Key, ...] = ()
