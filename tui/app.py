"""The application: what is shown, which theme, and how news reaches the screens. What it does to runs is in `acts`.

Workers post messages; the handlers here own what is known; widgets own pixels. It never imports a machine-learning library.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.segment import Segment, Segments
from textual import on, work
from textual.await_complete import AwaitComplete
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import ModalScreen, Screen

from engine.text import visible
from tui import settings as stored
from tui.acts import RunActs
from tui.command_acts import CommandActs
from tui.compare_acts import CompareActs
from tui.configure_acts import ConfigureActs
from tui.crash import report
from tui.data_acts import DataActs
from tui.find import Findable
from tui.glyphs import ASCII, UNICODE
from tui.keys import bindings
from tui.keys.user import UserKeys
from tui.link import Link, RunFound, RunGrew, RunsListed, StoryGrew
from tui.screens.frame import Frame
from tui.screens.home import Home
from tui.text import Wall, cell_len, wrap
from tui.theme_acts import ThemeActs
from tui.tokens_acts import TokensActs
from tui.tty import terminal_is_gone
from tui.typing_ahead import TypeAheadApp

_SOON_S = 0.05
_LAST_WORD_S = 2.0
_PROBLEMS_SHOWN = 3
_TOAST, _TOAST_FRAME = 60, 3
"""Cells of a toast as the stylesheet has it, and those of them that hold no text."""
_BEGIN_S = 0.25
"""When reading the runs begins at the latest, in seconds after the start."""


class LuthierApp(RunActs, DataActs, TokensActs, ConfigureActs, CompareActs, CommandActs, ThemeActs, TypeAheadApp):
    """The TUI. Its result is the names of the runs that go on without it."""

    TITLE = "Luthier"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = bindings("app")

    def __init__(
        self,
        runs_dir: Path,
        starter_dir: Path,
        *,
        theme: str = "",
        ascii_only: bool = False,
        demo: bool = False,
        fresh: bool = False,
        loaded: stored.Loaded | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        """`loaded` are settings that were read already; `warnings` are told when the first screen is there."""
        super().__init__()
        self.animation_level = "none"
        loaded = loaded or stored.load_all()
        self.settings = loaded.settings
        self.glyphs = ASCII if ascii_only else UNICODE
        self.link = Link(self, runs_dir, starter_dir)
        self._wall = Wall(ascii_only)
        self._first_demo, self._first_fresh = demo, fresh
        self._begun = False
        self._news: set[str] | None = None
        self._news_of_story = False
        self._seconds = 0
        self._problems: list[str] = [*loaded.problems, *warnings]
        self._hung_up = self._asked_to_end = False
        self._problems += self._choose_theme(theme)
        self._take_keys()
        if ascii_only:
            self.add_class("-ascii")

    # Settings

    def _take_keys(self) -> None:
        """The keys as the user wants them."""
        self.user_keys = UserKeys(self.settings.preset, self.settings.keymap)
        self._problems += self.user_keys.problems
        self.set_keymap(self.user_keys.changed)

    def use_settings(self, settings: stored.Settings) -> set[str]:
        """Use other settings from now on; return the keys of those that take a new start."""
        before, self.settings = self.settings, settings
        if settings.theme != before.theme:
            self.theme = settings.theme or self.default_theme
        if settings.preset != before.preset:
            self._take_keys()
            self.refresh_bindings()
            self.frame.refresh_bars()
        return {
            known.key
            for known in stored.KNOWN.values()
            if known.key.startswith("terminal.") and getattr(before, known.name) != getattr(settings, known.name)
        }

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's filters, and ours behind them."""
        return [*super().get_line_filters(), self._wall]

    # Life

    def on_mount(self) -> None:
        """Home first; reading starts when it is on the screen."""
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        for number in (signal.SIGHUP, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._end_by_signal)
        self.push_screen(Home())
        if self._first_demo:
            self.open_demo(start=True, fresh=self._first_fresh)
        self.call_after_refresh(self._begin)
        # Textual forgets what waits for a screen's paint where a key leads to another screen before it: then this begins.
        self.set_timer(_BEGIN_S, self._begin)

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        for problem in self._problems[-_PROBLEMS_SHOWN:]:  # the newest are of what was asked for
            self.complain(problem)
        if (more := len(self._problems) - _PROBLEMS_SHOWN) > 0:
            self.complain(f"And {more} more like these. esc closes all.")
        self.run_worker(self.link.tail, thread=True, group="tail", exit_on_error=False)
        self.set_interval(1.0, self._second)
        self.settle()

    def settle(self) -> None:
        """What is there now stays: the garbage collector need not walk over it again, which takes longer than a key may.

        Not where several apps live in one process, one after the other: the dead ones would never be collected.
        """
        if not self.is_headless:
            gc.freeze()

    async def on_unmount(self) -> None:
        """Let the thread and the engine service end."""
        self.link.stop()
        await self.close_desk()

    def _end_by_signal(self) -> None:
        """End; a terminal that is gone must not hold us."""
        self._hung_up = True
        watchdog = threading.Timer(_LAST_WORD_S, partial(os._exit, 0))
        watchdog.daemon = True
        watchdog.start()
        self.exit([])

    @property
    def hung_up(self) -> bool:
        """Whether a signal ended it."""
        return self._hung_up

    def _second(self) -> None:
        self._seconds += 1
        if not self.is_headless and terminal_is_gone():
            self._end_by_signal()
        if self.link.live() or self._seconds % 30 == 0:
            self._spread(set())
        if self._seconds % 2 == 0:
            self.look_at_themes()

    def _fatal_error(self) -> None:
        """Textual prints pages of locals; we print a sentence and keep the trace in a file."""
        self._exit_renderables.append(Segments([Segment(report(self._exception))]))
        self._close_messages_no_wait()

    # News

    def is_shown(self, screen: Screen[Any]) -> bool:
        """Whether a screen can be seen: on top, or under dialogs only."""
        for other in reversed(self.screen_stack):
            if other is screen:
                return True
            if not other.is_modal:
                return False
        return False

    @on(RunsListed)
    @on(RunFound)
    @on(RunGrew)
    def _take_news(self, message: RunsListed | RunFound | RunGrew) -> None:
        self._spread(self.link.accept(message))

    @on(StoryGrew)
    def _take_story(self, message: StoryGrew) -> None:
        self.link.story = message.story
        self._news_of_story = True
        self._spread(set())

    def _spread(self, names: set[str]) -> None:
        """Tell the screens soon, once for all that comes until then."""
        if self._news is None:
            self._news = set()
            self.set_timer(_SOON_S, self._tell_screens)
        self._news |= names

    def _tell_screens(self) -> None:
        names, self._news = self._news or set(), None
        of_story, self._news_of_story = self._news_of_story, False
        if not self.is_running:  # the screens are being closed, and have lost their widgets already
            return
        for screen in self.screen_stack:
            if isinstance(screen, Frame) and screen.is_mounted and self.is_shown(screen):
                screen.news(names)
                if of_story:
                    screen.news_of_story()

    def tell(self, message: str, title: str = "") -> None:
        """A toast. Foreign text is welcome."""
        self._toast(visible(message), visible(title), "information", 4)

    def complain(self, message: str) -> None:
        """A toast for what went wrong; it stays longer."""
        self._toast(visible(message), "", "error", 12)

    def _toast(self, message: str, title: str, severity: SeverityLevel, seconds: float) -> None:
        """What is on the screen already is not said again: a key that is held down would fill it."""
        room = min(_TOAST, int(self.size.width * 0.9)) - _TOAST_FRAME
        if room > 0 and any(cell_len(word) > room for word in message.split()):  # Textual would break it anywhere
            message = "\n".join(wrap(message, room))
        if not any((told.message, told.title) == (message, title) for told in self._notifications):
            self.notify(message, title=title, severity=severity, markup=False, timeout=seconds)

    # Ways

    @property
    def frame(self) -> Frame:
        """The topmost screen that is no dialog."""
        return next(screen for screen in reversed(self.screen_stack) if isinstance(screen, Frame))

    def go_home(self) -> Home:
        """Close everything above Home. Who waits for a dialog hears that it was closed."""
        while not isinstance(self.screen, Home):
            self.close_screen(self.screen)
        return self.screen

    def close_screen(self, screen: Screen[Any]) -> None:
        """Close the topmost screen; who waits for its answer hears that there is none."""
        if isinstance(screen, ModalScreen):
            screen.dismiss(None)
        else:
            self.pop_screen()

    def pop_screen(self) -> AwaitComplete:
        """Close the topmost screen. Home stays, however many keys were typed ahead."""
        return AwaitComplete() if isinstance(self.screen, Home) else super().pop_screen()

    def action_show_home(self) -> None:
        """To the runs."""
        self.go_home()

    def action_help(self) -> None:
        """What has the focus, its keys, all keys."""
        self.show_help()

    def show_help(self, wanted: str = "") -> None:
        """Help for what has the focus; `wanted` is looked for in it."""
        from tui.screens.help import Help

        if not isinstance(self.screen, Help):
            self.push_screen(Help(self.screen, wanted))

    async def action_back(self) -> None:
        """Back; each screen knows how. A search in a list is cleared first. Toasts go, too."""
        self.clear_notifications()
        if isinstance(self.focused, Findable) and self.focused.clear_search():
            return
        if self.screen is self.frame:  # else the key was meant for what a dialog covers by now
            self.frame.action_back()

    def action_leave(self) -> None:
        """Back, and from Home out."""
        if isinstance(self.screen, Home):
            self._end()
        else:
            self.close_screen(self.screen)

    async def action_quit(self) -> None:
        """Out, from anywhere."""
        self._end()

    def _end(self) -> None:
        """End; ask first where changes of run files would be lost."""
        if lost := self.unwritten() or ("Runs go on without Luthier." if self.settings.confirm_quit else ""):
            self._ask_before_end(lost)
        else:
            self.exit(self._who_goes_on())

    @work(group="ask")
    async def _ask_before_end(self, lost: str) -> None:
        from tui.screens.dialogs.confirm import Confirm

        if self._asked_to_end:  # the question is on the screen, perhaps under another key that asks it
            return
        self._asked_to_end = True
        try:
            if await self.push_screen_wait(
                Confirm("quit", lost, "leave without writing" if self.unwritten() else "leave", "stay")
            ):
                self.exit(self._who_goes_on())
        finally:
            self._asked_to_end = False

    def _who_goes_on(self) -> list[str]:
        return [run.dir.name for run in self.link.live()]
