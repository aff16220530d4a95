"""Looking at a draft: its rows, batches, findings, tokenizers. Each asks the service and waits in a worker.

A row that is here is shown at once; its neighbours are asked for before somebody goes there.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.runs.paths import RunDir
from engine.runs.steps import find_step
from engine.service import protocol as p
from tui.link.service import Service, ServiceCancelledError, ServiceError, ServiceGoneError
from tui.tokens.model import Batch, Draft
from tui.tokens.places import place_in
from tui.tokens.rows import WINDOW
from tui.working import begin

if TYPE_CHECKING:
    from tui.app import LuthierApp

News = Literal["drafts", "row", "batch", "measured", "tools"]
FIELD_CHARACTERS = 6000
"""Characters of a field in its pane."""
SPLIT_TOKENS = 2000
_MOST_TRIES = 12
_MOST_WINDOWS = 50
"""Windows of a row that are looked through for a finding."""


class Asking:
    """The part of the desk that reads."""

    app: LuthierApp
    current: Draft | None

    @property
    def service(self) -> Service:
        """The engine service."""
        return self.app.desk.service

    def tell(self, what: News, slow: bool = False) -> None:
        """Have the screen told."""
        raise NotImplementedError

    def work(self, task: Callable[[], Coroutine[None, None, None]], group: str, exclusive: bool = False) -> None:
        """Do something that takes a while. A newer one of an exclusive group ends the older ones."""
        begin(self.app, task, group, exclusive)

    # Rows

    def go(self, draft: Draft, row: int, token: int = 0, last: bool = False) -> None:
        """Stand on a token of a row; `last`: on its last one."""
        ahead = 1 if row >= draft.row else -1
        draft.row, draft.token, draft.last, draft.row_error = max(1, row), max(0, token), last, ""
        held = draft.shown
        if held is not None and last and held.total:
            draft.token, draft.last = held.total - 1, False
        self.read(draft, ahead)
        if draft.shown is not None:
            self.app.spread_tokens({"row"})  # at once: a key waits for it

    def read(self, draft: Draft, ahead: int = 1) -> None:
        """Have the row here on which one stands, and those around it."""
        if draft.state != "open" or not draft.id or not draft.count:
            return
        start = draft.rows.missing(draft.row, draft.token)
        if start is not None and (draft.row, start) not in draft.rows.asked:
            self.work(partial(self._read, draft, draft.row, start), f"tokens-row-{draft.key}", exclusive=True)
        elif start is None:
            self._read_near(draft, ahead)

    def _read_near(self, draft: Draft, ahead: int) -> None:
        for by in (ahead, 2 * ahead, -ahead, -2 * ahead):
            row = draft.row + by
            if 1 <= row <= draft.count and draft.rows.held(row) is None and (row, 0) not in draft.rows.asked:
                self.work(partial(self._read, draft, row, 0), f"tokens-near-{draft.key}")

    async def _read(self, draft: Draft, row: int, start: int) -> None:
        version, asked = draft.version, draft.rows.asked
        asked.add((row, start))
        request = p.TokenRow(id=0, draft=draft.id, row=row, start=start, count=WINDOW, limit=FIELD_CHARACTERS)
        try:
            answer = await self.service.ask(request)
        except (ServiceGoneError, ServiceCancelledError):
            return
        except ServiceError as error:
            if version == draft.version and row == draft.row:
                draft.row_error = str(error)
                self.tell("row")
            return
        finally:
            asked.discard((row, start))
        assert isinstance(answer, p.Tokens)
        if version != draft.version:
            return
        draft.rows.take(start, answer)
        if row == draft.row:
            self._arrived(draft, answer)

    def _arrived(self, draft: Draft, answer: p.Tokens) -> None:
        """The row on which one stands came."""
        draft.row_error = ""
        if draft.last:
            draft.token, draft.last = max(0, answer.total - 1), False
        draft.token = min(draft.token, max(0, answer.total - 1))
        self.tell("row")
        self.read(draft)

    def seek_wish(self, draft: Draft) -> None:
        """Go to the row of open data that was asked for."""
        if draft.id and draft.wish is not None:
            self.work(partial(self._seek_wish, draft), f"tokens-wish-{draft.key}", exclusive=True)

    async def _seek_wish(self, draft: Draft) -> None:
        """A draft counts the rows that a run can use, over all sources: the row is looked for by where it stands."""
        wish, facts = draft.wish, draft.facts
        if wish is None or facts is None:
            return
        source, number, origin = wish
        before = sum(other.rows for other in facts.sources[:source])
        row = before + number
        for _ in range(_MOST_TRIES):
            row = min(max(before + 1, row), draft.count)
            try:
                answer = await self.service.ask(p.TokenRow(id=0, draft=draft.id, row=row, count=1, limit=1))
            except ServiceError:
                return
            if not isinstance(answer, p.Tokens) or draft.wish != wish:
                return
            off = _number_of(origin) - _number_of(answer.origin)
            if answer.source == source and not off:
                break
            row += off if answer.source == source else -1
        else:
            if not facts.complete:
                return  # it may be among those that are still to come
            self.app.tell("The row is none that a run can use; the one nearest to it is shown.")
        draft.wish = None
        self.go(draft, min(max(1, row), draft.count))

    def walk(self, draft: Draft, rule: str, backwards: bool = False) -> None:
        """To the next row with a finding."""
        draft.rule = rule
        if draft.id:
            self.work(partial(self._walk, draft, rule, backwards), f"tokens-walk-{draft.key}", exclusive=True)

    async def _walk(self, draft: Draft, rule: str, backwards: bool) -> None:
        version, row = draft.version, draft.row
        request = p.NextRow(id=0, draft=draft.id, rule=rule, row=row, backwards=backwards)
        try:
            answer = await self.service.ask(request)
        except (ServiceGoneError, ServiceCancelledError):
            return
        except ServiceError as error:
            self.app.complain(str(error))
            return
        assert isinstance(answer, p.FoundRow)
        if not answer.row:
            draft.place = (0, 0)
            self.app.tell("No row has this finding now.")
            return
        token = await self._place(draft, rule, answer.row)
        if version != draft.version or row != draft.row:
            return  # the rules, or the row, are others by now
        draft.place = (answer.place, answer.of)
        self.go(draft, answer.row, token)
        self.tell("row")

    async def _place(self, draft: Draft, rule: str, row: int) -> int:
        """The token of a row where a finding is: its windows are looked through one by one, where they are long."""
        start = 0
        for _ in range(_MOST_WINDOWS):
            window = draft.rows.held(row) if not start else None
            if window is None or window.start != start:
                request = p.TokenRow(id=0, draft=draft.id, row=row, start=start, count=WINDOW, limit=1)
                try:
                    answer = await self.service.ask(request)
                except ServiceError:
                    return 0
                assert isinstance(answer, p.Tokens)
                window = answer
            token = place_in(rule, window)
            end = window.start + len(window.tokens)
            if token is not None or end >= window.total or not window.tokens:
                return token or 0
            start = end
        return 0

    # Batches

    def read_batch(self, draft: Draft, step: int) -> None:
        """Have the batch of a step."""
        draft.batch.step = max(1, step)
        if draft.id and draft.state == "open":
            self.work(partial(self._read_batch, draft, draft.batch), f"tokens-batch-{draft.key}", exclusive=True)

    async def _read_batch(self, draft: Draft, batch: Batch) -> None:
        step, version = batch.step, draft.version

        def part(answer: p.AnyAnswer) -> None:
            if isinstance(answer, p.Progress) and batch.step == step:
                batch.progress = (answer.done, answer.total)
                self.tell("batch", slow=True)

        try:
            answer = await self.service.ask(p.TokenBatch(id=0, draft=draft.id, step=step), part)
        except (ServiceGoneError, ServiceCancelledError):
            batch.progress = None
            return
        except ServiceError as error:
            batch.found, batch.error, batch.progress = None, str(error), None
            self.tell("batch")
            return
        assert isinstance(answer, p.BatchFound)
        if version != draft.version or batch.step != step:
            return
        batch.found, batch.error, batch.progress = answer, "", None
        batch.step = answer.step
        batch.journaled, batch.journal_fingerprint = ("unknown", "") if draft.origin.run else ("", "")
        self.tell("batch")
        self.check_journal(draft)
        if batch.leads:
            batch.leads = False
            if row := next((document.row for line in answer.lines for document in line.documents), 0):
                draft.place = (0, 0)
                self.go(draft, row)

    def check_journal(self, draft: Draft) -> None:
        """See what the run's journal has for the step that is looked at."""
        if draft.origin.run and draft.batch.found is not None:
            self.work(
                partial(self._check_journal, draft, draft.batch, draft.batch.found), f"tokens-journal-{draft.key}"
            )

    async def _check_journal(self, draft: Draft, batch: Batch, answer: p.BatchFound) -> None:
        """Read in a thread: a journal may be long."""
        journal = RunDir(Path(draft.origin.path)).journal
        event = await asyncio.to_thread(find_step, journal, answer.step)
        if batch.found is not answer:
            return
        if event is None:
            batch.journaled = "not yet"
        else:
            batch.journal_fingerprint = event.batch
            batch.journaled = "same" if event.batch == answer.fingerprint else "different"
        self.tell("batch")

    # Tokenizers

    async def ask(self, request: p.AnyRequest) -> p.AnyAnswer | None:
        """The answer to something that was asked by a key; None where there is none: it was said why."""
        try:
            return await self.service.ask(request)
        except (ServiceGoneError, ServiceCancelledError):
            return None
        except ServiceError as error:
            self.app.complain(str(error))
            return None

    def compare(self, draft: Draft, other: str) -> None:
        """Two tokenizers on a sample of the rows, and on the row on which one stands."""
        draft.tools.other, draft.tools.compared, draft.tools.theirs = other, None, None
        self.tell("tools")
        self.work(partial(self._compare, draft, other), f"tokens-compare-{draft.key}", exclusive=True)
        self.split_row(draft)

    async def _compare(self, draft: Draft, other: str) -> None:
        answer = await self.ask(p.Compare(id=0, draft=draft.id, other=other))
        if isinstance(answer, p.Compared) and draft.tools.other == other:
            draft.tools.compared = answer
        elif answer is None and draft.tools.compared is None:
            draft.tools.other = ""
        self.tell("tools")

    def split_row(self, draft: Draft) -> None:
        """The row on which one stands, by both tokenizers."""
        if draft.id and draft.tools.other:
            self.work(partial(self._split_row, draft), f"tokens-split-{draft.key}", exclusive=True)

    async def _split_row(self, draft: Draft) -> None:
        row, other = draft.row, draft.tools.other
        for folder in ("", other):
            request = p.Resplit(id=0, draft=draft.id, tokenizer=folder, row=row, count=SPLIT_TOKENS)
            answer = await self.ask(request)
            if not isinstance(answer, p.SplitText) or draft.row != row:
                return
            if folder:
                draft.tools.theirs = answer
            else:
                draft.tools.ours = answer
        draft.tools.split_row = row
        self.tell("tools")

    def scratch(self, draft: Draft, text: str) -> None:
        """What a typed text becomes, by both tokenizers where there are two."""
        draft.tools.text = text
        self.work(partial(self._scratch, draft, text), f"tokens-scratch-{draft.key}", exclusive=True)

    async def _scratch(self, draft: Draft, text: str) -> None:
        for folder in ("", *((draft.tools.other,) if draft.tools.other else ())):
            answer = await self.ask(p.Resplit(id=0, draft=draft.id, tokenizer=folder, text=text))
            if not isinstance(answer, p.SplitText) or draft.tools.text != text:
                return
            if folder:
                draft.tools.other_split = answer
            else:
                draft.tools.split = answer
        self.tell("tools")

    def search_vocabulary(self, draft: Draft, pattern: str, start: int = 0) -> None:
        """Entries of the vocabulary."""
        draft.tools.pattern = pattern
        self.work(partial(self._search, draft, pattern, start), f"tokens-vocabulary-{draft.key}", exclusive=True)

    async def _search(self, draft: Draft, pattern: str, start: int) -> None:
        answer = await self.ask(p.Vocabulary(id=0, draft=draft.id, pattern=pattern, start=start))
        if isinstance(answer, p.Pieces) and draft.tools.pattern == pattern:
            draft.tools.pieces = answer
            self.tell("tools")

    def parity(self, draft: Draft) -> None:
        """The ids of the training path against those of a generation."""
        if draft.id:
            self.work(partial(self._parity, draft, draft.row), f"tokens-parity-{draft.key}", exclusive=True)

    async def _parity(self, draft: Draft, row: int) -> None:
        answer = await self.ask(p.Parity(id=0, draft=draft.id, row=row))
        if isinstance(answer, p.ParityFound) and draft.row == row:
            draft.tools.parity = answer
            self.tell("tools")


def _number_of(origin: str) -> int:
    """The line or row at the end of an origin: "file.jsonl:12", "file.parquet#12"."""
    digits = re.search(r"(\d+)\D*$", origin)
    return int(digits[1]) if digits else 0
