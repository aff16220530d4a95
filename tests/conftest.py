"""Fixtures of all tests: nobody's real configuration, runs or terminal settings are read or written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Before torch is imported: the models of tests are small, and test processes and workers share few cores."""

from tests.tiny import make_model, write_rows  # noqa: E402


@pytest.fixture(autouse=True)
def own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder of the user lies in the test's own; the environment says nothing of the terminal."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LUTHIER_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("COLORTERM", "truecolor")
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small real model, made once."""
    return make_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def tiny_tokenizer(tiny_model: Path) -> Any:
    """Its tokenizer."""
    from engine.tokens.tokenizer import load_tokenizer

    return load_tokenizer(tiny_model)


@pytest.fixture(scope="session")
def rows_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty questions and answers, made once."""
    return write_rows(tmp_path_factory.mktemp("rows") / "train.jsonl")
