"""What a configuration says and Luthier does not do is never told as done, nor dropped on the way in."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.foreign.detect import read_foreign
from engine.config.foreign.report import Imported
from engine.errors import ConfigError

AXOLOTL = "base_model: a/b\nadapter: qlora\ndatasets: [{path: a.jsonl, type: alpaca}]\n"
LLAMAFACTORY = "model_name_or_path: a/b\nstage: sft\nfinetuning_type: lora\ndataset: a/c\n"
TRL = "model_name_or_path: a/b\nuse_peft: true\ndataset_name: a/c\n"


def read(folder: Path, text: str) -> Imported:
    path = folder / "config.yaml"
    path.write_text(text)
    return read_foreign(path)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (AXOLOTL + "s2_attention: true", "s2_attention"),
        (AXOLOTL + "dataset_exact_deduplication: true", "dataset_exact_deduplication"),
        (AXOLOTL + "unfrozen_parameters: [lm_head]", "unfrozen_parameters"),
        (AXOLOTL + "dataloader_drop_last: true", "dataloader_drop_last"),
        (AXOLOTL + "bnb_config_kwargs: {llm_int8_threshold: 3.0}", "bnb_config_kwargs.llm_int8_threshold"),
        (LLAMAFACTORY + "default_system: Be brief.", "default_system"),
        (LLAMAFACTORY + "train_from_scratch: true", "train_from_scratch"),
        (LLAMAFACTORY + "split_special_tokens: true", "split_special_tokens"),
        (TRL + "loss_type: dft", "loss_type"),
    ],
)
def test_what_is_not_done_is_not_mapped(tmp_path: Path, text: str, key: str) -> None:
    assert {entry.key: entry.fate for entry in read(tmp_path, text).entries}[key] == "unmapped"


def test_four_bits_are_set_as_axolotl_is_told(tmp_path: Path) -> None:
    text = AXOLOTL + "bnb_config_kwargs: {bnb_4bit_quant_type: fp4, bnb_4bit_use_double_quant: false}"
    assert read(tmp_path, text).table["quantization"] == {"bits": 4, "type": "fp4", "double": False}


def test_a_list_with_something_else_in_it_is_not_read_in_part(tmp_path: Path) -> None:
    imported = read(tmp_path, AXOLOTL + "lora_target_modules: [q_proj, {a: 1}]\nplugins: -1")
    assert "lora" not in imported.table
    assert {entry.said for entry in imported.fated("unmapped") if entry.key.startswith("lora_target")} == {
        "this value cannot be read"
    }


def test_a_key_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 5\): the key learning_rate stands there twice"):
        read(tmp_path, AXOLOTL + "learning_rate: 1e-4\nlearning_rate: 2e-4\n")


def test_a_key_of_a_merge_may_be_overruled(tmp_path: Path) -> None:
    merged = "base_model: a/b\nbase: &base {path: a.jsonl, type: alpaca}\ndatasets: [{<<: *base, type: completion}]\n"
    assert read(tmp_path, merged).table["data"] == [{"path": "a.jsonl", "format": "text"}]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]",
        "a: &a [1, 1, 1, 1, 1, 1, 1, 1]\n"
        + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 8)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)),
    ],
    ids=["endless", "huge"],
)
def test_anchors_make_no_endless_configuration(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="more than 10,000 values"):
        read(tmp_path, f"base_model: a/b\n{text}")


def test_a_path_may_be_too_long_to_be_one(tmp_path: Path) -> None:
    long = "x" * 5000
    text = f"model_name_or_path: a/b\nstage: sft\ndataset_dir: {long}\ndataset: {long}\nadapter_name_or_path: [null]\n"
    assert read(tmp_path, text).table["data"][0]["path"] == long
