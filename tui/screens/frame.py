"""What all screens share: a header, a body, a footer, and a message where the terminal is too small.

A screen hears of news through `news`, once for many events, and of the passing of time through `tick`. A screen that is
covered is not told; it is told everything when it comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Static

from tui.keys import Where, keys_of
from tui.widgets.bars import Footer, Header

if TYPE_CHECKING:
    from tui.app import LuthierApp
    from tui.data.looking import News
    from tui.tokens.asking import News as TokenNews

LEAST_WIDTH, LEAST_HEIGHT = 60, 15
WIDE, HIGH, SHORT = 110, 30, 20


class Frame(Screen[None]):
    """Base of the screens. A subclass gives `where`, `here` (its tab), `body`, and `news`."""

    where: ClassVar[Where] = "home"
    here: ClassVar[str] = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (HIGH, "-high")]

    @property
    def luthier(self) -> LuthierApp:
        """The app, with its type."""
        return cast("LuthierApp", self.app)

    def compose(self) -> ComposeResult:
        """Header, body, footer; the message lies ready."""
        size = self.app.size  # the classes that Textual sets by size, set before the first layout: one paint less
        self.set_class(size.width >= WIDE, "-wide").set_class(size.width < WIDE, "-narrow")
        self.set_class(size.height >= HIGH, "-high").set_class(size.height < HIGH, "-low")
        self.set_class(size.height < SHORT, "-short")
        yield Header(self.here)
        with Container(id="body"):
            yield from self.body()
        yield Footer(self.where)
        yield Static(id="too-small", markup=False)

    def body(self) -> ComposeResult:
        """The widgets between header and footer."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Know everything before the first paint."""
        self.news(set(self.luthier.link.runs))
        self.news_of_story()

    def news(self, names: set[str]) -> None:
        """The runs of these names changed; an empty set means that time went by."""

    def news_of_story(self) -> None:
        """The demo's story went on."""

    def news_of_data(self, what: Set[News]) -> None:
        """The open sources changed, or what is known of them."""

    def news_of_tokens(self, what: Set[TokenNews]) -> None:
        """The drafts changed, or what is known of them."""

    def action_back(self) -> None:
        """Back to where one came from."""
        self.app.pop_screen()

    def hints(self) -> Sequence[str]:
        """Names of the keys that the footer shows now, for a screen whose panes have different ones."""
        return ()

    @property
    def typing(self) -> bool:
        """Whether keys are letters of a field now: the footer then shows the hints alone."""
        return False

    def labels(self) -> Mapping[str, str]:
        """What the footer calls a key now, where that is not what the table of keys says."""
        return {}

    @property
    def has_own_search(self) -> bool:
        """Whether this screen does something of its own with the key that finds in lists."""
        keys = self.luthier.user_keys
        find = {name for key in keys_of("search") if key.id == "find" for name in keys.keys(key).split(",")}
        return any(find & set(keys.keys(key).split(",")) for key in keys_of(self.where))

    def refresh_bars(self) -> None:
        """Header and footer say what is so now; a screen that is being closed has none any more."""
        for bar in (*self.query(Header), *self.query(Footer)):
            bar.repaint()

    def on_screen_resume(self) -> None:
        """Catch up with what happened while the screen was covered."""
        self.call_after_refresh(self._catch_up)

    def _catch_up(self) -> None:
        """Not where it was closed meanwhile: Textual calls mounted what has lost its widgets already."""
        if self.is_mounted and self.luthier.is_shown(self):
            self.news(set(self.luthier.link.runs))
            self.news_of_story()
            self.refresh_bars()

    def on_resize(self, event: events.Resize) -> None:
        """Below the least size there is only a message."""
        small = event.size.width < LEAST_WIDTH or event.size.height < LEAST_HEIGHT
        self.set_class(small, "-too-small")
        self.set_class(event.size.height < SHORT, "-short")
        if small:
            self.query_one("#too-small", Static).update(
                f"Luthier needs {LEAST_WIDTH} x {LEAST_HEIGHT} cells.\n"
                f"This terminal has {event.size.width} x {event.size.height}.\nq leaves; runs go on."
            )
