"""An app that sends only what the terminal does not show yet, and everything when the terminal may have lost it."""

from __future__ import annotations

from typing import Any, cast

from rich.console import RenderableType
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.screen import Screen

from tui.sending import Change, Screenful


class SparingApp(App[list[str]]):
    """The base of the TUI: it stands between Textual's updates and the terminal."""

    def __init__(self) -> None:
        super().__init__()
        self._screenful = Screenful()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send the cells that differ. An update of another kind may change anything."""
        if isinstance(renderable, (LayoutUpdate, ChopsUpdate)):
            self._screenful.resize(self.size)
            renderable = cast("RenderableType", Change(renderable, self._screenful))
        elif renderable is not None:
            self._screenful.forget()
        super()._display(screen, renderable)

    def on_mount(self) -> None:
        """Another program may have written while this one was suspended."""
        self.app_resume_signal.subscribe(self, lambda _: self.action_redraw())

    def on_resize(self, event: events.Resize) -> None:
        """A terminal that was resized may show anything, also where it has its old size again."""
        self.action_redraw()

    def action_redraw(self) -> None:
        """Send the whole screen."""
        self._screenful.forget()
        self.screen.refresh()
