"""What a plain script cannot say is refused before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.load import load
from engine.errors import ConfigError
from engine.export import script
from engine.export.script import refuse_unsayable, write_script
from tests.tiny import run_toml

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


def test_a_disk_that_fills_up_leaves_nothing_in_the_way(
    tmp_path: Path, tiny_model: Path, rows_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> object:
        raise OSError(28, "No space left on device", "run.order.jsonl")

    file = run_toml(tmp_path / "run.toml", tiny_model, rows_file, "[train]\nsteps = 1\n")
    monkeypatch.setattr(script, "_order", full)
    with pytest.raises(ConfigError, match=r"run\.order\.jsonl cannot be written: no space left"):
        write_script(load(file), tmp_path / "run.py")
    assert not list(tmp_path.glob("run.[!t]*"))
    monkeypatch.undo()
    assert write_script(load(file), tmp_path / "run.py").order.is_file()
