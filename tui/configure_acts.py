"""What the app does about run files as forms: show the Configure screen, and lead there from runs and drafts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App

    from tui.app import LuthierApp

    _Base = App[list[str]]
else:
    _Base = object


class ConfigureActs(_Base):
    """The part of the app that is concerned with Configure."""

    def _app(self) -> LuthierApp:
        return self  # type: ignore[return-value]

    def action_show_configure(self) -> None:
        """To the settings of the present draft."""
        from tui.screens.configure import Configure

        app = self._app()
        if not isinstance(app.screen, Configure):
            app.go_home()
            app.push_screen(Configure())
