"""The desk of drafts: which run files lie open, what is changed of them, and what the service says.

It belongs to the app, so that the changes stay while one looks at something else. It speaks through the same service as the
desk of data. What it learns it writes into the drafts and tells the screen: rows at once, numbers that merely count at most
four times a second.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.timer import Timer

from engine.service import protocol as p
from tui.link.service import ServiceCancelledError, ServiceError, ServiceGoneError
from tui.tokens import recent
from tui.tokens.asking import Asking, News
from tui.tokens.model import Changes, Draft, Origin, Wish

if TYPE_CHECKING:
    from tui.app import LuthierApp

SLOW_S = 0.25
SOON_S = 0.005
MOST_DRAFTS = 4
"""Drafts that lie open at once; the service holds the tokens of each."""


class TokensDesk(Asking):
    """The drafts."""

    def __init__(self, app: LuthierApp) -> None:
        self.app = app
        self.drafts: list[Draft] = []
        self.current: Draft | None = None
        self._keys = 0
        self._news: set[News] = set()
        self._timers: dict[bool, Timer] = {}

    def tell(self, what: News, slow: bool = False) -> None:
        """Have the screen told, once for all that comes until then."""
        self._news.add(what)
        if slow not in self._timers:
            self._timers[slow] = self.app.set_timer(SLOW_S if slow else SOON_S, partial(self._spread, slow))

    def _spread(self, slow: bool) -> None:
        self._timers.pop(slow, None)
        news, self._news = self._news, set()
        if news:
            self.app.spread_tokens(news)

    # Opening and closing

    def open(self, origin: Origin, step: int = 0, wish: Wish | None = None) -> Draft:
        """Look at a draft: one that lies open already, with its changes, or a new one. `step`: at the batch of a step."""
        found = next((draft for draft in self.drafts if draft.origin == origin), None)
        if found is None:
            self._keys += 1
            found = Draft(self._keys, origin)
            self.drafts.append(found)
            self._make_room()
            self.current = found
            found.batch.step, found.batch.leads, found.wish = max(1, step), bool(step), wish
            self._begin(found)
        else:
            self.current, found.wish = found, wish
            found.batch.leads = bool(step)
            if found.state == "failed":
                self.reopen(found)
            elif step:
                self.read_batch(found, step)
            elif wish:
                self.seek_wish(found)
        if origin.path and not origin.run:
            recent.remember(origin.path)
        self.tell("drafts")
        return found

    def _make_room(self) -> None:
        """Forget the oldest draft without changes where there are too many."""
        clean = [draft for draft in self.drafts[:-1] if not draft.loses]
        if len(self.drafts) > MOST_DRAFTS and clean:
            self.close(clean[0])

    def reopen(self, draft: Draft) -> None:
        """Read a draft again: it failed, or its files changed. Its changes stay."""
        self.service.revive()
        number, draft.id = draft.id, 0
        if number:
            self.work(partial(self._close, number), "tokens-close")
        draft.state, draft.error = "opening", ""
        self._begin(draft)
        self.tell("drafts")

    def close(self, draft: Draft) -> None:
        """Forget a draft."""
        self.drafts.remove(draft)
        if self.current is draft:
            self.current = self.drafts[-1] if self.drafts else None
        for group in ("open", "row", "near", "batch", "walk", "compare", "split", "scratch", "vocabulary", "parity"):
            self.app.workers.cancel_group(self.app, f"tokens-{group}-{draft.key}")
        if draft.id:
            self.work(partial(self._close, draft.id), "tokens-close")
        self.tell("drafts")

    async def _close(self, number: int) -> None:
        try:
            await self.service.ask(p.CloseDraft(id=0, draft=number))
        except ServiceError:
            return  # what is gone is closed

    def _begin(self, draft: Draft) -> None:
        self.work(partial(self._open, draft), f"tokens-open-{draft.key}", exclusive=True)

    async def _open(self, draft: Draft) -> None:
        """Open it, or have its changes laid over it: the same request, whose answers come one after the other."""
        again = bool(draft.id)
        request = p.Draft(
            id=0,
            draft=draft.id,
            path="" if again else draft.origin.path,
            table={} if again else draft.origin.tables,
            changes=dict(draft.changes),
        )
        draft.measuring = (0, 0)
        self.tell("measured")
        try:
            answer = await self.service.ask(request, partial(self._part, draft))
        except ServiceCancelledError:
            return
        except ServiceGoneError as error:
            draft.measuring = None
            if self.service.state == "gone":
                draft.state, draft.error = "failed", str(error)
        except ServiceError as error:
            draft.measuring = None
            self._refuse(draft, str(error))
        else:
            self._part(draft, answer)
            draft.measuring = None
        self.tell("drafts")

    def _refuse(self, draft: Draft, why: str) -> None:
        """It cannot be opened; or it lies open, and its last change cannot be: then that is taken back."""
        if draft.facts is None or draft.state == "opening" or not draft.past:
            draft.state, draft.error = "failed", why
            return
        draft.changes = draft.past.pop()
        draft.refused = why
        self.app.complain(why)
        self._begin(draft)

    def _part(self, draft: Draft, answer: p.AnyAnswer) -> None:
        match answer:
            case p.Drafted():
                self._drafted(draft, answer)
            case p.Measured():
                if draft.measured is not None and not answer.complete:  # the ways of batching are reckoned last
                    answer.strategies = answer.strategies or draft.measured.strategies
                draft.measured = answer
                found = draft.finding(draft.rule)
                if found is None or found.rows != draft.place[1]:
                    draft.place = (0, 0)
                draft.measuring = (answer.seen, answer.total) if not answer.complete else None
                self.tell("measured")
            case p.Progress():
                draft.measuring = (answer.done, answer.total)
                self.tell("measured", slow=True)

    def _drafted(self, draft: Draft, answer: p.Drafted) -> None:
        """What it is is known: at first, after a change, and once all rows are here. What was answered before is old."""
        draft.id, draft.pid, draft.state, draft.error = answer.draft, self.service.pid, "open", ""
        draft.facts, draft.stale = answer.facts, False
        if not draft.changes:
            draft.base = dict(answer.facts.keys)
        draft.version += 1
        draft.place = (0, 0)
        draft.rows.clear()
        draft.row = min(draft.row, max(1, draft.count))
        self.read_batch(draft, draft.batch.step)
        self.split_row(draft)
        if draft.wish is not None and draft.count:
            self.seek_wish(draft)
        self.read(draft)
        self.tell("drafts")

    # Changes

    def change(self, draft: Draft, changes: Changes) -> None:
        """Lay something over the draft; None takes a key of the file away, and a value that the file has anyway is no change."""
        wanted = {**draft.changes, **changes}
        same = [key for key in changes if key in draft.base and draft.base[key] == changes[key]]
        self._put(draft, {key: value for key, value in wanted.items() if key not in same})

    def lay(self, draft: Draft, changes: Changes, turned: bool = False) -> None:
        """Make these the changes of the draft, instead of those that it has; one undo takes that back.

        `turned`: by a value that is turned, which is one step with the turns of it before.
        """
        if turned:
            self._put(draft, dict(changes))
        elif changes != draft.changes:
            draft.past.append(draft.changes)
            draft.changes = dict(changes)
            self._changed(draft)

    def drop(self, draft: Draft, *keys: str) -> None:
        """Take changes of some keys back."""
        self._put(draft, {key: value for key, value in draft.changes.items() if key not in keys})

    def undo(self, draft: Draft) -> bool:
        """Take the last change back; return whether there was one."""
        if not draft.past:
            return False
        draft.changes = draft.past.pop()
        self._changed(draft)
        return True

    def undo_all(self, draft: Draft) -> None:
        """Take all changes back; that can be undone, too."""
        self._put(draft, {})

    def written(self, draft: Draft) -> None:
        """The changes are in the file now: it is read again."""
        draft.changes, draft.past, draft.written = {}, [], True
        self.reopen(draft)

    def _put(self, draft: Draft, wanted: Changes) -> None:
        """Take other changes. Turning one rule several times is one change, and turning it back is none."""
        if wanted == draft.changes:
            return
        keys = _differing(draft.changes, wanted)
        if not draft.past or not keys or _differing(draft.past[-1], draft.changes) != keys:
            draft.past.append(draft.changes)
        if draft.past[-1] == wanted:
            draft.past.pop()
        draft.changes = wanted
        self._changed(draft)

    def _changed(self, draft: Draft) -> None:
        draft.refused, draft.stale, draft.written = "", True, False
        if draft.state == "failed":
            self.reopen(draft)
        else:
            self._begin(draft)
        self.tell("drafts")

    # The service's life

    def ended(self) -> None:
        """The service died, and the app said so: what lay open there is opened again."""
        for draft in self.drafts:
            if not draft.id and draft.state == "failed":
                continue
            if draft.pid is not None and draft.pid == self.service.pid:
                continue
            draft.id, draft.measuring, draft.stale, draft.state = 0, None, True, "opening"
            draft.batch.progress = None
            if self.service.state == "gone":
                draft.state, draft.error = "failed", self.service.reason
            else:
                self._begin(draft)
        self.tell("drafts")


def _differing(before: Changes, after: Changes) -> set[str]:
    """Keys that two states of the changes do not agree on."""
    missing = object()
    return {key for key in {**before, **after} if before.get(key, missing) != after.get(key, missing)}
