"""What may be imported where. The static graph is import-linter's; here a fresh interpreter tells what really loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "peft", "bitsandbytes", "datasets", "trl", "tokenizers", "safetensors", "pyarrow"}
LIGHT = [
    "engine.errors",
    "engine.text",
    "engine.facts",
    "engine.token_facts",
    "engine.plan_facts",
    "engine.config.sizes",
    "engine.config.edit",
    "engine.config.statements",
    "engine.service.protocol",
    "engine.config.use",
    "engine.config.load",
    "engine.config.spec",
    "engine.config.check",
    "engine.config.presets",
    "engine.config.foreign.detect",
    "engine.runs.foreign",
    "engine.runs.store",
    "engine.runs.launcher",
    "engine.runs.follow",
    "engine.runs.story",
]
NO_TORCH = [
    "engine.data.source",
    "engine.service.server",
    "engine.templates",
    "engine.tokens.prepare",
    "engine.train.start",
    "engine.cli",
]


def loaded_by(module: str) -> set[str]:
    code = f"import {module}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", LIGHT)
def test_the_light_half_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(module) & (HEAVY | {"rich", "typer", "textual"})


@pytest.mark.parametrize("module", NO_TORCH)
def test_data_and_checks_do_not_load_torch(module: str) -> None:
    assert not loaded_by(module) & {"torch", "transformers", "peft", "bitsandbytes", "textual"}
