"""A real engine service, spoken to over real pipes."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import __version__
from engine.service import protocol as p
from tests.process.service import Service, service

LONG_ROWS = 40_000
LOUD = """
import os, subprocess
from engine.service import browsing
real = browsing.open_table
def loud(section):
    print("a library says hello")
    os.write(1, b"and so does its C part")
    subprocess.run(["echo", "and its child"], check=True)
    return real(section)
browsing.open_table = loud
from engine.service.__main__ import main
main()
"""
BROKEN = """
from engine.service import browsing
def broken(section):
    raise ZeroDivisionError("of our own making")
browsing.open_table = broken
from engine.service.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough rows to examine for many seconds."""
    path = tmp_path_factory.mktemp("long") / "long.jsonl"
    words = "the keeper of the harbour lamp carries salt and rope to the island where nobody has been".split()  # noqa: SIM905
    with path.open("w") as file:
        for i in range(LONG_ROWS):
            text = " ".join(words[(i * 7 + j * j) % len(words)] for j in range(60))
            file.write(json.dumps({"question": f"{i}? {text}", "answer": f"{text}. {i}"}) + "\n")
    return path


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for tests that leave it as it was."""
    with service(tmp_path_factory.mktemp("service") / "service.log") as one:
        yield one


def open_file(one: Service, path: Path) -> int:
    """Open a file, all of it; its number."""
    number = one.send(p.Open, section={"path": str(path)})
    source = one.final(number, p.Opened).source
    one.grown(number)
    return source


def ended(one: Service, seconds: float) -> int:
    """Its exit code, which is to come soon."""
    return one.process.wait(timeout=seconds)


def test_hello_comes_first(shared_service: Service) -> None:
    hello = shared_service.hello
    assert (hello.protocol, hello.version, hello.pid) == (p.PROTOCOL, __version__, shared_service.process.pid)
    assert {"numpy", "pyarrow", "transformers"} <= set(hello.versions)


def test_from_opening_to_exporting(shared_service: Service, rows_file: Path, tmp_path: Path) -> None:
    one = shared_service
    source = open_file(one, rows_file)
    page = one.ask(p.Page, p.Rows, source=source, start=38, count=50)
    assert [row.number for row in page.rows] == [39, 40]
    assert page.rows[0].cells[0] == "What does boat 38 carry to the island?"
    full = one.ask(p.Detail, p.RowInFull, source=source, number=2)
    assert [turn.trained for turn in full.conversations[0]] == [False, True]
    matched = one.ask(p.Filter, p.Matched, source=source, pattern="BOAT 3", sort="answer", descending=True)
    assert matched.matches == 11
    view = one.ask(p.Page, p.Rows, source=source, view=matched.view)
    answers = [row.cells[1] for row in view.rows]
    assert answers == sorted(answers, reverse=True)
    target = tmp_path / "out.jsonl"
    done = one.ask(p.Export, p.Exported, source=source, view=matched.view, path=str(target))
    assert (done.rows, done.unreadable) == (11, 0)
    assert set(target.read_bytes().splitlines()) < set(rows_file.read_bytes().splitlines())
    examined = one.ask(p.Examine, p.Examined, source=source)
    assert (examined.seen, examined.exact) == (40, True)
    assert one.ask(p.Mix, p.Mixed, sources=[source], weights=[0]).rows[0].drawn == 40
    assert one.ask(p.Divide, p.Divided, sources=[source], split={"test_size": 5}).rows[0].held_out == 5
    one.ask(p.Close, p.Done, source=source)
    assert "no open source" in one.ask(p.Page, p.Failed, source=source).message


def test_lines_that_are_no_requests_are_answered_and_passed_over(shared_service: Service, rows_file: Path) -> None:
    one = shared_service
    for line, number, word in [
        (b"not json", 0, "a request"),
        (b'{"type": "dance", "id": 900001}', 900001, "'dance'"),
        (b'{"type": "page", "id": 900002}', 900002, "source"),
        (b'{"type": "page", "id": 900003, "source": "x"}', 900003, "int"),
        (b'{"type": "page", "id": 0, "source": 1}', 0, "above 0"),
        (b"\xff\xfe\x00", 0, "a request"),
        (b"[" * 100_000, 0, "a request"),
    ]:
        one.write(line)
        answer = one.next(number)
        assert isinstance(answer, p.Failed)
        assert not answer.bug
        assert word in answer.message
    assert isinstance(one.ask(p.Cancel, p.Done, target=12345), p.Done)
    source = open_file(one, rows_file)
    failed = one.ask(p.Filter, p.Failed, source=source, pattern="(a", regex=True)
    assert "no regular expression" in failed.message
    assert not failed.bug


def test_pages_do_not_wait_for_an_examination_and_it_can_be_cancelled(shared_service: Service, long_file: Path) -> None:
    one = shared_service
    source = open_file(one, long_file)
    examination = one.send(p.Examine, source=source)
    sample = one.next(examination)
    assert isinstance(sample, p.Examined)
    assert (sample.seen, sample.complete) == (2000, False)
    for start in range(0, LONG_ROWS, 4000):
        page = one.ask(p.Page, p.Rows, source=source, start=start)
        assert page.rows[0].number == start + 1
    one.ask(p.Cancel, p.Done, target=examination)
    assert isinstance(one.final(examination, p.Cancelled), p.Cancelled)
    with pytest.raises(queue.Empty):
        one.next(examination, timeout=0.3)
    first, second = one.send(p.Filter, source=source, pattern="e"), one.send(p.Filter, source=source, pattern="salt")
    assert isinstance(one.final(first, p.Cancelled), p.Cancelled)
    assert one.final(second, p.Matched).complete
    closing = one.send(p.Examine, source=source)
    one.next(closing)
    one.ask(p.Close, p.Done, source=source)
    assert isinstance(one.final(closing, p.Cancelled), p.Cancelled)


def test_what_libraries_print_does_not_reach_the_protocol(rows_file: Path, tmp_path: Path) -> None:
    with service(tmp_path / "log", [sys.executable, "-P", "-c", LOUD]) as one:
        source = open_file(one, rows_file)
        assert len(one.ask(p.Page, p.Rows, source=source, count=5).rows) == 5
        one.ask(p.Quit, p.Done)
        assert ended(one, 5) == 0
        assert one.garbage == []
    log = (tmp_path / "log").read_text()
    assert all(words in log for words in ("a library says hello", "and so does its C part", "and its child"))


def test_a_mistake_of_ours_ends_the_request_and_leaves_a_trace(rows_file: Path, tmp_path: Path) -> None:
    with service(tmp_path / "log", [sys.executable, "-P", "-c", BROKEN]) as one:
        failed = one.ask(p.Open, p.Failed, section={"path": str(rows_file)})
        assert failed.bug
        assert "ZeroDivisionError" in failed.message
        assert "no open source" in one.ask(p.Page, p.Failed, source=1).message
    assert "of our own making" in (tmp_path / "log").read_text()


def test_after_a_kill_a_fresh_one_does_it_again(rows_file: Path, tmp_path: Path) -> None:
    with service(tmp_path / "log") as one:
        open_file(one, rows_file)
        one.process.send_signal(signal.SIGKILL)
        assert ended(one, 5) == -signal.SIGKILL
    with service(tmp_path / "log") as other:
        assert other.hello.pid != one.hello.pid
        assert len(other.ask(p.Page, p.Rows, source=open_file(other, rows_file), count=3).rows) == 3


@pytest.mark.parametrize("how", ["stdin closes", "SIGTERM", "quit"])
def test_it_ends_at_once_whatever_it_does(how: str, long_file: Path, tmp_path: Path) -> None:
    with service(tmp_path / "log") as one:
        source = open_file(one, long_file)
        one.next(one.send(p.Examine, source=source))
        exporting = one.send(p.Export, source=source, path=str(tmp_path / "out.jsonl"))
        while not [name for name in os.listdir(tmp_path) if name.endswith(".part")]:
            time.sleep(0.001)
        one.process.send_signal(signal.SIGINT)  # the terminal's ctrl+c is not meant for it
        assert isinstance(one.ask(p.Page, p.Rows, source=source, count=1), p.Rows)
        assert one.process.stdin is not None
        if how == "stdin closes":
            one.process.stdin.close()
        elif how == "SIGTERM":
            one.process.terminate()
        else:
            one.send(p.Quit)
        assert ended(one, 3.0) == 0
        assert isinstance(one.next(exporting), p.Cancelled | p.Exported | p.Progress)
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]
