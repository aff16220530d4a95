"""Axolotl's YAML as a run file. Names and defaults are those of its documented configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.config.foreign import trainer
from engine.config.foreign.axolotl_data import read_data
from engine.config.foreign.report import Imported, Reading
from engine.config.foreign.values import INITS, REMOTE_CODE, located, names, number, per_epoch, run_name, whole, yes
from engine.errors import ConfigError

_FORMER = "an older name of a setting that Axolotl itself no longer reads"
_KERNELS = "Luthier has its own fused layers; model.liger takes Liger's"
SAME = {
    **trainer.SAME,
    "model_type": "the kind of model is read from its config.json",
    "tokenizer_type": "the tokenizer is read from its folder",
    "tokenizer_use_fast": "the fast tokenizer is used",
    "tokenizer_legacy": "the tokenizer is used as its folder says",
    "is_llama_derived_model": "the architecture is read from config.json",
    "is_falcon_derived_model": "the architecture is read from config.json",
    "is_mistral_derived_model": "the architecture is read from config.json",
    "is_qwen_derived_model": "the architecture is read from config.json",
    "special_tokens.pad_token": "padding is masked by position, whatever its id",
    "dataset_prepared_path": "tokens are kept by the service and by runs, keyed by all that shaped them",
    "strict": "every key of a run file is checked",
    "sample_packing_eff_est": "packing is measured, not estimated",
    "sample_packing_bin_size": "packing looks at all rows at once",
    "sample_packing_group_size": "packing looks at all rows at once",
    "sample_packing_sequentially": "packing looks at all rows at once",
    "eval_sample_packing": "held-out rows are not packed, which changes no loss",
    "total_num_tokens": "tokens are counted",
    "eval_table_size": "samples are answered by eval.samples",
    "multipack_real_batches": "packed rows are kept apart",
    "shuffle_merged_datasets": "rows come in a new random order each epoch",
    "datasets.ds_type": "the kind of a file is seen by its ending",
    "lora_fan_in_fan_out": "the layout of weights is read from the model",
    "auto_resume_from_checkpoints": "`luthier resume RUN` does so, when it is asked for",
    "trust_remote_code": "remote code stays off",
    "debug": "`luthier inspect` shows each row",
    "axolotl_config_path": "the file itself is read",
    "local_rank": "a run uses one device",
    "xformers_attention": "attention is computed by torch's fused kernels",
    "flash_attn_rms_norm": _KERNELS,
    "flash_attn_cross_entropy": "the loss is computed in chunks, without all logits",
    "flash_attn_fuse_mlp": _KERNELS,
    "cut_cross_entropy": "the loss is computed in chunks, without all logits",
    "liger_rope": "model.liger takes all of them",
    "liger_rms_norm": "model.liger takes all of them",
    "liger_glu_activation": "model.liger takes all of them",
    "liger_layer_norm": "model.liger takes all of them",
    "liger_fused_linear_cross_entropy": "the loss is computed in chunks, without all logits",
    "lora_mlp_kernel": _KERNELS,
    "lora_qkv_kernel": _KERNELS,
    "lora_o_kernel": _KERNELS,
    "low_cpu_mem_usage": "weights are loaded piece by piece",
    "bf16": "it is the type that bits and compute_dtype say",
    "float32": "it is the type that bits and compute_dtype say",
}
NO = {
    **trainer.NO,
    "special_tokens": "the tokenizer's own are used; change them in its folder",
    "added_tokens_overrides": "model.new_tokens adds tokens, and does not rename reserved ones",
    "plugins": "there are no plugins",
    "unfrozen_parameters": "all weights are trained, or adapters",
    "s2_attention": "attention is computed over the whole sequence",
    "dataset_exact_deduplication": "`luthier data` finds duplicates; data.exclude.findings leaves them out",
    "bnb_config_kwargs": "[quantization] sets the four-bit base",
    "gptq": "a base that is quantised already is not read",
    "wandb_project": "nothing is sent anywhere",
    "wandb_entity": "nothing is sent anywhere",
    "wandb_watch": "nothing is sent anywhere",
    "wandb_name": "it cannot be the name of a run",
    "wandb_run_id": "nothing is sent anywhere",
    "wandb_log_model": "nothing is sent anywhere",
    "wandb_mode": "nothing is sent anywhere",
    "mlflow_tracking_uri": "nothing is sent anywhere",
    "mlflow_experiment_name": "nothing is sent anywhere",
    "comet_project_name": "nothing is sent anywhere",
    "use_tensorboard": "nothing else than the journal is written",
    "hf_use_auth_token": "the token of `huggingface_hub` is used where a download needs one",
    "resume_from_checkpoint": trainer.NO["resume_from_checkpoint"],
    "relora_steps": "ReLoRA is not offered",
    "relora_warmup_steps": "ReLoRA is not offered",
    "lora_layers_to_transform": "name the layers by a regular expression in lora.target_modules",
    "peft_layers_to_transform": "name the layers by a regular expression in lora.target_modules",
    "lora_target_parameters": "adapters go to layers, not to single tensors",
    "peft_trainable_token_indices": "rows of new tokens are trained by themselves",
    "overrides_of_model_config": "the model is used as its config.json says",
    "overrides_of_model_kwargs": "the model is used as its config.json says",
    "rope_scaling": "the model is used as its config.json says",
    "tokenizer_config": "the tokenizer is read from the model's folder",
    "base_model_config": "config.json is read from the model's folder",
    "tokenizer_revision": "model.revision holds for the tokenizer, too",
    "eval_causal_lm_metrics": "the loss is measured",
    "do_causal_lm_eval": "the loss is measured",
    "excess_length_strategy": "tokens.truncation says what happens to long rows",
    "min_sample_len": "short rows are trained, too",
    "test_datasets": "one file for one source can be held out: data.held_out",
    "val_file": _FORMER,
    "lora_on_cpu": "adapters lie on the device",
    "loss_watchdog_threshold": "loss spikes are marked, and do not stop a run",
    "loss_watchdog_patience": "loss spikes are marked, and do not stop a run",
    "curriculum_sampling": "train.shuffle = false keeps the order of the data",
    "sequence_parallel_degree": trainer.ONE_DEVICE,
    "context_parallel_size": trainer.ONE_DEVICE,
    "tensor_parallel_size": trainer.ONE_DEVICE,
    "device_map": trainer.ONE_DEVICE,
    "max_memory": "train.memory_limit says how much may be used",
    "gpu_memory_limit": "train.memory_limit says how much may be used",
    "chat_template_jinja": "write it into a file and set model.chat_template to it",
    "lr_groups": "one learning rate for all weights; lora.plus_ratio for B",
    "embedding_lr": "one learning rate for all weights; lora.plus_ratio for B",
    "loraplus_lr_embedding": "one learning rate for all weights; lora.plus_ratio for B",
    "cosine_constant_lr_ratio": 'scheduler = "wsd" holds the rate before it falls',
    "loftq_config": "loftq takes one step",
    "peft": "see lora.init",
}


def read(given: dict[str, Any], source: Path) -> Imported:
    """Raises ConfigError for what is no supervised training, or names no model."""
    reading = Reading("Axolotl", source.name, given)
    if reading.has("rl") or yes(reading.get("reward_model")):
        what = reading.get("rl", "reward_model")
        raise ConfigError(
            f"{source.name} trains by preferences or rewards (rl: {what}); Luthier trains on answers only."
        )
    if not reading.has("base_model"):
        raise ConfigError(f"{source.name} names no base_model.")
    reading.put("model.path", located(str(reading.get("base_model")), source.parent), "base_model")
    _model(reading)
    _method(reading, source.parent)
    read_data(reading, source.parent)
    _tokens(reading)
    trainer.read_length(reading, 1.0)
    trainer.read_batch(reading, "micro_batch_size", 1)
    trainer.read_rate(reading, "lr_scheduler", None, "cosine")
    trainer.read_optimizer(reading, "optimizer")
    trainer.read_loop(reading)
    if "seed" not in reading.table.get("train", {}):
        reading.put("train.seed", 42)
    _every(reading)
    reading.known(SAME, NO)
    return reading.done()


def _model(reading: Reading) -> None:
    for key in ("revision_of_model", "model_revision"):
        if reading.has(key):
            reading.put("model.revision", str(reading.get(key)), key)
    if yes(reading.get("trust_remote_code")):
        reading.put("model.trust_remote_code", True, "trust_remote_code")
        reading.notes.append(REMOTE_CODE)
    for key, to in (("flash_attention", "auto"), ("sdp_attention", "sdpa"), ("eager_attention", "eager")):
        if yes(reading.get(key)):
            said = "varlen kernels, where the architecture allows them" if to == "auto" else ""
            reading.put("model.attention", to, key, said=said)
        reading.same(key, "off")
    implementation = reading.get("attn_implementation")
    if implementation is not None:
        reading.put("model.attention", _attention(implementation), "attn_implementation")
    if any("liger" in plugin.lower() for plugin in names(reading.get("plugins", []))):
        reading.put("model.liger", True, "plugins")
    if isinstance(reading.get("tokens"), list):
        reading.put("model.new_tokens", [str(token) for token in reading.get("tokens")], "tokens")


def _attention(name: Any) -> str:
    return str(name) if str(name) in ("sdpa", "eager") else "auto"


def _method(reading: Reading, folder: Path) -> None:
    adapter = reading.get("adapter")
    four, eight = yes(reading.get("load_in_4bit")), yes(reading.get("load_in_8bit"))
    half = yes(reading.get("bf16")) is not False and not yes(reading.get("float32"))
    if adapter in ("lora", "qlora"):
        reading.put("train.method", "lora", "adapter")
        if four or (adapter == "qlora" and four is None and not eight):
            reading.put("quantization.bits", 4, "load_in_4bit", "adapter")
        elif eight:
            reading.put("quantization.bits", 8, "load_in_8bit")
        else:
            reading.put("quantization.bits", 16 if half else 32, "bf16", "load_in_4bit", "load_in_8bit")
        for key in ("load_in_4bit", "load_in_8bit"):
            reading.same(key, "quantization.bits says it")
        _four_bits(reading)
        _lora(reading, folder)
    elif adapter is None:
        reading.put("train.method", "full", "adapter")
        reading.put(
            "quantization.bits", 32, "load_in_4bit", "load_in_8bit", said="full fine-tunes keep float32 weights"
        )
        if half:
            reading.put("quantization.compute_dtype", "bfloat16", "bf16")
        for leaf in list(reading.leaves):
            if leaf.startswith(("lora_", "peft_", "qlora_", "loraplus_")):
                reading.no(leaf, "there is no adapter in a full fine-tune")
    else:
        raise ConfigError(
            f"adapter: {adapter} is not offered; Luthier has lora, qlora, and a full fine-tune without one."
        )


def _four_bits(reading: Reading) -> None:
    if reading.table["quantization"]["bits"] != 4:
        return
    kind = reading.get("bnb_config_kwargs.bnb_4bit_quant_type")
    if kind in ("nf4", "fp4"):
        reading.put("quantization.type", kind, "bnb_config_kwargs.bnb_4bit_quant_type")
    double = yes(reading.get("bnb_config_kwargs.bnb_4bit_use_double_quant"))
    if double is not None:
        reading.put("quantization.double", double, "bnb_config_kwargs.bnb_4bit_use_double_quant")


def _lora(reading: Reading, folder: Path) -> None:
    rank, alpha, dropout = (number(reading.get(f"lora_{name}")) for name in ("r", "alpha", "dropout"))
    going_on = reading.get("lora_model_dir")
    if going_on is not None:
        reading.put("lora.start_from", located(str(going_on), folder), "lora_model_dir")
        for key in ("lora_r", "lora_alpha", "lora_target_linear", "lora_target_modules"):
            reading.no(key, "the adapter that lora_model_dir names decides it")
    else:
        if rank is not None:
            reading.put("lora.rank", int(rank), "lora_r")
        if alpha is not None:
            reading.put("lora.alpha", alpha, "lora_alpha")
        _targets(reading)
    if dropout is not None:
        reading.put("lora.dropout", dropout, "lora_dropout")
    for key, to in (("peft_use_rslora", "lora.rslora"), ("peft_use_dora", "lora.dora")):
        if (on := yes(reading.get(key))) is not None:
            reading.put(to, on, key)
    init = reading.get("peft_init_lora_weights")
    if init is not None and (found := INITS.get(str(init).lower())):
        reading.put("lora.init", found, "peft_init_lora_weights")
    elif isinstance(reading.get("peft"), dict) and reading.has("peft.loftq_config"):
        reading.put("lora.init", "loftq", "peft.loftq_config")
    ratio = number(reading.get("loraplus_lr_ratio"))
    if ratio is not None:
        reading.put("lora.plus_ratio", ratio, "loraplus_lr_ratio")
    if reading.has("lora_modules_to_save"):
        reading.put("lora.save_modules", names(reading.get("lora_modules_to_save")), "lora_modules_to_save")


def _targets(reading: Reading) -> None:
    targets = reading.get("lora_target_modules")
    if yes(reading.get("lora_target_linear")):
        reading.put("lora.target_modules", "all-linear", "lora_target_linear")
        if targets:
            reading.no("lora_target_modules", "lora_target_linear takes every linear layer")
    elif targets:
        reading.put(
            "lora.target_modules", targets if isinstance(targets, str) else names(targets), "lora_target_modules"
        )
    reading.same("lora_target_linear", "lora.target_modules says which")


def _tokens(reading: Reading) -> None:
    reading.put("tokens.max_length", whole(reading.get("sequence_len")) or 512, "sequence_len")
    if yes(reading.get("sample_packing")):
        reading.put("tokens.packing", "bfd", "sample_packing", said="rows are kept apart")
    reading.same("sample_packing", "rows are not packed")
    if yes(reading.get("pad_to_sequence_len")) and not yes(reading.get("sample_packing")):
        reading.put("tokens.padding", "max_length", "pad_to_sequence_len")
    reading.same("pad_to_sequence_len", "a batch is as wide as its longest sequence")
    strategy = reading.get("excess_length_strategy")
    if strategy in ("drop", "truncate", "raise"):
        to = {"drop": "drop", "truncate": "right", "raise": "error"}[strategy]
        reading.put("tokens.truncation", to, "excess_length_strategy")
    else:
        reading.put("tokens.truncation", "drop", said="long rows are left out")
    size = number(reading.get("val_set_size"))
    if "held_out" not in reading.table.get("data", [{}])[0]:
        reading.put("split.test_size", 0 if not size else size if size < 1 else int(size), "val_set_size")
    reading.no("val_set_size", "test_datasets says which rows are held out")


def _every(reading: Reading) -> None:
    for times, to in (("evals_per_epoch", "train.eval_every"), ("saves_per_epoch", "train.save_every")):
        found = per_epoch(reading.get(times))
        if found is not None:
            reading.put(to, found, times)
    trainer.read_every(reading)
    patience = whole(reading.get("early_stopping_patience"))
    if patience:
        reading.put("train.early_stopping", patience, "early_stopping_patience")
    for key in ("wandb_name", "wandb_run_id"):
        if "name" not in reading.table and reading.has(key) and (name := run_name(reading.get(key))):
            reading.put("name", name, key)
