"""Lines in, answers out, over real pipes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from engine.service import wire
from engine.service.protocol import Failed, Rows, answer_decoder
from engine.service.wire import Channel


@pytest.fixture
def pipes() -> Iterator[tuple[Channel, int, int]]:
    """(channel, where to write requests, where to read answers)."""
    requests, answers = os.pipe(), os.pipe()
    channel = Channel(requests[0], answers[1])
    yield channel, requests[1], answers[0]
    for fd in (*requests, *answers, channel.wake_fd, channel._woken_fd):
        try:
            os.close(fd)
        except OSError:
            continue


def test_lines_come_one_by_one_and_blank_ones_do_not(pipes: tuple[Channel, int, int]) -> None:
    channel, write, _ = pipes
    os.write(write, b'{"a": 1}\n\n   \n{"b"')
    os.write(write, b": 2}\nlast")
    os.close(write)
    assert list(channel.lines()) == [b'{"a": 1}', b'{"b": 2}', b"last"]


def test_a_line_that_is_too_long_is_passed_over(
    pipes: tuple[Channel, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "LINE_LIMIT", 100)
    monkeypatch.setattr(wire, "_READ", 40)
    channel, write, _ = pipes
    os.write(write, b"x" * 500 + b"\nnext\n")
    os.close(write)
    assert list(channel.lines()) == [None, b"next"]


def test_stop_is_as_if_stdin_closed(pipes: tuple[Channel, int, int]) -> None:
    channel, write, _ = pipes
    os.write(write, b"one\n")
    lines = channel.lines()
    assert next(lines) == b"one"
    threading.Timer(0.02, channel.stop).start()
    assert list(lines) == []


def test_when_nobody_reads_it_ends(pipes: tuple[Channel, int, int]) -> None:
    channel, _, read = pipes
    os.close(read)
    channel.send(Failed(message="lost"))
    channel.send(Failed(message="lost too"))
    assert list(channel.lines()) == []


def test_half_a_surrogate_pair_does_not_stop_an_answer(pipes: tuple[Channel, int, int]) -> None:
    channel, _, read = pipes
    channel.send(Rows(id=7, source=1, view=0, start=0, columns=["\udcff.jsonl"], rows=[]))
    channel.send(Failed(id=8, message="fine"))
    first, second = os.read(read, 4096).splitlines()
    assert answer_decoder.decode(first) == Rows(id=7, source=1, view=0, start=0, columns=["?.jsonl"], rows=[])
    assert answer_decoder.decode(second) == Failed(id=8, message="fine")
