"""Which theme the app has: found, chosen, remembered, and read again when the user's file of it changes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.style import Style
from textual.theme import Theme

from tui.theme import DEFAULT_THEME, FEW_COLORS_THEME, derived_inks, inks_of, load_themes, user_themes_dir
from tui.widgets.painted import Painted

if TYPE_CHECKING:
    from textual.app import App

    from tui.app import LuthierApp

    _Base = App[list[str]]
else:
    _Base = object


class ThemeActs(_Base):
    """The part of the app that is concerned with themes."""

    _inks: tuple[Theme | None, dict[str, Style]] = (None, {})
    _files_of_themes: frozenset[tuple[str, int]] = frozenset()
    _problems_of_themes: Sequence[str] = ()

    def _one(self) -> LuthierApp:
        return self  # type: ignore[return-value]

    def _choose_theme(self, wanted: str) -> list[str]:
        """Register ours and the user's, and use the one of the flag, of the settings, or what suits. Return what went wrong."""
        found = load_themes()
        for theme in found.themes.values():
            self.register_theme(theme)
        self._files_of_themes, self._problems_of_themes = _files(), found.problems
        problems = list(found.problems)
        for name in (wanted, self._one().settings.theme, os.environ.get("TEXTUAL_THEME", "")):
            if name in self.usable_themes:
                self.theme = name
                return problems
            if name and name != os.environ.get("TEXTUAL_THEME"):
                known = ", ".join(sorted(self.usable_themes))
                problems.append(f"There is no theme {name!r}. There are {known}.")
        self.theme = self.default_theme
        return problems

    @property
    def default_theme(self) -> str:
        """What suits a terminal whose user wished for nothing: 16 colours cannot show ours."""
        few = self.console.color_system == "standard" and not self.no_color
        return FEW_COLORS_THEME if few else DEFAULT_THEME

    @property
    def usable_themes(self) -> dict[str, bool]:
        """Names of the themes that can be chosen, and whether each is dark.

        Without colours the terminal's own palette cannot be told apart: such themes are not offered then.
        """
        return {name: theme.dark for name, theme in self.available_themes.items() if not (self.no_color and theme.ansi)}

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The inks of themes that are not ours."""
        return derived_inks(self.current_theme)

    @property
    def inks(self) -> dict[str, Style]:
        """The styles that widgets paint with."""
        if self._inks[0] is not self.current_theme:
            variables = self.get_css_variables()
            self._inks = (self.current_theme, inks_of(variables, self.current_theme.ansi, self.no_color))
        return self._inks[1]

    def _theme_changed(self, theme: Theme) -> None:
        for screen in self.screen_stack:
            for widget in screen.query(Painted):
                widget.notify_style_update()
                widget.refresh()

    def remember_theme(self, name: str) -> None:
        """Use a theme from now on."""
        from dataclasses import replace

        app = self._one()
        self.theme = name
        app.settings = replace(app.settings, theme=name)
        try:
            from tui.settings_file import remember

            remember("theme", name)
        except (OSError, ValueError) as error:
            app.complain(f"The theme is used but could not be remembered: {error}")
            return
        if os.environ.get("LUTHIER_THEME", name) != name:
            app.complain("The theme is remembered, but $LUTHIER_THEME comes before it at the next start.")

    def look_at_themes(self) -> None:
        """Read the user's themes again where a file of theirs changed: the present one is shown at once as it is now."""
        files = _files()
        if files == self._files_of_themes:
            return
        self._files_of_themes = files
        found = load_themes()
        for problem in found.problems:
            if problem not in self._problems_of_themes:
                self._one().complain(problem)
        self._problems_of_themes = found.problems
        changed = {name: theme for name, theme in found.themes.items() if theme != self.available_themes.get(name)}
        for theme in changed.values():
            self.register_theme(theme)
        if self.theme in changed:
            self._watch_theme(self.theme)


def _files() -> frozenset[tuple[str, int]]:
    """The user's palettes and when each was written last; empty where there are none, which costs one look at a folder."""
    folder: Path = user_themes_dir()
    try:
        with os.scandir(folder) as entries:
            return frozenset(
                (entry.name, entry.stat().st_mtime_ns) for entry in entries if entry.name.endswith(".toml")
            )
    except OSError:
        return frozenset()
