"""The desk: which sources lie open, and everything that is done to them.

It belongs to the app, so that the sources stay open while one looks at runs. What it learns it writes into the sources and
tells the screen: soon, or, for numbers that merely count, at most four times a second.
"""

from __future__ import annotations

import asyncio
import copy
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from engine.runs.paths import cache_dir
from engine.service import protocol as p
from tui.data import recent
from tui.data.looking import Looking, News
from tui.data.model import Mixture, Section, Source, View, Wanted
from tui.data.pages import Pages
from tui.link.heard import Answered, ServiceEnded
from tui.link.service import Service, ServiceCancelledError, ServiceError, ServiceGoneError

if TYPE_CHECKING:
    from tui.app import LuthierApp

SLOW_S = 0.25
SOON_S = 0.01
LEAST_WEIGHT = 0.05
SMALL_ROWS = 2000
"""Up to so many rows an examination takes all of them at once."""
WHOLE_BYTES = 256 << 20
"""Sources up to this size are examined whole by themselves, after their sample; larger ones when somebody asks."""


def small(source: Source) -> bool:
    """Whether examining all of it is a matter of seconds."""
    return source.facts is not None and source.facts.bytes <= WHOLE_BYTES


def trainable(source: Source) -> bool:
    """Whether its rows have a format; one that has none is looked at, and mixed with nothing."""
    return source.facts is not None and not source.facts.problem


class Desk(Looking):
    """The open sources."""

    def __init__(self, app: LuthierApp) -> None:
        self.app = app
        self.sources: list[Source] = []
        self.current = 0
        self.tokenizer = ""
        self.mixture = Mixture()
        self.asked_for_mixture = False
        """Whether somebody looks at the whole table of the mixture."""
        self._service = Service(app, cache_dir() / "service.log")
        self._keys = 0
        self._news: set[News] = set()
        self._timers: dict[bool, Timer] = {}
        self._readings: dict[int, asyncio.Lock] = {}

    @property
    def service(self) -> Service:
        """The engine service."""
        return self._service

    @property
    def source(self) -> Source | None:
        """The source that is looked at."""
        return self.sources[self.current] if self.current < len(self.sources) else None

    def tell(self, what: News, slow: bool = False) -> None:
        """Have the screen told, once for all that comes until then."""
        self._news.add(what)
        if slow not in self._timers:
            self._timers[slow] = self.app.set_timer(SLOW_S if slow else SOON_S, partial(self._spread, slow))

    def _spread(self, slow: bool) -> None:
        self._timers.pop(slow, None)
        news, self._news = self._news, set()
        if news:
            self.app.spread_data(news)

    # Opening and closing

    def open(self, sections: list[Section]) -> None:
        """Open sources; the first of them is looked at."""
        if not sections:
            return
        self.current = len(self.sources)
        for section in sections:
            self._keys += 1
            source = Source(self._keys, section)
            self.sources.append(source)
            self._begin(source)
        self.tell("sources")

    def reload(self, source: Source, section: Section | None = None) -> None:
        """Open a source anew: it failed, its file changed, or it is to be read in another way."""
        self.service.revive()
        number, source.id = source.id, 0
        if number:
            self.work(partial(self._close, number, source.open_request), "data-close")
        if section is not None:
            source.section = section
        source.state, source.error, source.torn = "opening", "", ""
        source.facts = source.row = source.examined = None
        source.cursor = source.top = source.column = source.rows = 0
        source.view, source.pages, source.wanted = View(), Pages(), Wanted()
        source.marks.clear()
        self._begin(source)
        self.tell("sources")

    def close(self, source: Source) -> None:
        """Forget a source."""
        index = self.sources.index(source)
        del self.sources[index]
        self.current = max(0, min(self.current - (index < self.current), len(self.sources) - 1))
        for group in ("open", "view", "exam", "row", "read"):
            self.app.workers.cancel_group(self.app, f"data-{group}-{source.key}")
        if source.id:
            self.work(partial(self._close, source.id, source.open_request), "data-close")
        self.mix()
        self.tell("sources")

    async def _close(self, number: int, open_request: int) -> None:
        self.service.deafen(open_request)
        try:
            await self.service.ask(p.Close(id=0, source=number))
        except ServiceError:
            return  # what is gone is closed

    def _begin(self, source: Source) -> None:
        source.pages.refresh()
        self.work(partial(self._open, source), f"data-open-{source.key}", exclusive=True)

    async def _open(self, source: Source) -> None:
        request = p.Open(id=0, section=source.section)
        try:
            answer = await self.service.ask(request, partial(self._grown, source))
        except ServiceCancelledError:
            return
        except ServiceGoneError as error:
            if self.service.state == "gone":
                source.state, source.error = "failed", str(error)
        except ServiceError as error:
            source.state, source.error = "failed", str(error)
        else:
            assert isinstance(answer, p.Opened)
            source.open_request = request.id
            self._opened(source, answer)
        self.tell("sources")

    def _opened(self, source: Source, answer: p.Opened) -> None:
        again = source.facts is not None
        source.id, source.state, source.error = answer.source, "open", ""
        source.section, source.facts = answer.section, answer.facts
        source.rows, source.complete = answer.facts.rows, answer.facts.complete
        self._go_back(source)
        if not again:
            recent.remember(answer.section)
            for other in self.sources:  # what leaks into what is known only with all of them open
                if other is source or other.examined is None or not other.examined.exact or other.rows <= SMALL_ROWS:
                    self.examine(other, exact=small(other))
        if not source.wanted.plain:
            self.look(source)
        if source.row is not None:
            self.read_row(source, source.row.number)
        self.mix()

    def _grown(self, source: Source, answer: p.AnyAnswer) -> None:
        if not isinstance(answer, p.Grown):
            return
        source.rows, source.complete, source.torn = answer.rows, answer.complete, answer.problem
        source.bytes_done, source.bytes_total = answer.bytes_done, answer.bytes_total
        self._go_back(source)
        if answer.complete:
            source.wish = None
            self.mix()
        self.tell("sources", slow=not answer.complete)

    def _go_back(self, source: Source) -> None:
        if source.wish is not None and source.wanted.plain and source.wish < source.rows:
            source.cursor, source.wish = source.wish, None

    # Reading it in another way

    async def interpret(self, source: Source, section: Section) -> None:
        """Read an open source with other keys of its table. Raises ServiceError; then nothing has changed.

        One after the other: the service would answer two at once in any order.
        """
        async with self._readings.setdefault(source.key, asyncio.Lock()):
            answer = await self.service.ask(p.Interpret(id=0, source=source.id, section=section))
        assert isinstance(answer, p.Opened)
        source.section, source.facts = answer.section, answer.facts
        source.pages.refresh()
        if source.wanted.kept:
            self.look(source)
        if source.row is not None:
            self.read_row(source, source.row.number)
        self.tell("sources")

    def read_as(self, source: Source, section: Section) -> None:
        """Read a source with other keys; what is wrong with them is a toast."""
        before, source.section = source.section, section
        self.work(partial(self._read_as, source, section, before), f"data-read-{source.key}")

    def exclude(self, source: Source, rows: set[int] | None = None, finding: str = "") -> None:
        """Leave rows out of a run, or take them back where all of them are out already."""
        section = copy.deepcopy(source.section)
        exclude: dict[str, Any] = section.setdefault("exclude", {})
        if rows:
            out = set(exclude.get("rows", ()))
            exclude["rows"] = sorted(out - rows if rows <= out else out | rows)
        if finding:
            rules = list(exclude.get("findings", ()))
            exclude["findings"] = [rule for rule in rules if rule != finding] + [finding] * (finding not in rules)
        section["exclude"] = {key: value for key, value in exclude.items() if value}
        if not section["exclude"]:
            del section["exclude"]
        self.read_as(source, section)
        self.tell("rows")

    async def _read_as(self, source: Source, section: Section, before: Section) -> None:
        try:
            if source.section is section:  # else there is a newer wish
                await self.interpret(source, section)
        except (ServiceGoneError, ServiceCancelledError):
            return  # it is opened again with these keys
        except ServiceError as error:
            source.section = before
            self.app.complain(str(error))
        else:
            if source.excluded_findings:
                self.examine(source, exact=source.examined is not None and source.examined.exact)
        self.mix()
        self.tell("rows")

    # Together

    @property
    def weighted(self) -> bool:
        """Whether sources have weights; without them every row is read once."""
        return any(source.weight is not None for source in self.sources)

    def weigh(self, source: Source, weight: float | None) -> None:
        """Give a source a weight; the others get one, too, or lose theirs with it."""
        if weight is None:
            for other in self.sources:
                other.weight = None
        else:
            self._give_weights()
            source.weight = max(LEAST_WEIGHT / 5, round(weight, 4))
        self.mix()
        self.tell("sources")

    def nudge(self, source: Source, steps: int) -> None:
        """A little more or less of a source."""
        self._give_weights()
        assert source.weight is not None
        self.weigh(
            source, max(LEAST_WEIGHT, round((source.weight + steps * LEAST_WEIGHT) / LEAST_WEIGHT) * LEAST_WEIGHT)
        )

    def _give_weights(self) -> None:
        """From "every row once" to the weights that say the same."""
        total = sum(source.rows for source in self.sources) or 1
        for source in self.sources:
            if source.weight is None:
                source.weight = max(LEAST_WEIGHT, round(source.rows / total / LEAST_WEIGHT) * LEAST_WEIGHT)

    def run_sections(self) -> list[Section]:
        """The tables of the open sources as a run file would have them."""
        return [
            {**source.section, **({"weight": source.weight} if source.weight is not None else {})}
            for source in self.sources
            if source.state == "open"
        ]

    def choose_tokenizer(self, text: str) -> None:
        """Count with the tokenizer of a folder, or of a model of the Hub; empty: not at all."""
        path = os.path.expanduser(text)
        self.tokenizer = os.path.abspath(path) if os.path.isdir(path) else text
        for source in self.sources:
            self.examine(source, exact=small(source))
        self.mix()

    def mix(self) -> None:
        """Have the mixture reckoned anew."""
        self.work(self._mix, "data-mix", exclusive=True)

    async def _mix(self) -> None:
        ready = [source for source in self.sources if source.state == "open" and source.rows and trainable(source)]
        mixture = self.mixture
        if not ready or (len(self.sources) < 2 and not self.asked_for_mixture):
            mixture.rows = []  # counting what a run would take of a large file is work: not for nothing
            self.tell("mix")
            return
        weights = [source.weight or 0.0 for source in ready]
        request = p.Mix(
            id=0,
            sources=[source.id for source in ready],
            weights=weights,
            budget=mixture.budget,
            tokenizer=self.tokenizer,
        )
        try:
            answer = await self.service.ask(request)
        except (ServiceGoneError, ServiceCancelledError):
            return
        except ServiceError as error:
            mixture.error = str(error)
        else:
            if isinstance(answer, p.Mixed):
                mixture.rows, mixture.drawn = answer.rows, answer.budget
                mixture.estimated, mixture.error = answer.estimated, ""
        self.tell("mix")

    # The service's life

    def heard(self, message: Answered) -> None:
        """Answers came."""
        self.service.accept(message)

    def ended(self, message: ServiceEnded) -> None:
        """The service died: say so, and have it started again with the sources that lie open."""
        text = self.service.ended(message)
        if not text:
            return
        self.app.complain(text)
        for source in self.sources:
            source.id, source.examining = 0, None
            if self.service.state == "gone":
                source.state, source.error = "failed", self.service.reason
            elif source.state != "failed":
                source.state, source.wish = "opening", source.cursor
                source.view.id = 0 if source.wanted.plain else -1
                self._begin(source)
        self.tell("sources")
