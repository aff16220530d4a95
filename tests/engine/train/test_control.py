"""What is asked of a worker: once, in order, and never in the middle of a line of the journal."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.runs.commands import CommandReader, send
from engine.runs.events import Ack, Event, Log
from engine.runs.journal import Journal, JournalReader
from engine.train.control import Control, StopRequested


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)}
    yield Control(CommandReader(tmp_path / "commands.jsonl"), Journal(tmp_path / "events.jsonl"))
    for number, handler in before.items():
        signal.signal(number, handler)


def test_two_stops_are_one_and_the_newest_of_pause_and_unpause_counts(control: Control, tmp_path: Path) -> None:
    for command in ("pause", "stop", "unpause", "evaluate", "stop", "pause"):
        send(tmp_path / "commands.jsonl", command)  # type: ignore[arg-type]
    control.poll()
    assert control.paused
    assert control.take("evaluate")
    assert not control.take("evaluate")
    assert control.take("stop")
    assert control.take("stop")
    assert not control.take("pause")
    send(tmp_path / "commands.jsonl", "unpause")
    control.poll()
    assert not control.paused
    acks = [event for event in JournalReader(tmp_path / "events.jsonl").read_all() if isinstance(event, Ack)]
    assert len(acks) == 7


def test_a_signal_waits_for_the_end_of_a_line(control: Control, tmp_path: Path) -> None:
    control.listen()
    control.preparing = True
    journal = control._journal
    clock = journal.clock

    def interrupted() -> float:
        signal.raise_signal(signal.SIGTERM)
        return clock()

    journal.clock = interrupted
    journal.append(Log(message="whole"))
    journal.clock = clock
    with pytest.raises(StopRequested):
        control.raise_if_stopped()
    events: list[Event] = list(JournalReader(journal.path).read_all())
    assert [event.seq for event in events] == [0, 1]
    assert isinstance(events[0], Log)
    assert control.stop_reason == "asked to stop by SIGTERM"


def test_a_signal_ends_the_preparing_at_once(control: Control) -> None:
    control.listen()
    control.preparing = True
    with pytest.raises(StopRequested):
        signal.raise_signal(signal.SIGTERM)
