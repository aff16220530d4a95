"""The one table of keys. Bindings, footers, the help screen and the command palette are made from it.

A key belongs to a place; `app` is everywhere. Each place has its file here; a new place is a file, a name in `Where`, a title
in `PLACES` and a line in `KEYS`. `footer` ranks what a footer shows: the lowest ranks first, seven at most. No key that a
terminal cannot send or that tmux and screen take for themselves.
"""

from __future__ import annotations

from collections.abc import Callable

from textual.binding import Binding, BindingType

from tui.keys.common import COMMON
from tui.keys.compare import COMPARE
from tui.keys.configure import CONFIGURE
from tui.keys.data import DATA
from tui.keys.demo import DEMO
from tui.keys.everywhere import EVERYWHERE
from tui.keys.home import HOME
from tui.keys.key import PLACES, Key, Where
from tui.keys.monitor import MONITOR
from tui.keys.tokens import TOKENS

__all__ = ["FOOTER_KEYS", "KEYS", "PLACES", "Key", "Where", "bindings", "footer_keys", "keys_of", "matching"]

FOOTER_KEYS = 7

KEYS: tuple[Key, ...] = (
    *EVERYWHERE,
    *HOME,
    *DATA,
    *TOKENS,
    *CONFIGURE,
    *MONITOR,
    *COMPARE,
    *DEMO,
    *COMMON,
)


def keys_of(*places: Where) -> list[Key]:
    """The keys of some places, in the order of the table."""
    return [key for key in KEYS if key.where in places]


def bindings(where: Where, *leave_out: str) -> list[BindingType]:
    """The bindings of a place; a binding's id is `place.action`."""
    return [
        Binding(key.keys, key.id, key.label, id=f"{where}.{key.id}", priority=key.id == "quit")
        for key in keys_of(where)
        if key.id not in leave_out
    ]


def footer_keys(where: Where) -> list[Key]:
    """What a footer may show at a place, most wanted first."""
    return sorted((key for key in keys_of(where, "app") if key.footer), key=lambda key: key.footer)


def matching(keys: list[Key], wanted: str, shown: Callable[[Key], str] = lambda key: key.shown) -> list[Key]:
    """The keys whose name, label or help holds every word of `wanted`; `shown` says what a key is called."""
    words = wanted.lower().split()

    def text(key: Key) -> str:
        return f"{shown(key)} {key.label} {key.help} {PLACES[key.where]} {key.where}.{key.id}".lower()

    return [key for key in keys if all(word in text(key) for word in words)]
