"""What the app does about data: hold the desk, hear the engine service, show the Data screen.

The desk and all that it needs are loaded with the first look at the Data screen, not before the first frame.
"""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App

    from tui.app import LuthierApp
    from tui.data.desk import Desk
    from tui.data.looking import News
    from tui.link.heard import Answered, ServiceEnded

    _Base = App[list[str]]
else:
    _Base = object


class DataActs(_Base):
    """The part of the app that is concerned with data."""

    _desk: Desk | None = None

    @property
    def desk(self) -> Desk:
        """The open sources."""
        if self._desk is None:
            from tui.data.desk import Desk

            self._desk = Desk(self)  # type: ignore[arg-type]
        return self._desk

    def _app(self) -> LuthierApp:
        return self  # type: ignore[return-value]

    def on_answered(self, message: Answered) -> None:
        """The service said something."""
        self.desk.heard(message)

    def on_service_ended(self, message: ServiceEnded) -> None:
        """The service ended."""
        self.desk.ended(message)

    def spread_data(self, what: Set[News]) -> None:
        """Tell the screen that shows the data, if it can be seen; one that is covered catches up by itself."""
        from tui.screens.data import Data

        app = self._app()
        for screen in app.screen_stack:
            if isinstance(screen, Data) and screen.is_mounted and app.is_shown(screen):
                screen.news_of_data(what)

    async def close_desk(self) -> None:
        """End the service."""
        if self._desk is not None:
            await self._desk.service.close()

    def action_show_data(self) -> None:
        """To the data."""
        self.open_data()

    def open_data(self, choose: bool = False) -> None:
        """Show the Data screen; `choose`: ask at once what to open."""
        from tui.screens.data import Data

        app = self._app()
        if not isinstance(app.screen, Data):
            app.go_home()
            app.push_screen(Data())
        if choose:
            app.call_later(app.frame.run_action, "open_data")
