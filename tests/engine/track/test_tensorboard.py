"""TensorBoard files: what is in them, a resume without doubling, and a run that goes on without them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from engine.config.runfile import RunFile
from engine.errors import ConfigError, RunError
from engine.runs.events import Eval, Event, Hardware, Hello, Sample, Step, Warning_
from engine.runs.journal import Journal, JournalReader
from engine.runs.paths import RunDir
from engine.track import tensorboard
from engine.train.tracking import Tracking

pytest.importorskip("tensorboardX")

RUN = RunFile.model_validate({"model": {"path": "m"}, "data": [{"path": "d"}], "track": {"tensorboard": True}})


def step(number: int, loss: float | None = 1.0) -> Step:
    return Step(step=number, epoch=0.1, loss=loss, finite=loss is not None, tokens=10, seconds=0.5, learning_rate=1e-3)


def hello(resumed_from: int | None = None) -> Hello:
    return Hello(run="a-1", pid=1, host="here", resumed_from=resumed_from)


def written(folder: Path) -> list[Any]:
    """The events of all files, in the order in which they are read."""
    from tensorboardX.proto import event_pb2

    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (size,) = struct.unpack_from("<Q", data, at)
            found.append(event_pb2.Event.FromString(data[at + 12 : at + 12 + size]))
            at += 16 + size
    return found


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    """What a reader has who takes back the steps from a START on."""
    out: list[tuple[int, float]] = []
    for event in written(folder):
        if event.HasField("session_log") and event.session_log.status == event.session_log.START:
            out = [(at, value) for at, value in out if at < event.step]
        out += [(event.step, round(v.simple_value, 4)) for v in event.summary.value if v.tag == tag]
    return out


EVENTS: list[Event] = [
    hello(),
    Hardware(host_gib=2.0),
    step(1),
    Eval(step=1, loss=2.5),
    step(2, None),
    step(3, 0.5),
    Sample(step=3, prompt="What is\nit?", text="A lamp."),
    hello(resumed_from=1),
    step(2, 0.75),
    Hardware(host_gib=3.0, gpu_percent=50.0),
]


def of_run(folder: Path) -> RunDir:
    folder.mkdir()
    run_dir = RunDir(folder)
    journal = Journal(run_dir.journal)
    for event in EVENTS:
        journal.append(event)
    journal.close()
    return run_dir


def test_a_journal_becomes_event_files(tmp_path: Path) -> None:
    run_dir = of_run(tmp_path / "a-1")
    folder = tensorboard.write_journal(run_dir, tmp_path / "out")
    assert folder == tmp_path / "out" / "a-1"
    assert scalars(folder, "loss/train") == [(1, 1.0), (2, 0.75)]
    assert scalars(folder, "loss/eval") == [(1, 2.5)]
    assert scalars(folder, "speed/tokens_per_s") == [(1, 20.0), (2, 20.0)]
    assert scalars(folder, "host/GiB") == [(0, 2.0), (2, 3.0)]
    assert scalars(folder, "gpu/percent") == [(2, 50.0)]
    texts = [v for event in written(folder) for v in event.summary.value if v.tag.startswith("samples/")]
    assert [(v.tag, v.tensor.string_val[0]) for v in texts] == [("samples/What is it?/text_summary", b"A lamp.")]
    with pytest.raises(RunError, match="holds event files already"):
        tensorboard.write_journal(run_dir, tmp_path / "out")


def test_training_writes_the_same(tmp_path: Path) -> None:
    run_dir = of_run(tmp_path / "a-1")
    afterwards = tensorboard.write_journal(run_dir, tmp_path / "out")
    run_dir.journal.unlink()
    events_before: list[Event] = []
    for part in (EVENTS[:7], EVENTS[7:]):  # two workers, one after the other
        journal = Journal(run_dir.journal)
        tracking = Tracking(run_dir, journal)
        tracking.start(RUN, journal.append(part[0]))
        for event in part[1:]:
            journal.append(event)
        tracking.stop()
        journal.close()
        (path,) = (run_dir.path / "tensorboard").glob("events.out.tfevents.??*")
        path.rename(path.with_name(f"events.out.tfevents.{len(events_before)}"))  # workers end seconds after each other
        events_before += part
    folder = run_dir.path / "tensorboard"
    for tag in ("loss/train", "loss/eval", "gpu/percent", "host/GiB"):
        assert scalars(folder, tag) == scalars(afterwards, tag)


def test_a_disk_that_fails_costs_the_files_and_not_the_run(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    journal = Journal(run_dir.journal)
    tracking = Tracking(run_dir, journal)
    tracking.start(RUN, journal.append(hello()))
    board = tracking._board
    assert board is not None

    def fail(event: object) -> None:
        raise OSError(28, "No space left on device")

    board._writer.write_event = fail
    for number in (1, 2):
        journal.append(step(number))
    tracking.stop()
    journal.close()
    events = JournalReader(run_dir.journal).read_all()
    assert [type(event) for event in events] == [Hello, Step, Warning_, Step]
    assert "No space left" in events[2].message


def test_without_the_package_a_run_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'luthier\[tensorboard\]'"):
        tensorboard.require_package(RUN)
    tensorboard.require_package(RUN.model_copy(update={"track": RUN.track.model_copy(update={"tensorboard": False})}))
    with pytest.raises(ConfigError, match="`luthier tensorboard` needs"):
        tensorboard.write_journal(of_run(tmp_path / "a-1"))
