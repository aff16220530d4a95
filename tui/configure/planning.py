"""The plan of the draft that is looked at: asked with every change, and kept until the next one is here.

The first change is asked about at once; while a key is held, the newest state every `PACE_S`. A newer question ends the one
before it. Invariant: `planned` is of the draft that was wanted last; `stale` says that it is not of its present state.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from engine.service import protocol as p
from tui.link.service import ServiceCancelledError, ServiceError, ServiceGoneError

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.worker import WorkType

    from tui.app import LuthierApp
    from tui.tokens.model import Draft

PACE_S = 0.15
DEVICES = ("", "8GB", "12GB", "16GB", "24GB", "32GB", "40GB", "48GB", "80GB", "141GB")
"""Amounts of memory that GPUs are sold with; "" is this machine's own device."""
MOST_KEPT = 8
_GROUP = "configure-plan"


class Planning:
    """What a run of the draft would take. One for the app; lives in the interface's own thread."""

    def __init__(self, app: LuthierApp, tell: Callable[[], None]) -> None:
        """`tell` is called when there is something new to show."""
        self.app = app
        self.device = ""
        """A GPU with so much memory, such as "24GB"; "" for this machine's own device."""
        self.error = ""
        """Why there is no plan of the present state."""
        self.busy = False
        self.doing = ""
        """What the service is busy with, where that takes a while."""
        self._tell = tell
        self._plans: dict[tuple[int, str], p.Planned] = {}
        self._at = (0, "")
        """Draft and device that the plan is of."""
        self._wanted = ""
        self._draft: Draft | None = None
        self._fresh = False
        self._asked_t = 0.0
        self._timer: Timer | None = None

    @property
    def planned(self) -> p.Planned | None:
        """The newest plan, perhaps of an earlier state of the draft."""
        return self._plans.get(self._at)

    @property
    def stale(self) -> bool:
        """Whether `planned` is of an earlier state."""
        return self.planned is not None and not self._fresh

    def want(self, draft: Draft) -> None:
        """Have the plan of a draft as it is now; cheap where nothing changed."""
        state = self._state(draft)
        if state == self._wanted:
            return
        self._wanted, self._draft, self._fresh = state, draft, False
        self._at = (draft.key, self.device)
        if not draft.id:
            self.app.workers.cancel_group(self.app, _GROUP)
            self.busy = draft.state == "opening"
            self.doing, self.error = ("opening the data" if self.busy else ""), draft.error
            return
        self.busy, self.error = True, ""
        self._ask_soon()

    def choose_device(self, device: str) -> None:
        """Plan for another device. Any text is taken; what is no amount of memory is refused by the service, in words."""
        if device != self.device:
            self.device = device
            if self._draft is not None:
                self.want(self._draft)
            self._tell()

    def again(self) -> None:
        """Ask once more, though nothing changed: after an error, or another file under the same name."""
        draft, self._wanted = self._draft, ""
        if draft is not None:
            self.app.desk.service.revive()
            self.want(draft)
            self._tell()

    def _state(self, draft: Draft) -> str:
        """What the plan depends on; rows that came since make a better one."""
        rows = draft.measured is not None and draft.measured.complete, draft.version
        told = [draft.key, draft.id, draft.pid, draft.state, self.device, draft.changes, rows]
        return json.dumps(told, default=str)

    def _ask_soon(self) -> None:
        if self._timer is not None:
            return  # the newest state is asked about when it is over
        wait = self._asked_t + PACE_S - time.monotonic()
        if wait <= 0:
            self._ask()
        else:
            self._timer = self.app.set_timer(wait, self._ask)

    def _ask(self) -> None:
        self._timer = None
        draft = self._draft
        if draft is not None and draft.id:
            self._asked_t = time.monotonic()
            work: WorkType[None] = partial(self._work, draft, self._wanted, self._at)
            self.app.run_worker(work, group=_GROUP, exclusive=True)

    async def _work(self, draft: Draft, wanted: str, at: tuple[int, str]) -> None:
        request = p.PlanDraft(
            id=0,
            draft=draft.id,
            changes=dict(draft.changes),
            device=at[1],
            timed=not at[1],
            runs=str(self.app.link.runs_dir),
        )
        try:
            answer = await self.app.desk.service.ask(request, partial(self._part, wanted, at))
        except ServiceCancelledError:
            return
        except ServiceGoneError as error:
            self._end(wanted, str(error) if self.app.desk.service.state == "gone" else "")
        except ServiceError as error:
            self._end(wanted, str(error))
        else:
            self._part(wanted, at, answer)
            self._end(wanted, "")

    def _part(self, wanted: str, at: tuple[int, str], answer: p.AnyAnswer) -> None:
        """A plan, or how far it is. Of a state that is no longer wanted it is still the newest one."""
        if at != self._at:
            return
        if isinstance(answer, p.Planned):
            self._plans.pop(at, None)
            self._plans[at] = answer
            while len(self._plans) > MOST_KEPT:
                self._plans.pop(next(iter(self._plans)))
            self._fresh, self.doing = wanted == self._wanted, ""
        elif isinstance(answer, p.Progress):
            self.doing = answer.name
        else:
            return
        self._tell()

    def _end(self, wanted: str, error: str) -> None:
        if wanted == self._wanted:
            self.busy, self.doing, self.error = False, "", error
            self._tell()
