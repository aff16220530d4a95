"""The queue: order, places, cancelling, the next one for a device, and what a dead keeper leaves."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.errors import RunError, TrainingError
from engine.runs import devices, queue, queue_keeper, ticket
from engine.runs.events import Finished, Hello
from engine.runs.journal import Journal
from engine.runs.lock import RunLock
from engine.runs.paths import RunDir
from engine.runs.store import Run, create_run, find_run, list_runs
from engine.runs.trash import discard, in_trash, restore


@pytest.fixture(autouse=True)
def no_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started here."""
    monkeypatch.setattr(queue, "ensure_keeper", lambda runs: False)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_gpu_names", lambda: ("Some GPU", "Some GPU"))
    monkeypatch.delenv(devices.VISIBLE, raising=False)


def waiting(runs: Path, name: str, device: str = "") -> RunDir:
    run_dir = create_run(runs, name)
    run_dir.config.write_text("")
    queue.enqueue(runs, run_dir.path, device)
    return run_dir


def order(runs: Path) -> list[str]:
    return [found.run for found in queue.queue_of(runs)]


def began(run_dir: RunDir) -> None:
    journal = Journal(run_dir.journal)
    journal.append(Hello(run=run_dir.name, pid=1, host="here"))
    journal.close()


def test_runs_wait_in_order_and_change_places(tmp_path: Path) -> None:
    for name in "abcd":
        waiting(tmp_path, name)
    assert order(tmp_path) == ["a-1", "b-1", "c-1", "d-1"]
    assert queue.move(tmp_path, "d-1", -1) == 2
    assert queue.move(tmp_path, "a-1", 99) == 3
    assert queue.move(tmp_path, "c-1", -99) == 0
    assert order(tmp_path) == ["c-1", "b-1", "d-1", "a-1"]
    waiting(tmp_path, "e")
    assert order(tmp_path)[-1] == "e-1"
    with pytest.raises(RunError, match="x-1 is not in the queue"):
        queue.move(tmp_path, "x-1", 1)


def test_a_queued_run_is_a_state_until_its_journal_begins(tmp_path: Path) -> None:
    run_dir = waiting(tmp_path, "a")
    assert Run(run_dir).load().state == "queued"
    assert queue.claim(tmp_path, queue.queue_of(tmp_path)[0])
    assert Run(run_dir).load().state == "queued"
    assert order(tmp_path) == []
    began(run_dir)
    assert not queue.is_queued(run_dir)
    assert Run(run_dir).load().state == "crashed"
    with pytest.raises(RunError, match="has begun already"):
        queue.enqueue(tmp_path, run_dir.path)


def test_the_newest_run_is_one_that_has_begun(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, "a")
    run_dir.config.write_text("")
    began(run_dir)
    waiting(tmp_path, "b")
    assert find_run(tmp_path, None).name == "a-1"


def test_a_cancelled_run_is_in_the_trash_and_can_wait_again(tmp_path: Path) -> None:
    run_dir = waiting(tmp_path, "a")
    waiting(tmp_path, "b")
    gone = queue.cancel(tmp_path, "a-1")
    assert not run_dir.path.exists()
    assert order(tmp_path) == ["b-1"]
    assert [run.name for run in list_runs(tmp_path)] == ["b-1"]
    assert [run.path for run in in_trash(tmp_path)] == [gone]
    assert create_run(tmp_path, "a").name == "a-2"
    assert restore(tmp_path, "a").name == "a-1"
    assert order(tmp_path) == ["a-1", "b-1"]
    assert queue.claim(tmp_path, queue.queue_of(tmp_path)[0])
    with pytest.raises(RunError, match="has been started"):
        queue.cancel(tmp_path, "a-1")
    with pytest.raises(RunError, match="is running"):
        discard(run_dir.path)


def test_a_torn_ticket_keeps_its_run_in_the_queue(tmp_path: Path) -> None:
    waiting(tmp_path, "a")
    torn = waiting(tmp_path, "b")
    (torn.path / ticket.WAITING).write_bytes(b'{"device": "0", "pl')
    assert sorted(order(tmp_path)) == ["a-1", "b-1"]
    queue.move(tmp_path, "b-1", 1)
    assert order(tmp_path) == ["a-1", "b-1"]


def test_many_writers_lose_no_ticket(tmp_path: Path) -> None:
    def add(name: str) -> None:
        for _ in range(4):
            waiting(tmp_path, name)
            queue.move(tmp_path, queue.queue_of(tmp_path)[0].run, 2)

    threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tickets = queue.queue_of(tmp_path)
    assert len(tickets) == 16
    assert len({found.place for found in tickets}) == 16


def test_the_next_is_the_first_whose_device_is_free(tmp_path: Path, two_gpus: None) -> None:
    waiting(tmp_path, "a", "1")
    waiting(tmp_path, "b", "1")
    waiting(tmp_path, "c")
    waiting(tmp_path, "d", "0")
    tickets, known = queue.queue_of(tmp_path), devices.devices()

    def chosen(busy: dict[str, str]) -> tuple[str, str] | None:
        found = queue_keeper.next_of(tickets, known, busy)
        return found and (found[0].run, found[1])

    assert chosen({}) == ("a-1", "1")
    assert chosen({"1": "x"}) == ("c-1", "0")
    assert chosen({"0": "x", "1": "y"}) is None
    assert chosen({queue.ANY: "x"}) is None
    with pytest.raises(RunError, match=r"no device '2' here. Choose 0 or 1"):
        queue.enqueue(tmp_path, tmp_path / "a-1", "2")


def test_a_living_run_has_its_device(tmp_path: Path, two_gpus: None) -> None:
    known, unknown = create_run(tmp_path, "a"), create_run(tmp_path, "b")
    for run_dir in (known, unknown):
        run_dir.config.write_text("")
    devices.write_launched(known, "1")
    assert queue.busy_devices(tmp_path) == {"1": "a-1"}  # its worker is about to take its lock
    began(known)
    assert queue.busy_devices(tmp_path) == {}
    first, second = RunLock(known.lock), RunLock(unknown.lock)
    assert queue.busy_devices(tmp_path) == {"1": "a-1", queue.ANY: "b-1"}
    first.release()
    second.release()


def test_a_run_that_cannot_start_says_why_and_the_next_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def launch(run_dir: RunDir, device: str) -> object:
        if run_dir.name == "a-1":
            raise TrainingError("The worker ended at once with code 1.")
        started.append(f"{run_dir.name} on {device}")
        began(run_dir)
        return type("Process", (), {"pid": 1})

    monkeypatch.setattr(queue_keeper, "launch", launch)
    bad, good = waiting(tmp_path, "a"), waiting(tmp_path, "b")
    assert queue_keeper.start_next(tmp_path)
    assert queue_keeper.start_next(tmp_path)
    assert not queue_keeper.start_next(tmp_path)
    assert started == ["b-1 on cpu"]
    failed = Run(bad).load()
    assert (failed.state, failed.view.finished and failed.view.finished.code) == ("failed", 1)
    assert "could not be started: The worker ended at once" in failed.reason
    assert not list(good.path.glob("*.json"))


def test_a_keeper_puts_back_what_a_dead_one_had_begun(tmp_path: Path) -> None:
    lost, done = waiting(tmp_path, "a"), waiting(tmp_path, "b")
    for found in queue.queue_of(tmp_path):
        assert queue.claim(tmp_path, found)
    journal = Journal(done.journal)
    journal.append(Finished(outcome="succeeded"))
    journal.close()
    queue_keeper.recover(tmp_path)
    assert order(tmp_path) == [lost.name]
    assert not (done.path / ticket.CLAIMED).exists()


def test_a_keeper_leaves_no_gap_for_who_queues_as_it_ends(tmp_path: Path) -> None:
    lock = RunLock(queue.keeper_lock(tmp_path))
    run_dir = waiting(tmp_path, "a")
    assert not queue_keeper.finished(tmp_path, lock)
    assert queue.keeper_lives(tmp_path)
    discard(run_dir.path)
    assert queue_keeper.finished(tmp_path, lock)
    assert not queue.keeper_lives(tmp_path)


@pytest.mark.parametrize(
    ("visible", "expected"),
    [(None, ["0", "1"]), ("1", ["1"]), ("1,0", ["1", "0"]), ("", ["cpu"]), ("-1", ["cpu"]), ("0,7", ["0"])],
)
def test_devices_are_those_that_may_be_seen(
    two_gpus: None, monkeypatch: pytest.MonkeyPatch, visible: str | None, expected: list[str]
) -> None:
    if visible is not None:
        monkeypatch.setenv(devices.VISIBLE, visible)
    assert devices.devices() == expected


def test_a_worker_sees_the_device_it_was_given(two_gpus: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert devices.environment_for("") == {}
    assert devices.environment_for("1") == {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert devices.environment_for("cpu") == {"CUDA_VISIBLE_DEVICES": ""}
    monkeypatch.setenv(devices.VISIBLE, "GPU-abc")
    assert devices.environment_for("GPU-abc") == {"CUDA_VISIBLE_DEVICES": "GPU-abc"}
    assert devices.usual_device() == "GPU-abc"
    monkeypatch.delenv(devices.VISIBLE)
    assert devices.usual_device() == "0"
    monkeypatch.setattr(devices, "_gpu_names", lambda: ("Slow", "Fast"))
    assert devices.usual_device() == ""


def test_a_ticket_that_cannot_be_taken_keeps_no_other_from_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, good = waiting(tmp_path, "a"), waiting(tmp_path, "b")
    (stuck.path / ticket.CLAIMED).mkdir()  # as in a directory of somebody else: the ticket cannot be renamed
    started: list[str] = []
    process = type("Process", (), {"pid": 1})
    monkeypatch.setattr(queue_keeper, "launch", lambda run_dir, device: started.append(run_dir.name) or process)
    assert queue_keeper.start_next(tmp_path)
    assert started == [good.name]


def test_a_folder_that_cannot_be_locked_is_said_and_ends_no_keeper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = waiting(tmp_path, "a")
    lock = queue.queue_folder(tmp_path) / "tickets.lock"
    lock.unlink()
    lock.mkdir()
    with pytest.raises(RunError, match=r"tickets\.lock cannot be opened"):
        queue.move(tmp_path, run_dir.name, 1)

    def mended(seconds: float) -> None:
        assert seconds == queue_keeper.AGAIN_S
        lock.rmdir()
        run_dir.config.unlink()

    monkeypatch.setattr(queue_keeper.time, "sleep", mended)
    monkeypatch.setattr(queue_keeper.signal, "signal", lambda *_: None)
    assert queue_keeper.main([str(tmp_path)]) == 0
    assert "cannot be opened" in capsys.readouterr().out
