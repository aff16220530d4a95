"""What the app does about tokens: hold the desk of drafts, show the Tokens screen, and lead there from data and from runs.

The desk and all that it needs are loaded with the first look at the screen, not before the first frame.
"""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work

if TYPE_CHECKING:
    from textual.app import App

    from tui.app import LuthierApp
    from tui.link.heard import ServiceEnded
    from tui.tokens.asking import News
    from tui.tokens.desk import TokensDesk
    from tui.tokens.model import Origin

    _Base = App[list[str]]
else:
    _Base = object


class TokensActs(_Base):
    """The part of the app that is concerned with tokens."""

    _drafts: TokensDesk | None = None

    def _luthier(self) -> LuthierApp:
        return self  # type: ignore[return-value]

    @property
    def drafts(self) -> TokensDesk:
        """The drafts that lie open."""
        if self._drafts is None:
            from tui.tokens.desk import TokensDesk

            self._drafts = TokensDesk(self._luthier())
        return self._drafts

    def unwritten(self) -> str:
        """Which run files have changes that are written nowhere, in words; "" where there are none."""
        drafts = [draft for draft in self._drafts.drafts if draft.loses] if self._drafts is not None else []
        if not drafts:
            return ""
        said = "; ".join(f"{draft.origin.title}: {draft.unwritten}" for draft in drafts)
        return f"{said}. What is not written is lost."

    def on_service_ended(self, message: ServiceEnded) -> None:
        """The service ended: the desk of data said so, and asked for another one."""
        if self._drafts is not None:
            self._drafts.ended()

    def spread_tokens(self, what: Set[News]) -> None:
        """Tell the screens that show a draft, if they can be seen; one that is covered catches up by itself."""
        from tui.screens.frame import Frame

        app = self._luthier()
        for screen in app.screen_stack:
            if isinstance(screen, Frame) and screen.is_mounted and app.is_shown(screen):
                screen.news_of_tokens(what)

    # Ways to the screen

    def action_show_tokens(self) -> None:
        """To the tokens."""
        from tui.screens.tokens import Tokens

        app = self._luthier()
        if not isinstance(app.screen, Tokens):
            app.go_home()
            app.push_screen(Tokens())

    def open_tokens(self, origin: Origin, step: int = 0, wish: tuple[int, int, str] | None = None) -> None:
        """Look at a draft; esc leads back to where one was. `step`: at the batch of a step; `wish`: at a row of open data."""
        from tui.screens.tokens import Tokens

        app = self._luthier()
        self.drafts.open(origin, step, wish)
        if not isinstance(app.screen, Tokens):
            app.push_screen(Tokens("batch" if step else "tokens"))

    def open_run_file(self, path: Path) -> None:
        """Look at the tokens of a run file."""
        from tui.tokens.model import Origin

        self.open_tokens(Origin(str(path.absolute())))

    def open_run_tokens(self, name: str, step: int = 0) -> None:
        """Look at what a run is trained on; `step`: at its batch of that step."""
        from tui.tokens.model import Origin

        run = self._luthier().link.runs.get(name)
        if run is not None:
            self.open_tokens(Origin(str(run.dir.path), run=name), step)

    # From open data

    def offered_sources(self) -> str:
        """Names of the sources that lie open and can be looked at as tokens; "" where there is none."""
        app = self._luthier()
        if app._desk is None:
            return ""
        from tui.data.desk import trainable

        return ", ".join(source.name for source in app.desk.sources if source.state == "open" and trainable(source))

    @work(group="ask")
    async def open_data_tokens(self) -> None:
        """Look at the open sources as tokens, at the row under the cursor; ask whose tokenizer where none was chosen."""
        found = await self.draft_of_data()
        if found is not None:
            self.open_tokens(found[0], wish=found[1])

    async def draft_of_data(self) -> tuple[Origin, tuple[int, int, str] | None] | None:
        """The open sources as a draft, and the row under the cursor; None where there are none, or nobody says whose tokenizer.

        For a worker: it may ask.
        """
        from tui.data.desk import trainable
        from tui.screens.dialogs.ask import Ask
        from tui.tokens.model import Origin

        app = self._luthier()
        desk = app.desk
        ready = [source for source in desk.sources if source.state == "open" and trainable(source)]
        if not ready:
            app.tell("No source is open whose rows a run could use.")
            return None
        if not desk.tokenizer:
            text = "Whose tokens? The folder of a model; one with a tokenizer alone will do to look."
            folder = await app.push_screen_wait(Ask("tokenizer", text, "", _wrong_folder, paths=True))
            if folder is None:
                return None
            desk.choose_tokenizer(folder)
        weighted = desk.weighted
        tables = {
            "model": {"path": desk.tokenizer},
            "data": [
                {**source.section, **({"weight": source.weight} if weighted and source.weight is not None else {})}
                for source in ready
            ],
        }
        name = ready[0].name if len(ready) == 1 else f"{len(ready)} sources"
        here, wish = desk.source, None
        if here in ready and here is not None and here.row is not None:
            wish = (ready.index(here), here.row.number, here.row.origin)
        return Origin(table=tuple(tables.items()), name=name), wish


def _wrong_folder(text: str) -> str:
    from tui.data.places import no_tokenizer

    return no_tokenizer(text) if text else "Name the folder of a model."
