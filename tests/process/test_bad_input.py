"""Bad input: one paragraph that names the file, the line and the cure; exit code 2; nothing written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.process.cli import luthier
from tests.tiny import run_toml

GOOD = '{"question": "q", "answer": "a"}\n'


@pytest.fixture
def setup(tmp_path: Path, tiny_model: Path) -> tuple[Path, Path]:
    """(folder, run file that is good)."""
    shutil.copytree(tiny_model, tmp_path / "model")
    (tmp_path / "d.jsonl").write_text(GOOD * 8)
    return tmp_path, run_toml(tmp_path / "run.toml", tmp_path / "model", tmp_path / "d.jsonl")


def complaint(folder: Path, *words: str) -> str:
    runs = folder / "the-runs"
    done = luthier("train", "run.toml", *words, runs=runs, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert not runs.exists(), "nothing may be written"
    return done.stderr


def test_misspelt_key_and_wrong_type(setup: tuple[Path, Path]) -> None:
    folder, run_file = setup
    run_file.write_text(run_file.read_text() + '[lora]\nrnak = 3\nalpha = "high"\n')
    text = complaint(folder)
    assert "run.toml:6: unknown key `lora.rnak`; did you mean `lora.rank`?" in text
    assert "run.toml:7: `lora.alpha` must be a number, not the text 'high'" in text


def test_missing_run_file(setup: tuple[Path, Path]) -> None:
    folder, run_file = setup
    run_file.rename(folder / "other.toml")
    assert "other.toml" in complaint(folder)


def test_missing_data_file_and_column(setup: tuple[Path, Path]) -> None:
    folder, _ = setup
    assert "There is no data file" in complaint(folder, "--set", "data.path=nowhere.jsonl")
    text = complaint(folder, "--set", "data.format=alpaca")
    assert "needs the columns 'instruction' and 'output'" in text
    assert "question, answer" in text


def test_bad_lines(setup: tuple[Path, Path]) -> None:
    folder, _ = setup
    (folder / "d.jsonl").write_text(GOOD + '{"question": "q", "answer"\n' + GOOD)
    text = complaint(folder)
    assert "d.jsonl:2 is not valid JSON" in text
    assert 'bad_lines = "skip"' in text


def test_empty_data_and_empty_answers(setup: tuple[Path, Path]) -> None:
    folder, _ = setup
    (folder / "d.jsonl").write_text("")
    assert "holds no rows" in complaint(folder)
    (folder / "d.jsonl").write_text(GOOD.replace('"a"', '""') * 3)
    assert "3 with an empty answer" in complaint(folder)


def test_no_model_and_pickle(setup: tuple[Path, Path]) -> None:
    folder, _ = setup
    (folder / "nothing").mkdir()
    assert "is no model folder: it has no config.json" in complaint(folder, "--set", "model.path=nothing")
    (folder / "model" / "model.safetensors").rename(folder / "model" / "pytorch_model.bin")
    assert "pickle" in complaint(folder)


def test_a_length_beyond_the_model_and_a_split_that_takes_all(setup: tuple[Path, Path]) -> None:
    folder, _ = setup
    assert "made for 256 tokens" in complaint(folder, "--set", "tokens.max_length=512")
    assert "leaves none to train on" in complaint(folder, "--set", "split.test_size=8")


def test_a_custom_template_is_checked_on_every_row(setup: tuple[Path, Path]) -> None:
    folder, run_file = setup
    (folder / "d.jsonl").write_text(GOOD + json.dumps({"question": "q"}) + "\n")
    keys = 'template = "custom"\nprompt = "Q {question} A"\ncompletion = "{answer}"\n'
    run_file.write_text(run_file.read_text() + keys)
    assert "d.jsonl:2: the template names {answer}" in complaint(folder)


def test_what_fails_only_in_the_worker_is_told_and_kept(setup: tuple[Path, Path]) -> None:
    folder, _ = setup
    runs = folder / "the-runs"
    done = luthier("train", "run.toml", "--set", "lora.target_modules=['nose']", runs=runs, cwd=folder)
    assert done.returncode == 2
    assert "cannot be used on this model" in done.stderr
    assert "q_proj" in done.stderr
