"""Looking at a source: its pages, its rows in full, its views, its statistics. Each asks the service and waits in a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Literal

from textual.worker import WorkType

from engine.service import protocol as p
from tui.data.model import Source, View
from tui.data.pages import PAGE_ROWS, Pages
from tui.link.service import Service, ServiceCancelledError, ServiceError, ServiceGoneError

if TYPE_CHECKING:
    from tui.app import LuthierApp

News = Literal["sources", "rows", "row", "exam", "mix"]
CLIP = 240
"""Characters of a cell in a list."""
ROWS_BEFORE = 5
"""Rows that are seen above the one to which the cursor goes back."""
DETAIL_CHARACTERS = 20_000
"""Characters of a text in the pane of a row; the pager shows all."""


class Looking:
    """The part of the desk that reads."""

    app: LuthierApp
    sources: list[Source]
    tokenizer: str

    @property
    def service(self) -> Service:
        """The engine service."""
        raise NotImplementedError

    def tell(self, what: News, slow: bool = False) -> None:
        """Have the screen told."""
        raise NotImplementedError

    def work(self, task: Callable[[], Coroutine[None, None, None]], group: str, exclusive: bool = False) -> None:
        """Do something that takes a while. A newer one of an exclusive group ends the older ones."""
        run: WorkType[None] = task  # a coroutine would be left over where the worker is ended before it starts
        self.app.run_worker(run, group=group, exclusive=exclusive)

    # Pages

    def want(self, source: Source, first: int, last: int) -> None:
        """Have the rows from `first` to before `last` of the present view here soon."""
        if source.state != "open" or source.view.id < 0:
            return
        for page in source.pages.missing(first, last, source.reachable):
            source.pages.ask(page, source.reachable)
            self.work(partial(self._page, source, source.pages, source.view.id, page), "data-pages")

    async def _page(self, source: Source, pages: Pages, view: int, page: int) -> None:
        generation = pages.generation
        request = p.Page(id=0, source=source.id, view=view, start=page * PAGE_ROWS, count=PAGE_ROWS, clip=CLIP)
        try:
            answer = await self.service.ask(request)
        except (ServiceGoneError, ServiceCancelledError):
            pages.lose(page, generation)
        except ServiceError as error:
            pages.lose(page, generation, str(error))
        else:
            if isinstance(answer, p.Rows):
                pages.take(page, generation, answer.columns, answer.rows)
        if pages is source.pages:
            self.tell("rows")

    # A row in full

    def read_row(self, source: Source, number: int) -> None:
        """Have a row in full."""
        if source.state == "open" and number:
            self.work(partial(self._read_row, source, number), f"data-row-{source.key}", exclusive=True)

    async def _read_row(self, source: Source, number: int) -> None:
        try:
            source.row = await self.whole_row(source, number, DETAIL_CHARACTERS)
            source.row_error = ""
        except (ServiceGoneError, ServiceCancelledError):
            return
        except ServiceError as error:
            source.row, source.row_error = None, str(error)
        self.tell("row")

    async def whole_row(self, source: Source, number: int, limit: int = 0) -> p.RowInFull:
        """Return a row, each text up to `limit` characters (0: all of them). Raises ServiceError."""
        answer = await self.service.ask(p.Detail(id=0, source=source.id, number=number, limit=limit))
        assert isinstance(answer, p.RowInFull)
        return answer

    # Views

    def look(self, source: Source, stay: bool = False) -> None:
        """Show the rows that are wanted now; `stay`: on the row under the cursor, now among its neighbours."""
        source.view.problem = ""
        if source.wanted.plain:
            self.app.workers.cancel_group(self.app, f"data-view-{source.key}")
            if source.view.id:
                here = source.pages.row(source.cursor) if stay else None
                self._swap(source, View())
                if here is not None:
                    source.cursor, source.top = here.number - 1, max(0, here.number - 1 - ROWS_BEFORE)
            source.view.complete = True
            self.tell("rows")
        elif source.state == "open":
            self.work(partial(self._look, source), f"data-view-{source.key}", exclusive=True)

    async def _look(self, source: Source) -> None:
        await asyncio.sleep(0)  # several changes of one key press are one view
        wanted = source.wanted
        request = p.Filter(
            id=0,
            source=source.id,
            pattern=wanted.pattern,
            regex=wanted.regex,
            field=wanted.column,
            findings=[wanted.finding] if wanted.finding else [],
            rows=sorted(source.marks) if wanted.marked else [],
            kept=wanted.kept,
            sort=wanted.sort,
            descending=wanted.descending,
        )
        try:
            answer = await self.service.ask(request, partial(self._matched, source))
        except (ServiceGoneError, ServiceCancelledError):
            return
        except ServiceError as error:
            source.view.problem = str(error)
            self.tell("rows")
        else:
            self._matched(source, answer)

    def _matched(self, source: Source, answer: p.AnyAnswer) -> None:
        if not isinstance(answer, p.Matched) or source.wanted.plain:
            return
        view = source.view
        if view.id != answer.view:
            view = self._swap(source, View(id=answer.view))
        view.matches, view.scanned, view.total = answer.matches, answer.scanned, answer.total
        view.complete = answer.complete
        if answer.complete and source.wanted.sort:  # until now it lay in the order of the file
            source.pages.refresh()
        self.tell("rows", slow=not answer.complete and len(source.pages) > 0)

    def _swap(self, source: Source, view: View) -> View:
        source.view, source.pages = view, Pages()
        source.cursor = source.top = 0
        return view

    # Statistics and findings

    def examine(self, source: Source, exact: bool) -> None:
        """Have statistics and findings: of a sample, or of everything."""
        if source.state == "open":
            self.work(partial(self._examine, source, exact), f"data-exam-{source.key}", exclusive=True)

    def stop_examining(self, source: Source) -> None:
        """Be content with what is known."""
        self.app.workers.cancel_group(self.app, f"data-exam-{source.key}")
        source.examining = None
        self.tell("exam")

    async def _examine(self, source: Source, exact: bool) -> None:
        against = [other.id for other in self.sources if other is not source and other.state == "open"]
        request = p.Examine(id=0, source=source.id, tokenizer=self.tokenizer, against=against, exact=exact)
        source.examining, source.exam_error = (0, source.rows), ""
        self.tell("exam")
        try:
            answer = await self.service.ask(request, partial(self._examined, source))
        except (ServiceGoneError, ServiceCancelledError):
            source.examining = None
            return
        except ServiceError as error:
            source.exam_error = str(error)
        else:
            self._examined(source, answer)
        source.examining = None
        if source.excluded_findings:  # only now does the service know which rows they are
            source.pages.refresh()
            self.tell("rows")
        self.tell("exam")

    def _examined(self, source: Source, answer: p.AnyAnswer) -> None:
        match answer:
            case p.Examined():
                source.examined = answer
                self.tell("exam")
            case p.Progress():
                source.examining = (answer.done, answer.total)
                self.tell("exam", slow=True)
