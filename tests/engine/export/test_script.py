"""What a plain script cannot say is refused before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.load import load
from engine.errors import ConfigError
from engine.export.script import refuse_unsayable, write_script

FILE = '[model]\npath = "/none"\n[[data]]\npath = "/none.jsonl"\n[quantization]\nbits = 32\n'


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("train.neftune_alpha=5", "train.neftune_alpha = 5"),
        ("lora.init=pissa", 'lora.init = "pissa"'),
        ("train.early_stopping=2", "train.early_stopping = 2"),
        ("train.result=best", 'train.result = "best"'),
    ],
)
def test_what_cannot_be_said_plainly_is_refused(tmp_path: Path, setting: str, words: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text(FILE)
    with pytest.raises(ConfigError, match=words):
        write_script(load(file, [setting]), tmp_path / "run.py")
    assert [path.name for path in tmp_path.iterdir()] == ["run.toml"]
    refuse_unsayable(load(file, ["lora.init=gaussian"]))
