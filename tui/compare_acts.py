"""What the app does about several runs at once: show the Compare screen with the runs that were chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App

    from tui.app import LuthierApp

    _Base = App[list[str]]
else:
    _Base = object


class CompareActs(_Base):
    """The part of the app that is concerned with Compare."""

    def _this(self) -> LuthierApp:
        return self  # type: ignore[return-value]

    def action_show_compare(self) -> None:
        """To the runs that are compared."""
        self.compare(())

    def compare(self, names: Sequence[str]) -> None:
        """Show runs side by side; without names those that were compared last, or the newest."""
        from tui.screens.compare import Compare

        app = self._this()
        if not isinstance(app.screen, Compare):
            app.go_home()
            app.push_screen(Compare(names))
