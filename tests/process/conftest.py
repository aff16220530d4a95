"""A tiny model and rows, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tiny import make_model, write_rows


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def tiny_tokenizer(tiny_model: Path) -> Any:
    from engine.tokens.tokenizer import load_tokenizer

    return load_tokenizer(tiny_model)


@pytest.fixture(scope="session")
def rows_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("rows") / "train.jsonl")
