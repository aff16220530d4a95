"""Readings of the machine: what there is, what there is not, and a journal that two threads write."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.runs.events import Hardware, Log
from engine.runs.journal import Journal, JournalReader
from engine.train import hardware
from engine.train.hardware import Watch


class NoSuchThingError(Exception):
    """What NVML says of a figure that a device has not."""


def _refuse(*_: object) -> object:
    raise NoSuchThingError


def nvml(**missing: object) -> SimpleNamespace:
    gib = 1 << 30
    known = {
        "NVML_TEMPERATURE_GPU": 0,
        "nvmlInit": lambda: None,
        "nvmlDeviceGetHandleByUUID": lambda name: name if name == "GPU-1" else _refuse(),
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(used=3 * gib, total=24 * gib),
        "nvmlDeviceGetUtilizationRates": lambda handle: SimpleNamespace(gpu=97),
        "nvmlDeviceGetTemperature": lambda handle, kind: 61,
        "nvmlDeviceGetPowerUsage": lambda handle: 250_400,
    }
    return SimpleNamespace(**{**known, **missing})


def reading(tmp_path: Path, gpu: str) -> Hardware:
    watch = Watch(Journal(tmp_path / "events.jsonl"))
    watch.gpu = gpu
    return watch.read()


def test_the_host_is_told_and_a_gpu_that_is_not_there_is_none(tmp_path: Path) -> None:
    found = reading(tmp_path, "")
    assert found.process_gib is not None
    assert 0 < found.process_gib < (found.host_total_gib or 0)
    assert 0 < (found.host_gib or 0) <= (found.host_total_gib or 0)
    assert found.gpu_percent is found.gpu_gib is found.gpu_total_gib is None


def test_a_gpu_has_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml())
    found = reading(tmp_path, "GPU-1")
    assert (found.gpu_percent, found.gpu_celsius, found.gpu_watts) == (97.0, 61.0, 250.4)
    assert (found.gpu_gib, found.gpu_total_gib) == (3.0, 24.0)
    assert reading(tmp_path, "GPU-2").gpu_percent is None


def test_a_figure_that_a_gpu_has_not_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(nvmlDeviceGetUtilizationRates=_refuse))
    found = reading(tmp_path, "GPU-1")
    assert (found.gpu_percent, found.gpu_gib) == (None, 3.0)


def test_no_driver_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(nvmlInit=_refuse))
    assert reading(tmp_path, "GPU-1").gpu_gib is None
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert reading(tmp_path, "GPU-1").host_gib is not None


def test_a_driver_that_does_not_answer_keeps_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answers = threading.Event(), threading.Event()

    def hang() -> object:
        asked.set()
        answers.wait()
        return None

    monkeypatch.setitem(sys.modules, "pynvml", nvml(nvmlInit=hang))
    monkeypatch.setattr(hardware, "HANGS_S", 0.05)
    journal = Journal(tmp_path / "events.jsonl")
    watch = Watch(journal, every_s=0.001)
    watch.gpu = "GPU-1"
    watch.start()
    asked.wait()
    watch.stop()
    journal.append(Log(message="the last word"))
    answers.set()
    watch._thread.join()
    assert [type(event) for event in JournalReader(journal.path).read_all()] == [Log]


def test_readings_come_between_events_without_a_gap(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    watch = Watch(journal, every_s=0.001)
    enough = threading.Event()
    journal.heard = lambda event: enough.set() if event.seq > 200 and isinstance(event, Hardware) else None
    watch.start()
    while not enough.is_set():
        journal.append(Log(message="a step"))
    watch.stop()
    watch.stop()
    journal.close()
    events = JournalReader(journal.path).read_all()
    assert [event.seq for event in events] == list(range(len(events)))
    assert {type(event) for event in events} == {Hardware, Log}
