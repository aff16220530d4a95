"""Real datasets, tokenizers and models, where they lie beside the checkout. Tests that need them skip where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

needs_shared = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of shared test data is not beside the checkout")
STORIES = DATA / "models" / "stories260K-hf"
GSM8K = DATA / "datasets" / "gsm8k" / "train.jsonl"
