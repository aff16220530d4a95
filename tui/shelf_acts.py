"""What the TUI does with the cards of runs, with the trash and with the queue: small files, changed at once and told.

Each act takes one run or several, and says for how many it was done and for which it was not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from textual import work

from engine.errors import LuthierError
from engine.runs import queue
from engine.runs.card import Card, read_card, write_card
from engine.runs.store import Run
from engine.runs.trash import discard, restore
from tui import words
from tui.shelf import Shelf

if TYPE_CHECKING:
    from textual.app import App

    from tui.app import LuthierApp
    from tui.screens.home import Home

    _Base = App[list[str]]
else:
    _Base = object


class ShelfActs(_Base):
    """The part of the app that is concerned with what lies beside the journals."""

    _thrown: tuple[Path, ...] = ()
    """Where the runs lie that were deleted last."""

    def _app(self) -> LuthierApp:
        return self  # type: ignore[return-value]

    @cached_property
    def shelf(self) -> Shelf:
        """Cards and queue."""
        return Shelf(self._app().link.runs_dir)

    @property
    def home(self) -> Home:
        """The list of runs, whatever lies over it."""
        from tui.screens.home import Home

        return next(screen for screen in self._app().screen_stack if isinstance(screen, Home))

    def spread_news(self, names: set[str]) -> None:
        """Tell the screens soon that something about these runs changed."""
        self._app()._spread(names)

    @work(group="shelf", exclusive=True, exit_on_error=False)
    async def look_at_shelf(self) -> None:
        """Read what changed; the screens hear of it as of other news."""
        app = self._app()
        found = await asyncio.to_thread(self.shelf.read, list(app.link.order))
        if self.shelf.take(found):
            app.spread_news(set(app.link.order))

    # Cards

    @work(group="ask")
    async def edit_card(self, run: Run) -> None:
        """Ask for title, tags and note of a run."""
        from tui.screens.dialogs.card import RunCard

        card: Card | None = await self._app().push_screen_wait(RunCard(run))
        if card is not None:
            self._write([run], lambda _: card, "The card of {} is written.")

    @work(group="ask")
    async def edit_tags(self, runs: Sequence[Run]) -> None:
        """Ask for the tags of runs; what not all of them have stays with those that have it."""
        from tui.screens.dialogs.tags import Tags, TagsWanted

        if not runs:
            return
        cards = [read_card(run.dir) for run in runs]
        wanted: TagsWanted | None = await self._app().push_screen_wait(
            Tags(named(runs), [card.tags for card in cards], self.shelf.tags())
        )
        if wanted is not None:
            self._write(
                runs, lambda card: msgspec.structs.replace(card, tags=wanted.of(card.tags)), "Tags of {}: kept."
            )

    def archive(self, runs: Sequence[Run]) -> None:
        """Put runs away, or bring them back where all are put away."""
        if not runs:
            return
        away = not all(self.shelf.card(run.dir.name).archived for run in runs)
        said = "{} archived. H shows what is." if away else "{} brought back."
        self._write(runs, lambda card: msgspec.structs.replace(card, archived=away), said)

    def _write(self, runs: Sequence[Run], change: Callable[[Card], Card], said: str) -> None:
        app = self._app()
        done: list[Run] = []
        for run in runs:
            try:
                write_card(run.dir, card := change(read_card(run.dir)))
            except LuthierError as error:
                app.complain(str(error))
            else:
                self.shelf.put(run.dir.name, card)
                done.append(run)
        if done:
            app.tell(said.format(named(done)))
        app.spread_news({run.dir.name for run in runs})

    # Trash

    @work(group="ask")
    async def delete_runs(self, runs: Sequence[Run]) -> None:
        """Ask once, then move runs to the trash. Living ones are refused."""
        from tui.screens.dialogs.confirm import Confirm

        app = self._app()
        living = [run for run in runs if run.alive]
        if living:
            app.complain(
                f"{named(living)} {'is' if len(living) == 1 else 'are'} running, and not deleted: S stops a run first."
            )
        wanted = [run for run in runs if not run.alive]
        if not wanted:
            return
        where = app.link.runs_dir / ".trash"
        text = (
            f"{named(wanted)}: journal, checkpoints and results go to {where}. u brings "
            f"{'it' if len(wanted) == 1 else 'them'} back, as does moving the folder back; nothing is removed from the disk."
        )
        if await app.push_screen_wait(Confirm("delete", text, "move to the trash")):
            await self._throw(wanted)

    async def _throw(self, runs: Sequence[Run]) -> None:
        app = self._app()
        thrown: list[Path] = []
        for run in runs:
            try:
                thrown.append(await asyncio.to_thread(discard, run.dir.path))
            except (LuthierError, OSError) as error:
                app.complain(str(error))
        if thrown:
            self._thrown = tuple(thrown)
            app.tell(f"{words.count(len(thrown))} in the trash. u takes that back.", str(thrown[0].parent))
        app.link.hurry()

    @work(group="shelf-undo", exclusive=True)
    async def undelete(self) -> None:
        """Bring back what was deleted last."""
        app = self._app()
        if not self._thrown:
            app.tell(f"Nothing was deleted here. The trash is {app.link.runs_dir / '.trash'}.")
            return
        back, self._thrown, names = self._thrown, (), []
        for path in back:
            try:
                names.append((await asyncio.to_thread(restore, app.link.runs_dir, path.name)).name)
            except (LuthierError, OSError) as error:
                app.complain(str(error))
        if names:
            app.tell(f"{names[0] if len(names) == 1 else f'{len(names)} runs'} brought back.")
            app.link.hurry()
            app.home.runs.select_name(names[0])
        self.look_at_shelf()

    # Queue

    def move_in_queue(self, run: Run, by: int) -> None:
        """Let a waiting run start earlier (a negative number) or later."""
        app = self._app()
        try:
            place = queue.move(app.link.runs_dir, run.dir.name, by)
        except (LuthierError, OSError) as error:
            app.complain(str(error))
        else:
            app.tell(f"Number {place + 1} of {len(self.shelf.queue)} in the queue.", run.dir.name)
        self.look_at_shelf()

    @work(group="ask")
    async def cancel_queued(self, runs: Sequence[Run]) -> None:
        """Ask once, then take waiting runs out of the queue."""
        from tui.screens.dialogs.confirm import Confirm

        app = self._app()
        waiting = [run for run in runs if self.shelf.waiting(run.dir.name) is not None]
        if not waiting:
            return
        text = f"{named(waiting)} will not be started. The folder goes to {app.link.runs_dir / '.trash'}; u brings it back."
        if not await app.push_screen_wait(Confirm("take out of the queue", text, "do not start it")):
            return
        thrown: list[Path] = []
        for run in waiting:
            try:
                thrown.append(await asyncio.to_thread(queue.cancel, app.link.runs_dir, run.dir.name))
            except (LuthierError, OSError) as error:
                app.complain(str(error))
        if thrown:
            self._thrown = tuple(thrown)
            app.tell(f"{words.count(len(thrown))} taken out of the queue. u takes that back.")
        app.link.hurry()
        self.look_at_shelf()


def named(runs: Sequence[Run]) -> str:
    """One run by its name, several by their number and the first names."""
    if len(runs) == 1:
        return runs[0].dir.name
    names = ", ".join(run.dir.name for run in runs[:3])
    return f"{len(runs)} runs ({names}{', …' if len(runs) > 3 else ''})"
