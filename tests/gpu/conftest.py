"""Fixtures of the tests on a GPU: the device, and models that are small but not so small that nothing is measured."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.gpu.runs import wide_model, wide_rows


@pytest.fixture(scope="session")
def device() -> torch.device:
    """The GPU; without one the test is skipped."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return torch.device("cuda", 0)


@pytest.fixture(scope="session")
def wide(device: torch.device, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model whose weights and activations take more than a library's workspace."""
    return wide_model(tmp_path_factory.mktemp("wide") / "model")


@pytest.fixture(scope="session")
def long_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of a few hundred tokens."""
    return wide_rows(tmp_path_factory.mktemp("long") / "rows.jsonl")
