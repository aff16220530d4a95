"""Starting a worker: one that is given up does not begin after all, and one that cannot begin says why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RunError, TrainingError
from engine.runs import launcher
from engine.runs.store import create_run


def test_a_worker_that_says_nothing_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def silent(command: list[str], **words: Any) -> subprocess.Popen[bytes]:
        started.append(popen([sys.executable, "-c", "import time; time.sleep(60)"], **words))
        return started[-1]

    monkeypatch.setattr(launcher.subprocess, "Popen", silent)
    with pytest.raises(TrainingError, match="said nothing for 0 s"):
        launcher.launch(create_run(tmp_path, "a"), wait_s=0.05)
    assert started[0].wait(10) == -9


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, "a")
    (run_dir.path / "launch.json").mkdir()
    with pytest.raises(RunError, match=r"a-1 cannot be started: .*launch\.json: Is a directory"):
        launcher.launch(run_dir)
