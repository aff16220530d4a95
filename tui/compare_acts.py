"""What the app does about several runs at once: show the Compare screen with the runs that were chosen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from tui.compared import Compared
from tui.earlier import earlier_like

if TYPE_CHECKING:
    from textual.app import App

    from tui.app import LuthierApp

    _Base = App[list[str]]
else:
    _Base = object


class CompareActs(_Base):
    """The part of the app that is concerned with Compare."""

    @cached_property
    def compared(self) -> Compared:
        """The runs that are compared; kept while the app lives."""
        return Compared()

    def _this(self) -> LuthierApp:
        return self  # type: ignore[return-value]

    def action_show_compare(self) -> None:
        """To the runs that are compared."""
        self.compare(())

    def compare(self, names: Sequence[str]) -> None:
        """Show runs side by side; without names those that were compared last.

        A single run joins those that are compared already; where there are none, the nearest earlier run with the same model
        and data stands beside it.
        """
        from tui.screens.compare import Compare

        app = self._this()
        if len(names) > 1:
            self.compared.set(names)
        elif names:
            self.compared.add([*self._beside(names[0]), names[0]])
        if not isinstance(app.screen, Compare):
            app.go_home()
            app.push_screen(Compare())
        else:
            app.screen.news(set(names))

    def _beside(self, name: str) -> list[str]:
        runs = self._this().link.runs
        if self.compared.names or name not in runs:
            return []
        other = earlier_like(runs[name], runs.values())
        return [other.dir.name] if other is not None else []
