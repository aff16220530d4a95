"""Configurations of other tools: every key is accounted for, values are translated, the result is a valid run file."""

from __future__ import annotations

import json
import random
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine.config.field_values import toml
from engine.config.foreign.detect import read_foreign, tool_of
from engine.config.foreign.report import Imported, leaves
from engine.config.foreign.values import read_mapping
from engine.config.load import load
from engine.config.runfile import RunFile
from engine.errors import ConfigError

HERE = Path(__file__).parent
AXOLOTL = sorted((HERE / "axolotl").glob("*.yml"))
LLAMAFACTORY = sorted((HERE / "llamafactory").glob("*.yaml"))
TRL = sorted((HERE / "trl").glob("*"))


def made(name: str) -> Imported:
    return read_foreign(HERE / name)


def loaded(imported: Imported, folder: Path) -> RunFile:
    file = folder / "made.toml"
    file.write_text(imported.text)
    return load(file)


def fates(imported: Imported) -> dict[str, str]:
    return {entry.key: entry.fate for entry in imported.entries}


def test_there_are_five_of_each() -> None:
    assert (len(AXOLOTL), len(LLAMAFACTORY), len(TRL)) == (5, 5, 3)


@pytest.mark.parametrize("path", [*AXOLOTL, *LLAMAFACTORY, *TRL], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_key_is_accounted_for_and_the_result_is_a_run_file(path: Path, tmp_path: Path) -> None:
    imported = read_foreign(path)
    told = [entry.key for entry in imported.entries]
    assert len(told) == len(set(told))
    if path.suffix != ".sh":
        assert tool_of(read_mapping(path)) == path.parent.name
        given = dict(leaves(read_mapping(path)))
        assert set(given) <= set(told)
        assert all(key.startswith("dataset_info.json.") for key in set(told) - set(given))
        assert {entry.key: entry.value for entry in imported.entries if entry.key in given} == given
    assert all(entry.said for entry in imported.entries if entry.fate != "mapped")
    assert all(entry.to for entry in imported.entries if entry.fate == "mapped")
    run = loaded(imported, tmp_path)
    text = imported.text
    said = tomllib.loads(text)
    for entry in imported.fated("unmapped"):
        assert f"{entry.key} = " in text
    for entry in imported.fated("mapped"):
        for key in entry.to:
            node: Any = said
            for part in key.replace("[", ".").replace("]", "").split("."):
                node = node[int(part)] if part.isdecimal() else node[part]
            line = next(
                line for line in text.splitlines() if line.startswith(f"{key.rpartition('.')[2]} = {toml(node)}  # ")
            )
            assert line
    assert run.model.path


def test_axolotl_qlora(tmp_path: Path) -> None:
    imported = made("axolotl/qlora.yml")
    run = loaded(imported, tmp_path)
    assert (run.train.method, run.quantization.bits) == ("lora", 4)
    assert (run.lora.rank, run.lora.alpha, run.lora.dropout, run.lora.target_modules) == (32, 16, 0.05, "all-linear")
    assert (run.train.batch_size, run.train.grad_accumulation, run.train.epochs) == (2, 4, 4)
    assert (run.train.learning_rate, run.train.warmup, run.train.scheduler) == (2e-4, 10, "cosine")
    assert (run.train.optimizer, run.train.gradient_checkpointing) == ("paged_adamw", True)
    assert (run.train.eval_every, run.train.save_every) == ("0.25 epochs", "1 epoch")
    assert (run.tokens.max_length, run.tokens.packing, run.split.test_size) == (4096, "bfd", 0.05)
    source = run.data[0]
    assert (source.format, source.template, source.split, source.max_rows) == ("alpaca", "alpaca", "train", 500)
    assert imported.fated("unmapped") == []
    assert "# lora_r: 32" in imported.text


def test_axolotl_chat(tmp_path: Path) -> None:
    imported = made("axolotl/chat-lora.yml")
    run = loaded(imported, tmp_path)
    first, second = run.data
    assert (first.format, first.template, first.columns) == ("sharegpt", "llama3", {})
    assert (second.format, second.template, Path(second.path).name) == ("messages", "chatml", "chats.jsonl")
    assert Path(first.held_out).name == "held.jsonl"
    assert (run.quantization.bits, run.lora.rslora, run.lora.plus_ratio) == (8, True, 16)
    assert (run.train.steps, run.train.eval_every, run.train.save_every, run.train.keep) == (300, 50, 100, 3)
    assert (run.train.optimizer, run.train.betas, run.train.clip) == ("adamw_8bit", [0.9, 0.95], 0.5)
    assert (run.name, run.model.liger, run.model.new_tokens) == ("chat-lora", True, ["<tool>", "</tool>"])
    found = fates(imported)
    assert found["special_tokens.pad_token"] == "same"
    assert found["special_tokens.eos_token"] == "unmapped"
    assert found["wandb_project"] == "unmapped"


def test_axolotl_full_keeps_no_adapter_and_says_what_is_missing(tmp_path: Path) -> None:
    imported = made("axolotl/full.yml")
    run = loaded(imported, tmp_path)
    assert (run.train.method, run.quantization.bits, run.quantization.compute_dtype) == ("full", 32, "bfloat16")
    assert run.data[0].prompt == "Be brief.\nTask: {instruction}\n{input}\nAnswer {{here}}:"
    assert run.data[0].completion == "{output}"
    assert run.train.min_learning_rate == pytest.approx(2e-6)
    unmapped = {entry.key: entry.said for entry in imported.fated("unmapped")}
    assert set(unmapped) == {
        "optimizer",
        "deepspeed",
        "hub_model_id",
        "lora_r",
        "unheard_of_key",
        "datasets[0].type.no_input_format",
    }
    assert unmapped["unheard_of_key"] == "this importer does not know the key"
    assert run.tokens.padding == "max_length"


def test_axolotl_pretraining_and_mixtures(tmp_path: Path) -> None:
    run = loaded(made("axolotl/pretrain.yml"), tmp_path)
    assert (run.data[0].streaming, run.data[0].max_rows, run.data[0].subset) == (True, 1600, "en")
    assert (run.tokens.supervise, run.data[0].format, run.train.warmup) == ("all", "text", 20)
    imported = made("axolotl/mixture.yml")
    run = loaded(imported, tmp_path)
    assert [source.format for source in run.data] == ["text", "sharegpt", "oasst_tree", "auto"]
    assert run.data[0].columns == {"text": "body"}
    assert (run.lora.dora, run.lora.init, run.train.optimizer) == (True, "gaussian", "lion_8bit")
    assert (run.data[3].subset, run.data[3].revision) == ("default", "abc123")
    found = fates(imported)
    assert found["lr_scheduler"] == "unmapped"
    assert found["datasets[1].shards"] == "unmapped"
    assert found["datasets[3].type"] == "unmapped"


def test_llamafactory_qlora_reads_the_names_of_datasets(tmp_path: Path) -> None:
    imported = made("llamafactory/qlora_sft.yaml")
    run = loaded(imported, tmp_path)
    assert (run.lora.rank, run.lora.alpha, run.quantization.bits, run.quantization.double) == (8, 16, 4, False)
    assert (run.train.learning_rate, run.train.epochs, run.train.warmup) == (1e-4, 3, 0.1)
    assert [Path(source.path).name for source in run.data] == ["identity.json", "alpaca_en_demo.json"]
    assert [source.template for source in run.data] == ["llama3", "llama3"]
    assert run.data[1].columns == {"system": "sys"}
    found = fates(imported)
    assert found["dataset_info.json.alpaca_en_demo.columns.history"] == "unmapped"
    assert found["dataset_info.json.alpaca_en_demo.num_samples"] == "mapped"
    assert run.model.trust_remote_code


def test_llamafactory_chat_mixes_by_its_shares(tmp_path: Path) -> None:
    imported = made("llamafactory/chat_lora.yaml")
    run = loaded(imported, tmp_path)
    assert [source.weight for source in run.data] == [0.7, 0.3]
    assert [source.format for source in run.data] == ["sharegpt", "messages"]
    assert run.data[1].columns == {"messages": "dialogue"}
    assert (run.tokens.supervise, run.tokens.packing, run.train.neftune_alpha) == ("last", "bfd", 5)
    assert (run.lora.save_modules, run.train.result, run.train.early_stopping) == (
        ["embed_tokens", "lm_head"],
        "best",
        3,
    )
    assert (run.train.steps, run.train.epochs, run.train.eval_every) == (400, None, "1 epoch")
    assert run.quantization.bits == 16
    found = fates(imported)
    assert found["dataset_info.json.openai_style.tags.system_tag"] == "unmapped"
    assert found["dataset_info.json.openai_style.tags.role_tag"] == "mapped"


def test_llamafactory_full_and_pretraining(tmp_path: Path) -> None:
    run = loaded(made("llamafactory/full_sft.yaml"), tmp_path)
    assert (run.train.method, run.train.min_learning_rate, run.train.eval_every) == ("full", 1e-6, "0.5 epochs")
    assert run.train.gradient_checkpointing is False
    imported = made("llamafactory/pretrain.yaml")
    run = loaded(imported, tmp_path)
    assert (run.tokens.packing, run.tokens.supervise) == ("wrapped", "all")
    assert [source.columns for source in run.data] == [{}, {"text": "body"}]
    assert (run.train.scheduler, run.train.decay) == ("wsd", 20)
    unmapped = {entry.key: entry.said for entry in imported.fated("unmapped")}
    assert "group_by_length is not read" in unmapped["group_by_length"]
    assert "float16" in unmapped["fp16"]


def test_llamafactory_going_on_with_an_adapter(tmp_path: Path) -> None:
    imported = made("llamafactory/more.yaml")
    run = loaded(imported, tmp_path)
    assert run.lora.start_from is not None
    found = fates(imported)
    assert found["lora_rank"] == "unmapped"
    assert found["what_is_this.list[1].b"] == "unmapped"
    assert (run.quantization.bits, run.data[0].template) == (8, "tokenizer")


def test_a_trl_command(tmp_path: Path) -> None:
    imported = made("trl/command.sh")
    run = loaded(imported, tmp_path)
    assert (run.model.path, run.data[0].path) == ("Qwen/Qwen2-0.5B", "trl-lib/Capybara")
    assert (run.lora.rank, run.lora.alpha, run.lora.dropout) == (32, 16, 0.05)
    assert run.lora.target_modules == ["q_proj", "k_proj", "v_proj"]
    assert (run.tokens.packing, run.tokens.supervise, run.tokens.max_length) == ("bfd", "assistant", 1024)
    assert (run.data[0].held_out, run.train.eval_every, run.train.warmup) == ("test", 100, 0.03)
    assert (run.quantization.bits, run.quantization.double) == (4, False)
    assert set(fates(imported)) >= {
        "launcher",
        "env.CUDA_VISIBLE_DEVICES",
        "eos_token",
        "shuffle_dataset",
        "output_dir",
    }
    assert "default of TRL" in imported.text


def test_trl_files(tmp_path: Path) -> None:
    run = loaded(made("trl/full.yaml"), tmp_path)
    assert (run.train.method, run.quantization.compute_dtype, run.tokens.packing) == ("full", "bfloat16", "wrapped")
    assert (run.tokens.supervise, run.train.steps, run.split.test_size) == ("all", 50, 0)
    run = loaded(made("trl/mixture.yaml"), tmp_path)
    assert [Path(source.path).name for source in run.data] == ["imdb", "local.jsonl"]
    assert (run.tokens.truncation, run.tokens.pad_to_multiple_of, run.tokens.group_by_length) == ("left", 8, True)
    assert (run.lora.save_modules, run.train.seed, run.train.neftune_alpha) == (["lm_head"], 3, 5)


def test_a_command_may_name_a_file_and_overrule_it(tmp_path: Path) -> None:
    (tmp_path / "sft.yaml").write_text("model_name_or_path: a/b\ndataset_name: c/d\nlearning_rate: 1e-5\n")
    script = tmp_path / "go.sh"
    script.write_text("trl sft --config sft.yaml --learning-rate 3e-5 --use_peft true\n")
    run = loaded(read_foreign(script), tmp_path)
    assert (run.model.path, run.train.learning_rate, run.train.method) == ("a/b", 3e-5, "lora")
    script.write_text("llamafactory-cli train --stage sft --model_name_or_path a/b --dataset x.jsonl --lora_rank 4\n")
    assert loaded(read_foreign(script), tmp_path).lora.rank == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("base_model: m\nrl: dpo\n", "preferences or rewards"),
        ("stage: dpo\nmodel_name_or_path: m\ndataset: x\n", "stage dpo"),
        ("finetuning_type: oft\nmodel_name_or_path: m\ndataset: x\n", "oft is not offered"),
        ("model_name_or_path: m\nuse_peft: true\n", "no dataset_name"),
        ("adapter: ia3\nbase_model: m\n", "ia3 is not offered"),
        ("a: 1\n", "none of the keys"),
        ("a: [1\n", "no YAML"),
        ("- 1\n", "no keys with values"),
        ("!!python/object/apply:os.system [echo]\n", "no YAML"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_foreign(file)


def test_other_files_are_refused(tmp_path: Path) -> None:
    for name, data in (("a.sh", b"echo hi\n"), ("b.sh", b"\xff\xfe\x00")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ConfigError):
            read_foreign(tmp_path / name)
    with pytest.raises(ConfigError, match="is not there"):
        read_foreign(tmp_path / "none.yaml")


@pytest.mark.parametrize("value", ["a\nb = 1", "x\x07y", '"', "'''", "\u2028", "# no", "\\"])
def test_odd_values_do_not_break_the_text(tmp_path: Path, value: str) -> None:
    file = tmp_path / "c.json"
    file.write_text(
        json.dumps({"base_model": value or "m", "strange": value, "datasets": [{"path": value, "type": value}]})
    )
    imported = read_foreign(file)
    assert loaded(imported, tmp_path).data[0].path.endswith(value.rstrip("/")) or value
    assert set(fates(imported)) == {"base_model", "strange", "datasets[0].path", "datasets[0].type"}


JUNK = [
    None,
    True,
    False,
    0,
    -1,
    3,
    1.5,
    1e300,
    "",
    "x",
    "auto",
    "none",
    [],
    {},
    [1, "a"],
    {"a": {"b": [None]}},
    [{"c": 1}],
    "1e-400",
]


def mutated(given: Any, path: str, value: Any) -> Any:
    """`given` with another value at the leaf `path`."""
    copy = json.loads(json.dumps(given, default=str))
    *above, last = [
        int(part) if part.isdecimal() else part for part in path.replace("[", ".").replace("]", "").split(".")
    ]
    node = copy
    for part in above:
        node = node[part]
    node[last] = value
    return copy


@pytest.mark.parametrize(
    "path", [AXOLOTL[0], AXOLOTL[1], AXOLOTL[2], AXOLOTL[3], LLAMAFACTORY[0], *TRL[1:]], ids=lambda p: p.name
)
def test_any_value_anywhere_is_accounted_for_or_refused(path: Path, tmp_path: Path) -> None:
    given = read_mapping(path)
    chance = random.Random(path.name)
    found = [leaf for leaf, _ in leaves(given)]
    places = list(
        dict.fromkeys(
            leaf[:at] for leaf in found for at in (len(leaf), *(m.start() for m in re.finditer(r"[.[]", leaf)))
        )
    )
    file = tmp_path / "c.json"
    refused = 0
    for leaf, value in chance.sample([(leaf, value) for leaf in places for value in JUNK], 60):
        changed = mutated(given, leaf, value)
        file.write_text(json.dumps(changed))
        try:
            imported = read_foreign(file, path.parent.name)
        except ConfigError:
            refused += 1
            continue
        assert set(dict(leaves(changed))) <= {entry.key for entry in imported.entries}
        assert tomllib.loads(imported.text) == imported.table
    assert refused < 40
