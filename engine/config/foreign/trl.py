"""TRL's SFT script as a run file: its flags on a command line, or its YAML. Defaults are those of TRL 1.16."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from engine.config.foreign import trainer
from engine.config.foreign.report import Imported, Reading
from engine.config.foreign.values import REMOTE_CODE, first_row, located, names, number, split_of, whole, yes
from engine.errors import ConfigError

_LAUNCHER = "the launcher's; a run uses one device"
SAME = {
    **trainer.SAME,
    "use_peft": "train.method says it",
    "lora_task_type": "causal language models are trained",
    "ignore_bias_buffers": "a run uses one device",
    "pad_token": "padding is masked by position, whatever its id",
    "padding_free": "packed rows have no padding between them",
    "eval_packing": "held-out rows are not packed, which changes no loss",
    "shuffle_dataset": "rows come in a new random order each epoch",
    "bf16": "bits and compute_dtype say the type",
    "dtype": "bits and compute_dtype say the type",
    "torch_dtype": "bits and compute_dtype say the type",
    "attn_implementation": "model.attention says it",
    "env": "variables of the environment are yours to set for `luthier train`, too",
}
NO = {
    **trainer.NO,
    "eos_token": "the tokenizer's own is used; change it in its folder",
    "loss_type": "the loss is the negative log-likelihood",
    "model_init_kwargs": "the model is used as its config.json says",
    "dataset_kwargs": "rows are prepared by [tokens]",
    "activation_offloading": "activations are computed again, not moved: train.gradient_checkpointing",
    "router_aux_loss_coef": "the loss is cross-entropy alone",
    "lora_target_parameters": "adapters go to layers, not to single tensors",
    "bnb_4bit_quant_storage": "weights of 4 bits are stored as bytes",
    "launcher": _LAUNCHER,
}


def read(given: dict[str, Any], source: Path) -> Imported:
    """Raises ConfigError where no model or no dataset is named."""
    reading = Reading("TRL", source.name, given)
    if not reading.has("model_name_or_path"):
        raise ConfigError(f"{source.name} names no model_name_or_path.")
    reading.put("model.path", located(str(reading.get("model_name_or_path")), source.parent), "model_name_or_path")
    _model(reading, source.parent)
    _method(reading)
    _data(reading, source.parent)
    _tokens(reading)
    trainer.read_length(reading, 3.0)
    trainer.read_batch(reading, "per_device_train_batch_size", 8)
    trainer.read_rate(reading, "lr_scheduler_type", 2e-5, "linear")
    trainer.read_optimizer(reading, "optim")
    trainer.read_loop(reading)
    if "gradient_checkpointing" not in reading.table["train"]:
        reading.put("train.gradient_checkpointing", True)
    if "seed" not in reading.table["train"]:
        reading.put("train.seed", 42)
    trainer.read_every(reading)
    if str(reading.get("loss_type")) == "nll":
        reading.same("loss_type", "the loss is the negative log-likelihood")
    reading.known(SAME, NO)
    return reading.done()


def _model(reading: Reading, folder: Path) -> None:
    if reading.has("model_revision") and reading.get("model_revision") != "main":
        reading.put("model.revision", str(reading.get("model_revision")), "model_revision")
    reading.same("model_revision", "main is the newest")
    if yes(reading.get("trust_remote_code")):
        reading.put("model.trust_remote_code", True, "trust_remote_code")
        reading.notes.append(REMOTE_CODE)
    reading.same("trust_remote_code", "remote code stays off")
    attention = str(reading.get("attn_implementation", ""))
    if attention:
        reading.put("model.attention", attention if attention in ("sdpa", "eager") else "auto", "attn_implementation")
    template = reading.get("chat_template_path")
    if template is not None and str(template).endswith((".jinja", ".jinja2", ".j2")):
        reading.put("model.chat_template", located(str(template), folder), "chat_template_path")
    reading.no(
        "chat_template_path", "write the template of that model into a .jinja file and set model.chat_template to it"
    )


def _method(reading: Reading) -> None:
    dtype = str(reading.get("dtype", reading.get("torch_dtype", "")))
    half = dtype == "bfloat16"
    if not yes(reading.get("use_peft")):
        reading.put("train.method", "full", "use_peft")
        reading.put("quantization.bits", 32, said="full fine-tunes keep float32 weights")
        if yes(reading.get("bf16")) is not False:
            reading.put(
                "quantization.compute_dtype", "bfloat16", "bf16", "dtype", "torch_dtype", said="mixed precision"
            )
        for leaf in list(reading.leaves):
            if leaf.startswith(("lora_", "use_rslora", "use_dora", "load_in_", "bnb_", "use_bnb")):
                off = reading.leaves[leaf] in (False, None)
                reading.same(leaf, "off") if off else reading.no(leaf, "there is no adapter without use_peft")
        return
    reading.put("train.method", "lora", "use_peft")
    four, eight = yes(reading.get("load_in_4bit")), yes(reading.get("load_in_8bit"))
    if four or eight:
        reading.put("quantization.bits", 4 if four else 8, "load_in_4bit" if four else "load_in_8bit")
    else:
        reading.put("quantization.bits", 16 if half else 32, "dtype", "torch_dtype")
        if not half and yes(reading.get("bf16")) is not False:
            reading.put("quantization.compute_dtype", "bfloat16", "bf16")
    reading.same("load_in_4bit", "quantization.bits says it")
    reading.same("load_in_8bit", "quantization.bits says it")
    if four:
        if reading.get("bnb_4bit_quant_type") in ("nf4", "fp4"):
            reading.put("quantization.type", reading.get("bnb_4bit_quant_type"), "bnb_4bit_quant_type")
        double = bool(yes(reading.get("use_bnb_nested_quant")))
        reading.put("quantization.double", double, "use_bnb_nested_quant")
    for key in ("bnb_4bit_quant_type", "use_bnb_nested_quant"):
        reading.same(key, "only 4 bits have it")
    _lora(reading)


def _lora(reading: Reading) -> None:
    reading.put("lora.rank", whole(reading.get("lora_r")) or 16, "lora_r")
    alpha, dropout = number(reading.get("lora_alpha")), number(reading.get("lora_dropout"))
    reading.put("lora.alpha", 32.0 if alpha is None else alpha, "lora_alpha")
    reading.put("lora.dropout", 0.05 if dropout is None else dropout, "lora_dropout")
    targets = reading.get("lora_target_modules")
    if targets is None:
        reading.put("lora.target_modules", ["q_proj", "v_proj"], said="of peft, for most architectures")
        reading.notes.append(
            "Without lora_target_modules peft chooses by the architecture: q_proj and v_proj of Llama and most others. "
            'Where the layers have other names, set lora.target_modules, or "all-linear", which learns more.'
        )
    else:
        found = names(targets)
        reading.put("lora.target_modules", found[0] if found == ["all-linear"] else found, "lora_target_modules")
    if reading.has("lora_modules_to_save"):
        reading.put("lora.save_modules", names(reading.get("lora_modules_to_save")), "lora_modules_to_save")
    for key, to in (("use_rslora", "lora.rslora"), ("use_dora", "lora.dora")):
        if (on := yes(reading.get(key))) is not None:
            reading.put(to, on, key)


def _data(reading: Reading, folder: Path) -> None:
    sources = reading.get("datasets")
    if isinstance(sources, list) and sources:
        for index, source in enumerate(sources):
            if isinstance(source, dict):
                _source(reading, f"data[{index}]", f"datasets[{index}]", source, folder)
        return
    if not reading.has("dataset_name"):
        raise ConfigError(f"{reading.source} names no dataset_name.")
    reading.put("data[0].path", located(str(reading.get("dataset_name")), folder), "dataset_name")
    if reading.has("dataset_config"):
        reading.put("data[0].subset", str(reading.get("dataset_config")), "dataset_config")
    if reading.has("dataset_train_split"):
        split, rows = split_of(str(reading.get("dataset_train_split")))
        if re.fullmatch(r"\w+", split):
            reading.put("data[0].split", split, "dataset_train_split")
            if rows:
                reading.put("data[0].max_rows", rows, "dataset_train_split")
        reading.no("dataset_train_split", "a part of a split is taken by max_rows, from its start")
    evaluated = str(reading.get("eval_strategy", reading.get("evaluation_strategy", "no"))) != "no"
    if evaluated:
        reading.put("data[0].held_out", str(reading.get("dataset_test_split", "test")), "dataset_test_split")
    else:
        reading.put("split.test_size", 0, "eval_strategy", "evaluation_strategy")
        reading.no("dataset_test_split", "eval_strategy is no, so nothing is held out")
    if yes(reading.get("dataset_streaming")):
        steps = whole(reading.get("max_steps")) or 0
        batch = (whole(reading.get("per_device_train_batch_size")) or 8) * (
            whole(reading.get("gradient_accumulation_steps")) or 1
        )
        if steps > 0:
            reading.put("data[0].streaming", True, "dataset_streaming")
            reading.put("data[0].max_rows", steps * batch, "max_steps", said="one row a sequence")
        reading.no("dataset_streaming", "a stream needs max_steps, to know how many rows to take")
    reading.same("dataset_streaming", "rows are stored, and read from there")
    column = reading.get("dataset_text_field")
    if column is not None and column != "text":
        reading.put("data[0].columns", {"text": str(column)}, "dataset_text_field")
        reading.put("data[0].format", "text", "dataset_text_field")
    reading.same("dataset_text_field", "the column is called text anyway")


def _source(reading: Reading, to: str, key: str, source: dict[str, Any], folder: Path) -> None:
    path, files = str(source.get("path", "")), source.get("data_files")
    if files and not isinstance(files, dict):
        first = files[0] if isinstance(files, list) else files
        reading.put(f"{to}.path", located(str(first), folder), f"{key}.data_files", f"{key}.path")
    else:
        reading.put(f"{to}.path", located(path, folder), f"{key}.path")
    for name, short in (("name", "subset"), ("split", "split")):
        if source.get(name) and re.fullmatch(r"[\w.-]+", str(source[name])):
            reading.put(f"{to}.{short}", str(source[name]), f"{key}.{name}")
    reading.no(f"{key}.fraction", "max_rows takes a number of rows")
    reading.no(
        f"{key}.columns", "columns that a format does not read are not read; data.columns gives them other names"
    )
    reading.no(f"{key}.data_dir", "name the folder in path")
    reading.no(f"{key}.split", "a part of a split is taken by max_rows, from its start")


def _tokens(reading: Reading) -> None:
    length_key = "max_length" if reading.has("max_length") else "max_seq_length"
    reading.put("tokens.max_length", whole(reading.get(length_key)) or 1024, length_key)
    if yes(reading.get("packing")):
        how = str(reading.get("packing_strategy", "bfd"))
        reading.put("tokens.packing", "wrapped" if how == "wrapped" else "bfd", "packing", "packing_strategy")
        if how == "bfd_split":
            reading.put("tokens.truncation", "split", "packing_strategy")
    reading.same("packing", "rows are not packed")
    reading.same("packing_strategy", "rows are not packed")
    if reading.get("truncation_mode") in ("keep_start", "keep_end"):
        side = "right" if reading.get("truncation_mode") == "keep_start" else "left"
        reading.put("tokens.truncation", side, "truncation_mode")
    multiple = whole(reading.get("pad_to_multiple_of"))
    if multiple:
        reading.put("tokens.pad_to_multiple_of", multiple, "pad_to_multiple_of")
    reading.same("pad_to_multiple_of", "a batch is as wide as its longest sequence")
    _supervise(reading)


def _supervise(reading: Reading) -> None:
    """TRL trains on whole conversations unless it is told otherwise, and on completions where rows have them."""
    only, completion = yes(reading.get("assistant_only_loss")), yes(reading.get("completion_only_loss"))
    row = first_row(str(reading.table.get("data", [{}])[0].get("path", "")))
    if only:
        reading.put("tokens.supervise", "assistant", "assistant_only_loss")
        reading.same("completion_only_loss", "answers are trained")
    elif completion is not None:
        reading.put("tokens.supervise", "assistant" if completion else "all", "completion_only_loss")
    elif "messages" in row or "conversations" in row:
        reading.put("tokens.supervise", "all", "assistant_only_loss")
    elif not row:
        reading.notes.append(
            "TRL trains on whole conversations unless assistant_only_loss is set, and on completions where rows have them. "
            'Here answers are trained; tokens.supervise = "all" trains whole conversations.'
        )
    reading.same("assistant_only_loss", "answers are trained, or everything")
    reading.same("completion_only_loss", "answers are trained, or everything")
