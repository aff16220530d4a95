"""Asking for plans while somebody edits: at once, then at a pace, always of the newest state; and after a service that died."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.service import protocol as p
from tests.tui.conftest import until
from tests.tui.planfacts import does_not_fit, fits
from tui.app import LuthierApp
from tui.configure import planning as module
from tui.configure.planning import Planning
from tui.link.service import Service, ServiceError, ServiceGoneError
from tui.tokens.model import Draft, Origin

Make = Callable[..., LuthierApp]


def draft_of(number: int = 1) -> Draft:
    draft = Draft(number, Origin(path="run.toml"))
    draft.id, draft.state = number, "open"
    return draft


class Answers:
    """A service whose answers the test gives."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[p.PlanDraft] = []
        self.futures: list[asyncio.Future[p.AnyAnswer]] = []
        self.parts: list[Any] = []
        self.ended = 0
        monkeypatch.setattr(Service, "ask", lambda service, request, part=None: self._ask(request, part))

    async def _ask(self, request: p.PlanDraft, part: Any) -> p.AnyAnswer:
        self.asked.append(request)
        self.parts.append(part)
        self.futures.append(asyncio.get_running_loop().create_future())
        try:
            return await self.futures[-1]
        except asyncio.CancelledError:
            self.ended += 1
            raise


def answer(exact: bool = True, final: bool = True, small: bool = False) -> p.Planned:
    return p.Planned(draft=1, plan=fits() if small else does_not_fit(), exact=exact, final=final)


async def test_the_first_change_is_asked_at_once_and_a_held_key_at_a_pace(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PACE_S", 0.3)
    service, told, app = Answers(monkeypatch), [0], make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        planning, draft = Planning(app, lambda: told.__setitem__(0, told[0] + 1)), draft_of()
        planning.want(draft)
        await until(pilot, lambda: len(service.asked) == 1)
        assert planning.busy
        assert planning.planned is None
        for rank in range(4, 24):
            draft.changes = {"lora.rank": rank}
            planning.want(draft)
        assert len(service.asked) == 1
        await until(pilot, lambda: len(service.asked) == 2)
        assert service.asked[1].changes == {"lora.rank": 23}, "the newest state"
        assert service.ended == 1, "the older question was ended"
        planning.want(draft)
        await pilot.pause(0.4)
        assert len(service.asked) == 2, "nothing changed"
        service.parts[1](answer(exact=False, final=False, small=True))
        assert planning.planned is not None
        assert (planning.busy, planning.stale, planning.planned.exact) == (True, False, False)
        service.futures[1].set_result(answer())
        await until(pilot, lambda: not planning.busy)
        assert planning.planned is not None
        assert planning.planned.exact
        assert told[0] >= 2
        draft.changes = {"lora.rank": 5}
        planning.want(draft)
        assert (planning.busy, planning.stale) == (True, True), "the last plan stays meanwhile"


async def test_what_went_wrong_is_said_and_asked_again(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    service, app = Answers(monkeypatch), make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        planning, draft = Planning(app, lambda: None), draft_of()
        planning.want(draft)
        await until(pilot, lambda: service.futures)
        service.parts[0](p.Progress(id=1, name="loading libraries", done=0, total=0))
        assert planning.doing == "loading libraries"
        service.futures[0].set_exception(ServiceError("/m has no config.json."))
        await until(pilot, lambda: not planning.busy)
        assert (planning.error, planning.doing) == ("/m has no config.json.", "")
        planning.again()
        await until(pilot, lambda: len(service.futures) == 2)
        assert planning.error == ""
        service.futures[1].set_exception(ServiceGoneError("The engine service ended (signal 9)."))
        await until(pilot, lambda: not planning.busy)
        assert planning.error == "", "it is started again, and the draft opened anew"
        draft.id = 7
        planning.want(draft)
        await until(pilot, lambda: len(service.asked) == 3)
        assert service.asked[2].draft == 7


async def test_each_draft_and_device_has_its_plan(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACE_S", 0.0)
    service, app = Answers(monkeypatch), make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        planning, one, other = Planning(app, lambda: None), draft_of(1), draft_of(2)
        planning.want(one)
        await until(pilot, lambda: service.futures)
        service.futures[0].set_result(answer())
        await until(pilot, lambda: planning.planned is not None)
        assert (service.asked[0].device, service.asked[0].timed) == ("", True)
        planning.choose_device("24GB")
        assert planning.planned is None
        await until(pilot, lambda: len(service.asked) == 2)
        assert (service.asked[1].device, service.asked[1].timed) == ("24GB", False)
        planning.choose_device("")
        assert planning.planned is not None
        assert planning.stale
        planning.want(other)
        assert planning.planned is None
        await until(pilot, lambda: service.asked[-1].draft == 2)
        service.parts[0](answer(small=True))
        assert planning.planned is None, "an answer to another draft is none to this one"


async def test_a_draft_that_is_not_open_says_why(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True):
        planning, draft = Planning(app, lambda: None), draft_of()
        draft.id, draft.state = 0, "opening"
        planning.want(draft)
        assert (planning.busy, planning.doing) == (True, "opening the data")
        draft.state, draft.error = "failed", "There is no tokenizer in /m."
        planning.want(draft)
        assert (planning.busy, planning.error) == (False, "There is no tokenizer in /m.")


async def test_a_real_service_plans_a_real_draft(make_app: Make, tiny_model: Path, tmp_path: Path, runs: Path) -> None:
    from tests.engine.service.drafts import rows_file
    from tests.tiny import run_toml

    file = run_toml(tmp_path / "boats.toml", tiny_model, rows_file(tmp_path / "rows.jsonl"))
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        draft = app.drafts.open(Origin(path=str(file)))
        planning = Planning(app, lambda: None)
        planning.choose_device("24GB")
        await until(pilot, lambda: draft.state == "open" and draft.measuring is None)
        planning.want(draft)
        await until(pilot, lambda: planning.planned is not None and not planning.busy, 60)
        assert planning.planned is not None
        assert planning.planned.exact
        before = planning.planned.plan.trainable_parameters
        app.drafts.change(draft, {"lora.rank": 64})
        planning.want(draft)
        await until(pilot, lambda: not planning.stale and not planning.busy)
        assert planning.planned.plan.trainable_parameters > before
        app.drafts.change(draft, {"lora.rank": 0})
        planning.want(draft)
        await until(pilot, lambda: planning.error)
        assert "lora.rank" in planning.error
