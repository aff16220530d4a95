"""Hello needs nothing heavy, and the first page nothing that a later request needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "datasets", "tokenizers", "rensa", "pyarrow", "huggingface_hub", "textual", "rich"}


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("engine.service.protocol", HEAVY | {"numpy", "pydantic"}),
        ("engine.service.__main__", HEAVY | {"numpy", "pydantic"}),
        ("engine.service.server", HEAVY | {"ftfy"}),
        ("engine.service.blending", HEAVY),
    ],
)
def test_what_is_imported(module: str, unwanted: set[str]) -> None:
    code = f"import {module}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & unwanted
