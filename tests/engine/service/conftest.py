"""Fixtures of the service's tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.service.talk import Talk


@pytest.fixture
def talk() -> Talk:
    """A service with nothing open."""
    return Talk()


@pytest.fixture
def mixed_file(tmp_path: Path) -> Path:
    """Questions and answers, with a line that cannot be read, a row that does not fit, one with nothing to learn, and a
    late column."""
    lines = [json.dumps({"question": f"Who keeps lamp {i}?", "answer": f"Keeper {i}."}) for i in range(300)]
    lines[4] = '{"question": "Who keeps lamp 4?", "answer": '
    lines[6] = json.dumps({"question": "Who keeps lamp 6?", "answer": 6})
    lines[8] = json.dumps({"question": "Who keeps lamp 8?", "answer": "  "})
    lines[250] = json.dumps(
        {"question": "Wer hütet LAMPE 250?", "answer": "Straße 的 250", "place": "harbour"}, ensure_ascii=False
    )
    path = tmp_path / "mixed.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
