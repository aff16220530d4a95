"""What every request and every answer carries. Light."""

from __future__ import annotations

import msgspec


class Request(msgspec.Struct, kw_only=True):
    """Anything asked. `id` is above 0 and never used twice on one connection."""

    id: int


class Answer(msgspec.Struct, kw_only=True):
    """Anything answered. `id` is that of the request; 0 in `hello`."""

    id: int = 0
