"""One tokenizer for property tests, which cannot take fixtures."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

from engine.tokens.tokenizer import load_tokenizer
from tests.tiny import make_model


@functools.cache
def tokenizer() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return load_tokenizer(make_model(Path(folder)))
