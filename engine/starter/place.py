"""The names of the files in the starter's folder. Owns no state but one note: by which recipe its base was made."""

from __future__ import annotations

import json
import os
from pathlib import Path

from engine.errors import ModelError
from engine.runs.story import LOCK_FILE, STORY_FILE
from engine.tokens.folder import check_folder


class Place:
    """A starter on disk: data, two model folders, two run files, the story."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.corpus = path / "corpus.jsonl"
        """Paragraphs that state every fact; key `text`."""
        self.tuning = path / "tuning.jsonl"
        """Questions about half of the islands; keys `question` and `answer`."""
        self.heldout = path / "heldout.jsonl"
        """Questions about the other half, never used in training."""
        self.seed_model = path / "seed-model"
        """Tokenizer and a model with random weights."""
        self.base = path / "base"
        """The model that was trained on the corpus."""
        self.base_toml = path / "base.toml"
        self.tune_toml = path / "tune.toml"
        self.story = path / STORY_FILE
        self.lock = path / LOCK_FILE
        self._note = path / "starter.json"

    def has_base(self, fingerprint: str) -> bool:
        """Whether a whole base model is here that was made by the recipe with this fingerprint."""
        try:
            check_folder(self.base)
            note = json.loads(self._note.read_text())
        except (ModelError, OSError, ValueError):
            return False
        return isinstance(note, dict) and note.get("fingerprint") == fingerprint

    def note_base(self, fingerprint: str) -> None:
        """Remember by which recipe the base was made; called when it is in place."""
        write_whole(self._note, json.dumps({"fingerprint": fingerprint}) + "\n")

    def forget_base(self) -> None:
        """Take the note away before the base is touched, so that a half-made one is never taken for whole."""
        self._note.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never half of it."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
