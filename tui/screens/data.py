"""The Data screen: rows of datasets, looked at from every side. Here are the keys that ask something or wait for an answer."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from textual import work

from engine.service import protocol as p
from tui import words
from tui.data import choices
from tui.data.desk import small
from tui.data.model import Section, Source
from tui.data.places import no_tokenizer
from tui.data.whole import as_json, as_page
from tui.keys import bindings
from tui.link import copy
from tui.link.pager import show_in_pager
from tui.link.service import ServiceError
from tui.screens.data_keys import DataKeys
from tui.screens.dialogs.ask import Ask
from tui.screens.dialogs.confirm import Confirm
from tui.screens.dialogs.mapping import Mapping
from tui.screens.dialogs.use_run import UseRun
from tui.screens.dialogs.ways import Ways
from tui.text import plain
from tui.widgets.findings_list import FindingsList

MOST_COPIED_ROWS = 2000
MOST_COPIED = 1_000_000
"""Characters that a clipboard is given; many terminals take fewer."""


class Data(DataKeys):
    """The screen."""

    BINDINGS = bindings("data")

    @work(group="ask")
    async def action_close_source(self) -> None:
        """Forget a source; ask where work lies in it."""
        source = self.source
        if source is None:
            return
        work_in_it = source.marks or source.excluded_rows or source.excluded_findings
        text = "Its marks and what is left out of it are forgotten. The file itself stays as it is."
        if work_in_it and not await self.app.push_screen_wait(Confirm(f"close {source.name}", text, "close it")):
            return
        self.luthier.desk.close(source)
        self.news_of_data({"sources"})
        self.lay_out(focus=True)

    @work(group="ask")
    async def action_go_to_row(self) -> None:
        """Ask for a number."""
        source = self.source
        if source is None:
            return

        def wrong(text: str) -> str:
            number = text.replace(",", "").replace("_", "")
            if not number.isdecimal() or not 1 <= int(number[:15]) <= source.rows:
                return f"There are rows 1 to {words.count(source.rows)}{'' if source.complete else ' so far'}."
            return ""

        text = f"1 to {words.count(source.rows)}" + (". All rows are shown for it." if not source.wanted.plain else "")
        answer = await self.app.push_screen_wait(Ask("go to row", text, check=wrong))
        if answer is None:
            return
        if not source.wanted.plain:
            wanted = source.wanted
            while wanted.take_off() is not None:
                pass
            wanted.sort, wanted.descending = "", False
            self.luthier.desk.look(source)
        source.cursor = int(answer.replace(",", "").replace("_", "")) - 1
        source.top = max(0, source.cursor - self.rows.inner[1] // 2)
        self.rows.show(source)
        self._go("rows")

    async def _rows_in_full(self, source: Source) -> list[p.RowInFull]:
        """The marked rows, or the one under the cursor. Raises ServiceError."""
        numbers = self._chosen_rows()
        if len(numbers) > MOST_COPIED_ROWS:
            raise ServiceError(
                f"{words.count(len(numbers))} rows are too many for a clipboard; w writes them to a file."
            )
        return [await self.luthier.desk.whole_row(source, number) for number in numbers]

    @work(group="data-copy", exclusive=True)
    async def action_copy(self) -> None:
        """Copy rows as JSON Lines."""
        source = self.source
        if source is None:
            return
        try:
            rows = await self._rows_in_full(source)
        except ServiceError as error:
            self.luthier.complain(str(error))
            return
        text = "\n".join(as_json(row) for row in rows)
        if len(text) > MOST_COPIED:
            self.luthier.complain(
                f"{words.short_bytes(len(text))} are too much for a clipboard; w writes them to a file."
            )
        elif rows:
            what = f"row {words.count(rows[0].number)}" if len(rows) == 1 else f"{words.count(len(rows))} rows"
            self.luthier.tell(await copy(self.app, text), f"{what} as JSON")

    @work(group="data-copy", exclusive=True)
    async def action_pager(self) -> None:
        """The whole row in the pager."""
        source, brief = self.source, self.rows.current
        if source is None or brief is None:
            return
        try:
            row = await self.luthier.desk.whole_row(source, brief.number)
        except ServiceError as error:
            self.luthier.complain(str(error))
            return
        if problem := show_in_pager(self.app, f"row-{row.number}", as_page(row)):
            self.luthier.complain(problem)

    @work(group="ask")
    async def action_export(self) -> None:
        """Ask for a path, and write what is shown."""
        source, desk = self.source, self.luthier.desk
        if source is None:
            return
        view, rows, count = source.view.id, sorted(source.marks), source.reachable
        finding = self.query_one(FindingsList).current if self.pane == "side" and self.side == "findings" else None
        if finding is not None:
            try:
                found = await desk.service.ask(p.Filter(id=0, source=source.id, findings=[finding.rule]))
            except ServiceError as error:
                self.luthier.complain(str(error))
                return
            assert isinstance(found, p.Matched)
            view, rows, count = found.view, [], found.matches
        what = f"{words.count(len(rows))} marked rows" if rows else f"{words.count(count)} rows"
        text = f"{what} of {plain(source.name, 40)}, as JSON Lines, to this file:"
        name = "".join(char if char.isalnum() or char in "-_." else "-" for char in Path(source.name).stem) or "rows"
        answer = await self.app.push_screen_wait(
            Ask("write rows", text, f"{name}-rows.jsonl", _wrong_target, paths=True)
        )
        if answer is None:
            return
        path = os.path.abspath(os.path.expanduser(answer))
        there = os.path.exists(path)
        text = f"{path} is there already. What it holds is lost."
        if there and not await self.app.push_screen_wait(Confirm("replace the file", text, "replace it")):
            return
        await self._write(source, p.Export(id=0, source=source.id, path=path, view=view, rows=rows, overwrite=there))

    async def _write(self, source: Source, request: p.Export) -> None:
        def heard(answer: p.AnyAnswer) -> None:
            if isinstance(answer, p.Progress):
                source.writing = (answer.done, answer.total)
                self.luthier.desk.tell("rows", slow=True)

        try:
            answer = await self.luthier.desk.service.ask(request, heard)
        except ServiceError as error:
            self.luthier.complain(str(error))
        else:
            assert isinstance(answer, p.Exported)
            bad = (
                f" {words.count(answer.unreadable)} that cannot be read are in {answer.path}.bad."
                if answer.unreadable
                else ""
            )
            self.luthier.tell(f"{words.count(answer.rows)} rows are in {answer.path}.{bad}", "written")
        source.writing = None
        self.luthier.desk.tell("rows")

    @work(group="ask")
    async def action_mapping(self) -> None:
        """Correct how it is read."""
        source = self.source
        if source is None or source.facts is None:
            return
        await asyncio.to_thread(choices.warm)
        section: Section | None = await self.app.push_screen_wait(Mapping(source))
        if section is not None:
            self.luthier.desk.reload(source, section)
        elif source.state == "open":
            self.luthier.desk.examine(source, exact=small(source))

    @work(group="ask")
    async def action_tokenizer(self) -> None:
        """Choose whose tokenizer counts."""

        text = "The folder of a model, or owner/name of the Hub. Empty: tokens are not counted."
        desk = self.luthier.desk
        answer = await self.app.push_screen_wait(Ask("tokenizer", text, desk.tokenizer, no_tokenizer, paths=True))
        if answer is not None:
            desk.choose_tokenizer(answer)

    def action_tokens(self) -> None:
        """The open sources as tokens, at the row under the cursor."""
        self.luthier.open_data_tokens()

    @work(group="ask")
    async def action_weight(self) -> None:
        """Type a weight."""
        source = self.source
        if source is None:
            return
        before = "" if source.weight is None else f"{source.weight:g}"
        text = "A share in any unit, beside those of the other sources. Empty: every row of every source once."
        answer = await self.app.push_screen_wait(Ask(f"weight of {source.name}", text, before, _wrong_weight))
        if answer is not None:
            self.luthier.desk.weigh(source, float(answer) if answer else None)

    @work(group="ask")
    async def action_use(self) -> None:
        """Write the sources into a run file, then offer to start it."""
        desk = self.luthier.desk
        sections = desk.run_sections()
        if not sections:
            self.luthier.tell("No source is open that a run could use.")
            return
        first = next(source for source in desk.sources if source.state == "open")
        name = (
            "".join(char if char.isalnum() or char in "-_." else "-" for char in Path(first.name).stem).strip("-.")
            or "run"
        )
        path: Path | None = await self.app.push_screen_wait(UseRun(sections, f"{name}.toml", desk.tokenizer))
        if path is None:
            return
        text = (
            f"{path} is written. Look at the tokens that it trains before it is started; `luthier train` starts it at any "
            "time, and so does n on the list of runs."
        )
        ways = (("enter", "see its tokens", "tokens"), ("s", "start it now", "start"))
        match await self.app.push_screen_wait(Ways("the run file is ready", text, ways, "go on looking")):
            case "tokens":
                self.luthier.open_run_file(path)
            case "start":
                self.luthier.new_run(str(path))


def _wrong_target(text: str) -> str:
    if not text:
        return "Name a file."
    path = Path(os.path.abspath(os.path.expanduser(text)))
    if path.is_dir():
        return f"{path} is a folder; name a file in it."
    return "" if path.parent.is_dir() else f"There is no folder {path.parent}."


def _wrong_weight(text: str) -> str:
    if not text:
        return ""
    try:
        return "" if 0 < float(text) < 1e6 else "A weight is above 0."
    except ValueError:
        return "A weight is a number, for example 0.7."
