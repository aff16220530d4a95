"""Keys that are typed ahead: what comes before a dialog can take it is kept for the dialog.

A key goes from the widget that has the focus up to the app, queue by queue, and the bindings are looked at last. Of a burst
("o" and a path behind it) all keys are on their way before the first one has opened anything. Invariant: while a screen is
about to open, or is not ready, no key is looked at; then all of them are typed anew, in their order, into what opened.
"""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakSet

from textual import events
from textual.widgets import Input
from textual.worker import Worker, get_current_worker

from tui.sparing import SparingApp

_ASKING = ("ask", "palette")
"""Groups of the workers that open a dialog."""
_LOOK_S = 0.005
_PATIENCE_S = 1.0
"""A screen that takes longer is not waited for."""

Typed = events.Key | events.Paste


class TypeAheadApp(SparingApp):
    """The base of the TUI that loses no key."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead: list[Typed] = []
        self._patient_until = 0.0
        self._ready_since = 0.0
        """When the topmost screen, or a field of it, was first seen ready: older keys were meant for it, wherever they went."""
        self._ready_for: object = None
        self._have_asked: WeakSet[Worker[Any]] = WeakSet()
        """Workers that came as far as their dialog, or are not waited for any longer."""
        self._coming: object = None
        """A screen that is pushed as soon as what was called before it is done."""

    async def on_event(self, event: events.Event) -> None:
        """Keep a key back while nothing can take it."""
        if not isinstance(event, (events.Key, events.Paste)):
            await super().on_event(event)
            return
        if self._ahead or not self._can_take_keys(event):
            self._keep(event)
        elif event.is_forwarded and self._is_late(event):
            await super().on_event(_anew(event))
        else:
            await super().on_event(event)

    def _asking(self) -> list[Worker[Any]]:
        return [worker for worker in self.workers if worker.group in _ASKING]

    async def push_screen_wait(self, screen: Any, *, mode: str | None = None) -> Any:
        """Push a screen and wait for its answer; keys are kept from here on."""
        self._coming = screen
        self._have_asked.add(get_current_worker())
        return await super().push_screen_wait(screen, mode=mode)

    def _can_take_keys(self, event: Typed | None = None) -> bool:
        """Whether no screen is about to open, and the topmost one is ready."""
        if not self.screen_stack:
            return True
        if any(not worker.is_finished and worker not in self._have_asked for worker in self._asking()):
            return False
        if self._coming in self.screen_stack:
            self._coming = None
        top = self.screen
        if self._coming is not None or not top.is_mounted or (top.is_modal and top.AUTO_FOCUS and top.focused is None):
            return False
        ready = (top, top.focused if isinstance(top.focused, Input) else None)
        if ready != self._ready_for:
            direct = event is not None and not event.is_forwarded
            self._ready_for, self._ready_since = ready, event.time if event and direct else time.monotonic()
        return True

    def _is_late(self, event: Typed) -> bool:
        """Whether a key was on its way before the dialog or the field opened that it was meant for."""
        screen = self.screen
        return (screen.is_modal or isinstance(screen.focused, Input)) and event.time < self._ready_since

    def _keep(self, event: Typed) -> None:
        if not self._ahead:
            self._patient_until = time.monotonic() + _PATIENCE_S
            self.set_timer(_LOOK_S, self._let_in)
        self._ahead.append(event)

    async def _let_in(self) -> None:
        """Type what was kept, in the order in which it was typed."""
        if not self._can_take_keys() and time.monotonic() < self._patient_until:
            self.set_timer(_LOOK_S, self._let_in)
            return
        self._coming = None
        self._have_asked.update(self._asking())
        kept, self._ahead = sorted(self._ahead, key=lambda event: event.time), []
        for event in kept:
            await super().on_event(_anew(event))


def _anew(event: Typed) -> Typed:
    """The same key, as if it came from the terminal now."""
    return events.Paste(event.text) if isinstance(event, events.Paste) else events.Key(event.key, event.character)
