"""The TUI's process stays light: no machine-learning library, with the first screen shown."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "transformers", "peft", "bitsandbytes", "datasets", "trl", "tokenizers", "safetensors", "pyarrow")

PROGRAM = """
import asyncio, sys
from pathlib import Path
from tui.app import LuthierApp

async def look():
    app = LuthierApp(Path(sys.argv[1]), Path(sys.argv[1]))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause(0.1)
        await pilot.press("9", "3", "1", "question_mark")

asyncio.run(look())
from tui.link import start_run, resume_run
print(sorted(name for name in sys.modules if "." not in name))
"""


def test_what_is_loaded_after_the_first_screens(tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(eval(done.stdout))
    assert not loaded & {*HEAVY, "typer", "pydantic"}


def test_the_entry_alone_imports_next_to_nothing() -> None:
    program = "import sys, tui.entry; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(eval(done.stdout))
    assert not loaded & {*HEAVY, "textual", "numpy", "rich", "typer", "engine.cli"}


def test_numpy_waits_for_the_first_chart() -> None:
    program = "import sys, tui.app; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert not set(eval(done.stdout)) & {*HEAVY, "numpy"}
