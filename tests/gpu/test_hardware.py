"""The figures of a real GPU, through the name that torch has for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.runs.devices import devices, usual_device
from engine.runs.journal import Journal
from engine.train.device import gpu_identity
from engine.train.hardware import Watch

pytestmark = pytest.mark.gpu


def test_the_gpu_of_the_run_is_the_one_that_is_read(device: torch.device, tmp_path: Path) -> None:
    watch = Watch(Journal(tmp_path / "events.jsonl"))
    watch.gpu = gpu_identity(device)
    before = watch.read()
    block = torch.zeros(1 << 28, dtype=torch.float32, device=device)
    torch.cuda.synchronize(device)
    after = watch.read()
    del block
    assert before.gpu_gib is not None
    assert after.gpu_gib is not None
    assert 0.9 < after.gpu_gib - before.gpu_gib < 2.5
    total = torch.cuda.get_device_properties(device).total_memory / (1 << 30)
    assert after.gpu_total_gib == pytest.approx(total, rel=0.05)


def test_the_driver_knows_the_devices_of_the_queue(device: torch.device) -> None:
    assert len(devices()) == torch.cuda.device_count()
    assert usual_device() in devices() or usual_device() == ""
