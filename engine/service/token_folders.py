"""Tokenizers of folders that are looked at beside a draft's own: the last few are kept."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.config.model import ModelSection
from engine.tokens.folder import tokenizer_folder
from engine.tokens.looks import Looks
from engine.tokens.resplit import Splitter
from engine.tokens.spelling import Spelling
from engine.tokens.tokenizer import load_tokenizer
from engine.tokens.vocabulary import Vocabulary

KEPT = 3


class Known:
    """A tokenizer, and what was made from it."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.splitter = Splitter(tokenizer, Looks(Spelling(tokenizer)))
        self._making = threading.Lock()

    @property
    def vocabulary(self) -> Vocabulary:
        """Its entries, made at the first look."""
        with self._making:
            return self._vocabulary

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(self.tokenizer)


class Folders:
    """Tokenizers by their folder; one whose files have changed is loaded again."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, ...], Known] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, folder: str) -> Known:
        """The tokenizer of a folder. Raises ModelError where there is none."""
        path, _, _ = tokenizer_folder(ModelSection(path=os.path.abspath(os.path.expanduser(folder))))
        key = (path, _stamps(path))
        return self._kept(key, lambda: load_tokenizer(path))

    def of(self, tokenizer: Any) -> Known:
        """That of a tokenizer which somebody holds."""
        return self._kept(("held", id(tokenizer)), lambda: tokenizer)

    def _kept(self, key: tuple[object, ...], load: Any) -> Known:
        with self._lock:
            if key not in self._known:
                self._known[key] = Known(load())
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            return self._known[key]


def _stamps(path: Path) -> tuple[object, ...]:
    files = sorted(path.glob("*token*")) + sorted(path.glob("vocab*"))
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)
