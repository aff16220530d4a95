"""The Tokens screen: what exactly is trained on. Here are the keys that ask something or wait for an answer."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import msgspec
from textual import on, work

from engine.service import protocol as p
from tui import words
from tui.data.places import no_tokenizer
from tui.keys import bindings
from tui.lengths import LEAST_LIMIT
from tui.link import copy
from tui.screens.dialogs.about_draft import AboutDraft
from tui.screens.dialogs.ask import Ask
from tui.screens.dialogs.confirm import Confirm
from tui.screens.dialogs.open_draft import OpenDraft
from tui.screens.tokens_edit import TokensEdit
from tui.screens.tokens_panes import Pane
from tui.tokens.model import Draft, Origin
from tui.widgets.draft_list import DraftList, Entry
from tui.widgets.scroller import Picker

MOST_COPIED_TOKENS = 100_000


class Tokens(TokensEdit):
    """The screen."""

    BINDINGS = bindings("tokens")

    def __init__(self, pane: Pane = "tokens") -> None:
        super().__init__()
        self.pane = pane

    # Opening

    @work(group="ask")
    async def action_open_draft(self, folder: str = "") -> None:
        """Ask what to look at; `folder`: look into it first."""
        entry: Entry | None = await self.app.push_screen_wait(OpenDraft(folder))
        if entry is not None:
            self.take(entry)

    def take(self, entry: Entry) -> None:
        """Look at what was chosen."""
        if entry.data:
            self.luthier.open_data_tokens()
        elif entry.folder:
            self.action_open_draft(entry.folder)
        elif entry.origin is not None:
            self.open(entry.origin)

    def open(self, origin: Origin) -> None:
        """Look at a draft."""
        self.luthier.drafts.open(origin)
        self.pane, self.tool_open = "tokens", False
        self.news_of_tokens({"drafts"})
        self.lay_out(focus=True)

    def action_choose(self) -> None:
        """What enter does in the present pane."""
        if self.showing:
            super().action_choose()
            return
        entry = self.query_one("#welcome", DraftList).current
        if entry is not None:
            self.take(entry)
        else:
            self.action_open_draft()

    @on(Picker.Chosen, "#welcome")
    def _welcomed(self) -> None:
        self.action_choose()

    def action_reload(self) -> None:
        """Read it all again."""
        if (draft := self.draft) is not None:
            self.luthier.drafts.reopen(draft)

    @work(group="ask")
    async def action_close_draft(self) -> None:
        """Forget the draft; ask where changes lie in it."""
        draft = self.draft
        if draft is None:
            return
        text = "Its changes are in no file and are forgotten. The run file itself stays as it is."
        unwritten = draft.loses
        if unwritten and not await self.app.push_screen_wait(Confirm("close the draft", text, "forget them")):
            return
        self.luthier.drafts.close(draft)
        self.pane, self.tool_open, self.zoomed = "tokens", False, False
        self.strip.show(None, 0, 0)
        await self.fill_welcome()
        self.news_of_tokens({"drafts"})
        self.lay_out(focus=True)

    @work(group="ask")
    async def action_run(self) -> None:
        """Start a run with this run file; ask first, and have changes written that the run would not have."""
        draft = self.draft
        if draft is None or not draft.writable:
            return
        path, name = draft.origin.path, draft.origin.title
        if draft.changes:
            text = f"{name}: {draft.unwritten}. A run would be without what is not written."
            if not await self.app.push_screen_wait(Confirm("start a run", text, "write first", "do not start")):
                return
            await self.write_draft(draft)
            if draft.changes:
                return
        text = f"{name} is trained now. {path}"
        if await self.app.push_screen_wait(Confirm("start a run", text, "start it", "do not start")):
            self.luthier.new_run(path)

    def action_about(self) -> None:
        """What is known of the draft."""
        draft = self.draft
        if draft is not None and draft.facts is not None:
            self.app.push_screen(AboutDraft(draft.facts, draft.origin.title))

    # Numbers that are typed

    @work(group="ask")
    async def action_go_to_row(self) -> None:
        """Ask for a row."""
        draft = self.draft
        if draft is None or self.still_reading(not draft.count) or not draft.count:
            return
        if row := await self._number("go to row", 1, draft.count):
            draft.place = (0, 0)
            self.luthier.drafts.go(draft, row)
            self.row_changed(draft)

    @work(group="ask")
    async def action_go_to_batch(self) -> None:
        """Ask for a step."""
        draft = self.draft
        found = draft.batch.found if draft is not None else None
        if (
            not self.still_reading(found is None)
            and found is not None
            and (step := await self._number("go to batch", 1, found.steps))
        ):
            self.show_batch(step=step)

    @work(group="ask")
    async def action_limit(self) -> None:
        """Ask for a limit."""
        draft = self.draft
        facts = draft.facts if draft is not None else None
        if facts is None:
            return
        limit = await self._number("max_length", LEAST_LIMIT, facts.context or 1 << 20, self.why_no_longer())
        if limit:
            self.change({"tokens.max_length": limit})

    async def _number(self, heading: str, least: int, most: int, why: str = "") -> int:
        """A number that was typed; 0 for none. `why` there is no larger one."""
        bounds = f"{words.count(least)} to {words.count(most)}"

        def wrong(text: str) -> str:
            number = text.replace(",", "").replace("_", "")
            fits = number.isdecimal() and least <= int(number[:15]) <= most
            return "" if fits else f"A number from {bounds}. {why}".rstrip()

        answer = await self.app.push_screen_wait(Ask(heading, f"{bounds}. {why}" if why else bounds, check=wrong))
        return int(answer.replace(",", "").replace("_", "")) if answer else 0

    # Tokenizers

    @work(group="ask")
    async def action_compare(self) -> None:
        """Choose a second tokenizer; or the row again."""
        draft = self.draft
        if draft is None:
            return
        if draft.tools.other and self.tool != "compare":
            self.open_tool("compare")
            return

        def wrong(text: str) -> str:
            return no_tokenizer(text) if text else "Name the folder of a model, or of a tokenizer."

        text = "The folder of another tokenizer. Both read the same rows."
        before = draft.tools.other
        answer = await self.app.push_screen_wait(Ask("compare tokenizers", text, before, wrong, paths=True))
        if answer is None:
            return
        self.luthier.drafts.compare(draft, os.path.abspath(os.path.expanduser(answer)))
        if self.tool != "compare" or self.pane != "tool":
            self.open_tool("compare")

    # Copying

    @work(group="tokens-copy", exclusive=True)
    async def action_copy(self) -> None:
        """The row's text, ids and labels as JSON."""
        draft = self.draft
        row = draft.shown if draft is not None else None
        if draft is None or row is None:
            return
        if row.total > MOST_COPIED_TOKENS:
            self.luthier.complain(
                f"{words.count(row.total)} tokens are too many for a clipboard; Y copies a command that prints them."
            )
            return
        if len(row.tokens) < row.total:
            answer = await self.luthier.drafts.ask(p.TokenRow(id=0, draft=draft.id, row=row.row, count=row.total))
            if not isinstance(answer, p.Tokens):
                return
            row = answer
        where = await copy(self.app, row_json(row))
        self.luthier.tell(where, f"row {words.count(row.row)}: text, ids, labels")

    @work(group="tokens-copy", exclusive=True)
    async def action_copy_command(self) -> None:
        """The command that prints what is shown."""
        draft = self.draft
        if draft is None:
            return
        if not draft.origin.path:
            self.luthier.tell("There is no run file yet that a command could name; w writes one.")
            return
        what = f"--batch {draft.batch.step}" if self.pane == "batch" else f"--row {draft.row}"
        command = f"luthier inspect {shlex.quote(run_file_of(draft))} {what}"
        self.luthier.tell(await copy(self.app, command), command)


def run_file_of(draft: Draft) -> str:
    """The run file of a draft that has one."""
    path = Path(draft.origin.path)
    return str(path / "run.toml" if draft.origin.run else path)


def row_json(row: p.Tokens) -> str:
    """A row as it is trained on: the ids and labels of each of its sequences."""
    sequences = []
    for first, last in row.sequences:
        tokens = row.tokens[first - row.start : last - row.start]
        labels = [token.id if token.mark == "trained" else -100 for token in tokens]
        sequences.append({"ids": [token.id for token in tokens], "labels": labels})
    found = {"row": row.row, "origin": row.origin, "text": row.text, "sequences": sequences}
    return msgspec.json.encode(found).decode()
