"""Pairs of settings that cannot train are refused when the file is read, each with its reason and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.load import dump, load
from engine.errors import ConfigError

GOOD = '[model]\npath = "/m"\n[[data]]\npath = "/d.jsonl"\n'
REFUSED = {
    '[train]\nmethod = "full"': ("4-bit weights cannot be trained", "quantization.bits = 32"),
    '[train]\nmethod = "full"\n[quantization]\nbits = 8': ("8-bit weights cannot be trained", "quantization.bits = 32"),
    '[train]\nmethod = "full"\n[quantization]\nbits = 16': ("rounds small updates away", "quantization.bits = 32"),
    '[train]\nmethod = "full"\n[quantization]\nbits = 32\n[lora]\nplus_ratio = 4.0': (
        "[lora] is not read",
        "remove it",
    ),
    '[quantization]\nbits = 8\ntype = "fp4"': ("read only with quantization.bits = 4", "quantization.type"),
    "[quantization]\nbits = 16\ndouble = false": ("read only with quantization.bits = 4", "quantization.double"),
    '[quantization]\nbits = 16\ncompute_dtype = "float32"': ("multiplies bfloat16", "set bits = 32"),
    '[lora]\ninit = "pissa"': ("rounding what is left to 4 bits", '"loftq"'),
    '[lora]\ninit = "olora"\n[quantization]\nbits = 8': ("rounding what is left to 8 bits", '"default"'),
    '[lora]\ninit = "loftq"\n[quantization]\nbits = 16': ("error of 4-bit weights", "set bits = 4"),
    '[lora]\ninit = "orthogonal"\nrank = 5': ("lora.rank = 5 is odd", "even rank"),
    "[lora]\ndora = true\n[quantization]\nbits = 8": ("loses the scales of 8-bit weights", "4, 16 or 32"),
    '[lora]\nsave_modules = ["q_proj"]\ntarget_modules = ["q_proj", "v_proj"]': ("both name 'q_proj'", "one of them"),
    '[lora]\nstart_from = "a"\nrank = 8': ("lora.rank is decided by the adapter", "remove lora.rank"),
    '[lora]\nstart_from = "a"\ninit = "eva"': ("lora.init is decided", "remove lora.init"),
    '[lora]\nstart_from = "a"\nsave_modules = ["x"]': ("lora.save_modules is decided", "remove lora.save_modules"),
    "[lora]\ntarget_modules = []": ("is no layer", "all-linear"),
    '[lora]\ntarget_modules = ["q_proj", ""]': ("is no layer", "all-linear"),
    '[train]\nmemory_limit = "0GB"': ("train.memory_limit", "is no memory at all"),
    "[eval]\nsample_every = 3": ("is not read without eval.samples", "eval.samples"),
}
ACCEPTED = (
    '[lora]\ninit = "loftq"\ndora = true',
    '[lora]\ninit = "orthogonal"\nrank = 6\n[quantization]\nbits = 8',
    '[lora]\ninit = "pissa"\ndora = true\n[quantization]\nbits = 16',
    '[lora]\ninit = "olora"\nrslora = true\n[quantization]\nbits = 32\ncompute_dtype = "bfloat16"',
    '[train]\nmethod = "full"\n[quantization]\nbits = 32\ncompute_dtype = "bfloat16"',
    '[quantization]\nbits = 8\ncompute_dtype = "bfloat16"',
    '[lora]\nstart_from = "a"\ndropout = 0.1\nplus_ratio = 16.0',
)


def write(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(GOOD + text + "\n")
    return path


@pytest.mark.parametrize("text", REFUSED)
def test_it_is_refused_with_reason_and_cure(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text))
    assert all(words in str(caught.value) for words in REFUSED[text]), str(caught.value)


@pytest.mark.parametrize("text", ACCEPTED)
def test_it_is_accepted_and_stays_so_when_written_whole(tmp_path: Path, text: str) -> None:
    run = load(write(tmp_path, text))
    again = tmp_path / "again.toml"
    again.write_text(dump(run))
    assert load(again) == run.model_copy(update={"name": run.name})


def test_an_adapter_is_looked_up_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    path = write(tmp_path, '[lora]\nstart_from = "runs/one/adapter"')
    assert load(path).lora.start_from == str(tmp_path / "runs/one/adapter")
    assert load(path, ["lora.start_from=other"]).lora.start_from == str(here / "other")
