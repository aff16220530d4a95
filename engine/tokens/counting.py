"""Counting the tokens of texts with the tokenizer of a model folder, as it stands: no template, no special tokens, no cutting."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.config.model import ModelSection
from engine.errors import ModelError

Count = Callable[[list[str]], list[int]]
_loaded: dict[str, Any] = {}
_loading = threading.Lock()


def token_counter(folder: str) -> Count:
    """A function from texts to the tokens of each. Raises ModelError when the folder holds no tokenizer."""
    backend = _backend(folder)

    def count(texts: list[str]) -> list[int]:
        return [len(encoding) for encoding in backend.encode_batch_fast(texts, add_special_tokens=False)]

    return count


def _backend(folder: str) -> Any:
    from engine.tokens.folder import model_folder
    from engine.tokens.tokenizer import load_tokenizer

    path = Path(os.path.abspath(os.path.expanduser(folder)))
    if not path.is_dir():
        raise ModelError(
            f"There is no model folder {path}. Tokens are counted with the tokenizer of a folder on this disk."
        )
    with _loading:
        if str(path) not in _loaded:
            checked, _ = model_folder(ModelSection(path=str(path)))
            backend = load_tokenizer(checked).backend_tokenizer
            backend.no_truncation()
            backend.no_padding()
            _loaded[str(path)] = backend
        return _loaded[str(path)]
