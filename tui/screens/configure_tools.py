"""The keys of the Configure screen that open a dialog about the form: choices, presets, differences, mistakes, imports."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from textual import on, work

from engine.config.field_values import show
from engine.config.foreign.detect import read_foreign
from engine.config.form import Field
from engine.config.load import read_text
from engine.config.use import parsed
from engine.errors import LuthierError
from tui import words
from tui.configure.form_state import FormState
from tui.configure.planning import DEVICES
from tui.screens.configure_files import ConfigureFiles
from tui.screens.dialogs.ask import Ask
from tui.screens.dialogs.differences import Differences
from tui.screens.dialogs.import_report import ImportReport
from tui.screens.dialogs.mistakes import Mistakes
from tui.screens.dialogs.pick import Option, Pick
from tui.screens.dialogs.presets import Presets
from tui.screens.writing import stem
from tui.tokens.model import Origin
from tui.widgets.plan_pane import PlanPane

AS_WRITTEN = "the file as written"
NOT_SET = "not set"
_ALWAYS_DIFFERS = ("name",)


class ConfigureTools(ConfigureFiles):
    """The screen with the keys that open dialogs."""

    # Choices

    def choose_value(self, field: Field) -> None:
        """One of several values."""
        self._pick_value(field)

    @work(group="ask")
    async def _pick_value(self, field: Field) -> None:
        form = self.form
        if form is None:
            return
        now = form.text(field.key)
        unset = [Option("", NOT_SET, marked=not now)] if field.optional and field.default is None else []
        options = [
            *unset,
            *(
                Option(text, text, "default" if value == field.default else "", marked=text == now)
                for value in field.choices
                for text in [show(field, value)]
            ),
        ]
        answer: str | None = await self.app.push_screen_wait(Pick(field.key, options))
        if answer is not None and answer != now:
            form.put_text(field.key, answer)
            self._changed()

    # Presets

    @work(group="ask")
    async def action_presets(self) -> None:
        """Ready-made settings, with what they would change."""
        form = self.form
        if form is None:
            return
        dialog = Presets(form)
        name: str | None = await self.app.push_screen_wait(dialog)
        if name is None:
            return
        found = dialog.differences[name]
        if not found:
            self.luthier.tell("This draft says all of it already.")
            return
        form.put({item.key: item.after for item in found})
        self._changed()
        self.luthier.tell(f"{len(found)} field{'s' if len(found) > 1 else ''} changed; u takes that back.", name)

    # The plan

    @on(PlanPane.Chosen)
    def _remedy(self, event: PlanPane.Chosen) -> None:
        form = self.form
        if form is not None and event.changes:
            form.put(event.changes)
            self._changed()
            self.luthier.tell("u takes that back.", ", ".join(event.changes))

    @work(group="ask")
    async def action_device(self) -> None:
        """Plan for a GPU with another amount of memory."""
        planning = self.luthier.planning
        options = [
            Option(
                name,
                f"a GPU of {name[:-2]} GB" if name else "this machine's own device",
                marked=name == planning.device,
            )
            for name in DEVICES
        ]
        answer: str | None = await self.app.push_screen_wait(Pick("plan for", options, "plan for it"))
        if answer is not None:
            planning.choose_device(answer)

    # Imports

    @work(group="ask")
    async def action_import_file(self) -> None:
        """Take over a file of another program: say what became of each key, then open what came of it."""
        said = "A YAML file of Axolotl or LLaMA-Factory, or a script with the flags of TRL. The file stays as it is."
        path = await self.app.push_screen_wait(Ask("import", said, "", _no_file, paths=True, yes="read it"))
        if path is None:
            return
        file = Path(path).expanduser().absolute()
        try:
            found = await asyncio.to_thread(read_foreign, file)
        except (LuthierError, OSError) as error:
            self.luthier.complain(str(error))
            return
        if await self.app.push_screen_wait(ImportReport(found)):
            self.open(Origin(table=tuple(found.table.items()), name=stem(file.name)), made=True)

    # Differences

    @work(group="ask")
    async def action_differences(self) -> None:
        """What differs from another run, or from the file as written."""
        form = self.form
        if form is None:
            return
        options = await asyncio.to_thread(self._others, form)
        if not options:
            self.luthier.tell("There is no run yet to compare with, and nothing is changed.")
            return
        name: str | None = await self.app.push_screen_wait(Pick("differences to", options, "show"))
        if name is None:
            return
        try:
            other = form.base.table if name == AS_WRITTEN else await asyncio.to_thread(self._tables_of, name)
        except LuthierError as error:
            self.luthier.complain(str(error))
            return
        leave_out = () if name == AS_WRITTEN else _ALWAYS_DIFFERS
        key: str | None = await self.app.push_screen_wait(Differences(form, other, name, leave_out))
        self._changed()
        if key:
            self.go_to_field(key)

    def _others(self, form: FormState) -> list[Option]:
        written = [Option(AS_WRITTEN, AS_WRITTEN, form.draft.unwritten)] if form.draft.changes and form.path else []
        link, found = self.luthier.link, []
        for name in link.order:
            run = link.runs.get(name)
            if run is None or name == form.draft.origin.run:
                continue
            losses = run.view.series.get("eval_loss")
            best = losses.lowest if losses is not None else None
            note = run.state + (f", step {words.count(run.view.step)}" if run.view.step else "")
            found.append(Option(name, name, f"{note}, evaluation {best[1]:.3f}" if best is not None else note))
        return [*written, *found]

    def _tables_of(self, name: str) -> dict[str, Any]:
        run = self.luthier.link.runs.get(name)
        path = run.dir.config if run is not None else Path(self.luthier.link.runs_dir) / name / "run.toml"
        return parsed(read_text(path), path)

    # Mistakes

    @work(group="ask")
    async def action_mistakes(self) -> None:
        """All mistakes and remarks."""
        form = self.form
        if form is None:
            return
        if not form.mistakes() and not form.remarks():
            self.luthier.tell("Nothing is wrong, and nothing is unusual.")
            return
        key: str | None = await self.app.push_screen_wait(Mistakes(form))
        if key:
            self.go_to_field(key)


def _no_file(text: str) -> str:
    """What is wrong with a path that was typed."""
    path = Path(text).expanduser()
    return (
        "" if path.is_file() else f"{path} is a folder; name a file." if path.is_dir() else f"There is no file {path}."
    )
