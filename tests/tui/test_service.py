"""The link to the engine service: asking, waiting, cancelling, and what a death of it costs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from engine.service import protocol as p
from tests.tui.conftest import shown
from tests.tui.datafiles import Make, boats, looking_at, ready, screen_of, sees, type_into, until
from tui.data.desk import Desk
from tui.link.service import Service, ServiceCancelledError, ServiceError, ServiceGoneError

OTHER_VERSION = """
import sys
print('{"type":"hello","protocol":99,"version":"9","pid":1}', flush=True)
sys.stdin.read()
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def desk_of(pilot: object) -> Desk:
    return pilot.app.desk  # type: ignore[attr-defined,no-any-return]


async def test_nothing_is_started_before_data_is_asked_for_and_all_ends_with_the_app(
    make_app: Make, tmp_path: Path
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.1)
        assert app._desk is None
        await pilot.press("2")
        app.desk.open([{"path": str(boats(tmp_path / "b.jsonl"))}])
        await ready(pilot)
        pid = app.desk.service.pid
        assert pid is not None
        assert os.getpgid(pid) == pid, "its own process group"
    assert not alive(pid)


async def test_refusals_are_errors_in_words_and_requests_can_be_cancelled(make_app: Make, tmp_path: Path) -> None:
    async with looking_at(make_app(), boats(tmp_path / "b.jsonl", 4000)) as pilot:
        desk = desk_of(pilot)
        with pytest.raises(ServiceError, match="no row 9,999"):
            await desk.whole_row(desk.sources[0], 9999)
        with pytest.raises(ServiceError, match="There is no open source 77"):
            await desk.service.ask(p.Page(id=0, source=77))
        request = p.Examine(id=0, source=desk.sources[0].id)
        asking = asyncio.ensure_future(desk.service.ask(request))
        await pilot.pause(0.05)
        desk.service.cancel(request.id)
        with pytest.raises(ServiceCancelledError):
            await asking
        again = asyncio.ensure_future(desk.service.ask(p.Examine(id=0, source=desk.sources[0].id)))
        await pilot.pause(0.02)
        again.cancel()
        await pilot.pause(0.05)
        assert (await desk.whole_row(desk.sources[0], 3)).number == 3


async def test_a_killed_service_is_started_again_with_its_sources(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "b.jsonl"), boats(tmp_path / "c.jsonl", 30)) as pilot:
        await pilot.press("slash")
        await type_into(pilot, "tea", "enter")
        await sees(pilot, "40 of 200 match")
        await pilot.press("j", "j")
        first = app.desk.service.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await sees(pilot, "The engine service ended (signal 9). It is started again.")
        await until(pilot, lambda: app.desk.service.pid not in (None, first))
        await ready(pilot)
        await sees(pilot, "40 of 200 match", "carries tea")
        await pilot.press("escape", "right_square_bracket")
        await sees(pilot, "30 rows")


async def test_three_deaths_within_a_minute_are_the_end_of_it(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "b.jsonl"), size=(100, 30)) as pilot:
        service, killed = app.desk.service, list[int | None]([None])
        for _ in range(3):
            await until(pilot, lambda: service.pid not in killed and app.desk.sources[0].state == "open")
            killed.append(service.pid)
            os.kill(service.pid or 0, signal.SIGKILL)
        await until(pilot, lambda: service.state == "gone")
        await sees(pilot, "3 times within a minute", "service.log")
        assert app.desk.sources[0].state == "failed"
        assert app.desk.service.pid is None
        with pytest.raises(ServiceGoneError):
            await app.desk.service.ask(p.Page(id=0, source=1))
        await pilot.press("escape", "2", "j", "s")
        await sees(pilot, "It could not be opened.", "The engine service ended", "not started again", "tries again")
        await pilot.press("r")
        await ready(pilot)
        await sees(pilot, "200 rows", "boat 0")


async def test_a_service_that_does_not_answer_holds_up_no_key(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with looking_at(app, boats(tmp_path / "b.jsonl", 5000)) as pilot:
        pid = app.desk.service.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            await pilot.press(*["pagedown"] * 6, "G")
            for _ in range(3000):  # far more than a pipe holds
                app.desk.service._send(p.Cancel(id=1 << 40, target=1 << 41))
            await pilot.press("k")
            await sees(pilot, "4,999  …")
            assert time.monotonic() - began < 5
        finally:
            os.kill(pid, signal.SIGCONT)
        await sees(pilot, "boat 4998")


async def test_another_protocol_is_said_and_not_tried_again(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await pilot.press("2")
        app.desk._service = Service(app, tmp_path / "s.log", [sys.executable, "-c", OTHER_VERSION])
        app.desk.open([{"path": str(boats(tmp_path / "b.jsonl"))}])
        await sees(pilot, "speaks protocol 99, these screens 1")
        assert app.desk.service.state == "gone"
        assert "started again" not in shown(app)


async def test_a_service_that_cannot_even_start(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await pilot.press("2")
        app.desk._service = Service(app, tmp_path / "s.log", [sys.executable, "-c", "raise SystemExit('no module')"])
        app.desk.open([{"path": str(boats(tmp_path / "b.jsonl"))}])
        await sees(pilot, "ended (code 1)", "3 times within a minute")
        assert "no module" in (tmp_path / "s.log").read_text()
        assert screen_of(pilot).source is not None
