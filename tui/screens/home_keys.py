"""What the keys of Home do. Which of them do something now depends on the runs that an act would be about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.runs.store import Run
from tui.facts import shell_command
from tui.link import copy

if TYPE_CHECKING:
    from tui.screens.frame import Frame
    from tui.screens.home import Home

    _Base = Frame
else:
    _Base = object


class HomeKeys(_Base):
    """The acts of the list of runs."""

    def _home(self) -> Home:
        return self  # type: ignore[return-value]

    def _queued(self, runs: list[Run]) -> list[Run]:
        return [run for run in runs if self.luthier.shelf.waiting(run.dir.name) is not None]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done with the runs."""
        if not self.is_mounted or not self.query("#runs"):
            return True
        home = self._home()
        runs = home.runs.targets
        one = home.run
        match action:
            case "open_run" | "tokens" | "card":
                return one is not None
            case "copy" | "copy_command" | "tags" | "archive" | "delete" | "compare" | "mark" | "mark_all":
                return bool(runs)
            case "clone":
                return one is not None
            case "stop" | "kill":
                return any(run.alive for run in runs)
            case "resume":
                return any(not run.alive and run.state in ("stopped", "failed", "crashed") for run in runs)
            case "cancel_queued":
                return bool(self._queued(runs))
            case "earlier" | "later":
                return one is not None and bool(self._queued([one]))
            case "filter" | "sort" | "reverse":
                return bool(self.luthier.link.order)
            case "show_archived":
                return home.runs.table.archived > 0
            case "previous_match":
                return home.runs.table.filter.active
        return True

    def action_open_run(self) -> None:
        """Watch the selected run."""
        if run := self._home().run:
            self.luthier.open_run(run.dir.name)

    def action_tokens(self) -> None:
        """What the selected run is trained on."""
        if run := self._home().run:
            self.luthier.open_run_tokens(run.dir.name)

    def action_open_data(self) -> None:
        """Ask for a dataset and show its rows."""
        self.luthier.open_data(choose=True)

    def action_new_run(self) -> None:
        """Ask for a run file; while the list is filtered go to the next run instead."""
        if self._home().runs.table.filter.active:
            self._home().runs.step(1)
        else:
            self.luthier.new_run()

    def action_previous_match(self) -> None:
        """The run before this one that fits."""
        self._home().runs.step(-1)

    def action_demo(self) -> None:
        """Open the demo and tell it."""
        self.luthier.open_demo(start=True)

    def action_stop(self) -> None:
        """Stop the runs after asking; those that were asked before are killed."""
        self.luthier.stop_run(self._home().runs.targets)

    def action_kill(self) -> None:
        """End the runs at once, after asking."""
        self.luthier.kill_runs(self._home().runs.targets)

    def action_resume(self) -> None:
        """Go on with the runs."""
        self.luthier.resume(self._home().runs.targets)

    def action_clone(self) -> None:
        """A run file like that of the selected run, to be changed."""
        if run := self._home().run:
            self.luthier.clone_run(run.dir.name)

    def action_compare(self) -> None:
        """The marked runs side by side; else the selected one with those that are compared already."""
        self.luthier.compare([run.dir.name for run in self._home().runs.targets])

    def action_mark(self) -> None:
        """Mark the run, or not."""
        self._home().runs.mark()
        self._home().rested()

    def action_mark_all(self) -> None:
        """Mark all that are shown, or none."""
        self._home().runs.mark_shown()
        self.refresh_bars()

    def action_sort(self) -> None:
        """Sort by the next column."""
        runs = self._home().runs
        runs.sort_next()
        if runs.table.sort and not runs.sort_is_seen:
            self.luthier.tell(f"Sorted by {runs.table.sort}, which there is no room to show.")

    def action_reverse(self) -> None:
        """The other way round."""
        runs = self._home().runs
        runs.sort_by(runs.table.sort)

    def action_card(self) -> None:
        """Name, tags and note of the selected run."""
        if run := self._home().run:
            self.luthier.edit_card(run)

    def action_tags(self) -> None:
        """Tags of the runs."""
        self.luthier.edit_tags(self._home().runs.targets)

    def action_archive(self) -> None:
        """Put the runs away, or bring them back."""
        runs = self._home().runs
        self.luthier.archive(runs.targets)
        runs.marks.clear()

    def action_show_archived(self) -> None:
        """With the archived runs, or without."""
        runs = self._home().runs
        runs.show_archived(not runs.table.with_archived)
        self._home().rested()

    def action_delete(self) -> None:
        """Move the runs to the trash, after asking."""
        self.luthier.delete_runs(self._home().runs.targets)

    def action_undelete(self) -> None:
        """Bring back what was deleted last."""
        self.luthier.undelete()

    def action_cancel_queued(self) -> None:
        """Take the runs out of the queue, after asking."""
        self.luthier.cancel_queued(self._home().runs.targets)

    def action_earlier(self) -> None:
        """Let the waiting run start earlier."""
        if run := self._home().run:
            self._home().runs.hold()
            self.luthier.move_in_queue(run, -1)

    def action_later(self) -> None:
        """Let the waiting run start later."""
        if run := self._home().run:
            self._home().runs.hold()
            self.luthier.move_in_queue(run, 1)

    async def action_copy_command(self) -> None:
        """Copy the headless command that fits the state of the runs, one a line."""
        commands = "\n".join(shell_command(run) for run in self._home().runs.targets)
        if commands:
            self.luthier.tell(await copy(self.app, commands), commands)
