"""LLaMA-Factory's YAML, or the flags of `llamafactory-cli train`, as a run file; with the dataset_info.json beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.config.foreign import trainer
from engine.config.foreign.llamafactory_data import read_data
from engine.config.foreign.report import Imported, Reading
from engine.config.foreign.values import REMOTE_CODE, located, names, number, whole, yes
from engine.errors import ConfigError

_PREFERENCES = "it is of training by preferences"
_GENERATION = "it is of chat and generation, not of training"
SAME = {
    **trainer.SAME,
    "use_fast_tokenizer": "the fast tokenizer is used",
    "low_cpu_mem_usage": "weights are loaded piece by piece",
    "use_unsloth": "Luthier has its own fused layers",
    "use_unsloth_gc": "layers are computed again where the memory asks for it",
    "disable_gradient_checkpointing": "train.gradient_checkpointing says it",
    "use_reentrant_gc": "layers are computed again without reentrant autograd",
    "upcast_layernorm": "norms are computed in float32",
    "upcast_lmhead_output": "the loss is computed in float32",
    "create_new_adapter": "an adapter that is gone on with stays one",
    "quantization_method": "bitsandbytes quantises the base",
    "quantization_device_map": "the base lies on one device",
    "cache_dir": "the cache of huggingface_hub is used where HF_HOME says",
    "model_cache_dir": "the cache of huggingface_hub is used where HF_HOME says",
    "tokenized_path": "rows are tokenized anew for each run",
    "buffer_size": "a stream is read in order",
    "max_shard_size": "files are cut by safetensors' own rule",
    "infer_dtype": _GENERATION,
    "ignore_pad_token_for_loss": "padding is never trained",
    "data_shared_file_system": "a run uses one machine",
    "pure_bf16": "bits and compute_dtype say the type",
    "bf16": "bits and compute_dtype say the type",
    "neat_packing": "packed rows are kept apart",
    "eval_num_beams": _GENERATION,
    "print_param_status": "`luthier plan` counts what is trained",
    "double_quantization": "the constants of 4 bits are quantised, too",
    "dataset_dir": "paths of datasets are resolved",
}
NO = {
    **trainer.NO,
    "rope_scaling": "the model is used as its config.json says",
    "split_special_tokens": "special tokens within texts stay special",
    "train_from_scratch": "weights are loaded",
    "use_swanlab": "nothing is sent anywhere",
    "shift_attn": "attention is computed over the whole sequence",
    "mixture_of_depths": "the model is used as its config.json says",
    "moe_aux_loss_coef": "the loss is cross-entropy alone",
    "enable_thinking": "the template writes what the rows hold",
    "default_system": "put the text into the rows, or write a template of your own",
    "tool_format": "the chat template writes tools in its own form",
    "export_dir": "`luthier export` is for that",
    "adapter_folder": "name adapters whole",
    "freeze_trainable_layers": "freezing layers is not offered",
    "freeze_trainable_modules": "freezing layers is not offered",
    "use_galore": "GaLore is not offered",
    "use_apollo": "APOLLO is not offered",
    "use_badam": "BAdam is not offered",
    "use_adam_mini": "Adam-mini is not offered",
    "use_muon": "Muon is not offered",
    "use_llama_pro": "LLaMA-Pro is not offered",
    "use_mca": trainer.ONE_DEVICE,
    "loraplus_lr_embedding": "one learning rate for all weights; lora.plus_ratio for B",
    "lora_bf16_mode": "adapters are trained in float32",
    "pissa_convert": "an adapter that began with pissa is always written for the plain base",
    "pissa_iter": "the exact decomposition is taken",
    "module_dropout": "dropout is that of adapters",
    "pref_beta": _PREFERENCES,
    "pref_loss": _PREFERENCES,
    "pref_ftx": _PREFERENCES,
    "dpo_label_smoothing": _PREFERENCES,
    "ref_model": _PREFERENCES,
    "reward_model": _PREFERENCES,
    "compute_accuracy": "the loss is measured",
    "early_stopping_steps": "it needs held-out rows",
    "swanlab_project": "nothing is sent anywhere",
    "swanlab_run_name": "nothing is sent anywhere",
    "image_max_pixels": "models of text only",
    "video_max_pixels": "models of text only",
    "freeze_vision_tower": "models of text only",
    "freeze_multi_modal_projector": "models of text only",
    "media_dir": "models of text only",
    "ray_run_name": trainer.ONE_DEVICE,
    "infer_backend": _GENERATION,
    "top_p": _GENERATION,
    "temperature": _GENERATION,
    "max_new_tokens": _GENERATION,
    "hf_hub_token": "the token of `huggingface_hub` is used where a download needs one",
    "init_special_tokens": "embeddings of new tokens start at the mean of the pieces that spelled them",
    "skip_special_tokens": _GENERATION,
}


def read(given: dict[str, Any], source: Path) -> Imported:
    """Raises ConfigError for what is no supervised training, or names no model."""
    reading = Reading("LLaMA-Factory", source.name, given)
    stage = str(reading.get("stage", "sft"))
    if stage not in ("sft", "pt"):
        raise ConfigError(
            f"{source.name} is of stage {stage}; Luthier trains on answers (sft) and on running text (pt)."
        )
    if not reading.has("model_name_or_path"):
        raise ConfigError(f"{source.name} names no model_name_or_path.")
    reading.put("model.path", located(str(reading.get("model_name_or_path")), source.parent), "model_name_or_path")
    info = read_data(reading, source.parent, stage)
    reading.leaves.update(info)
    _model(reading)
    _method(reading, source.parent)
    _tokens(reading, stage)
    trainer.read_length(reading, 3.0)
    trainer.read_batch(reading, "per_device_train_batch_size", 8)
    trainer.read_rate(reading, "lr_scheduler_type", 5e-5, "linear")
    trainer.read_optimizer(reading, "optim")
    trainer.read_loop(reading)
    if "seed" not in reading.table.get("train", {}):
        reading.put("train.seed", 42)
    trainer.read_every(reading)
    patience = whole(reading.get("early_stopping_steps"))
    if patience:
        reading.put("train.early_stopping", patience, "early_stopping_steps")
    reading.known(SAME, NO)
    return reading.done()


def _model(reading: Reading) -> None:
    if reading.has("model_revision"):
        reading.put("model.revision", str(reading.get("model_revision")), "model_revision")
    if yes(reading.get("trust_remote_code")):
        reading.put("model.trust_remote_code", True, "trust_remote_code")
        reading.notes.append(REMOTE_CODE)
    reading.same("trust_remote_code", "remote code stays off")
    attention = reading.get("flash_attn")
    if attention is not None:
        found = {"sdpa": "sdpa", "disabled": "eager"}.get(str(attention), "auto")
        reading.put("model.attention", found, "flash_attn")
    if (liger := yes(reading.get("enable_liger_kernel"))) is not None:
        reading.put("model.liger", liger, "enable_liger_kernel")
    added = [key for key in ("new_special_tokens", "add_special_tokens", "add_tokens") if reading.has(key)]
    if added:
        tokens = [token for key in added for token in names(reading.get(key))]
        reading.put("model.new_tokens", tokens, *added)
    reading.same("resize_vocab", "the vocabulary grows where tokens are added")
    if yes(reading.get("disable_gradient_checkpointing")) is not None:
        again = not yes(reading.get("disable_gradient_checkpointing"))
        reading.put("train.gradient_checkpointing", again, "disable_gradient_checkpointing")


def _method(reading: Reading, folder: Path) -> None:
    kind = str(reading.get("finetuning_type", "lora"))
    half = yes(reading.get("bf16")) or yes(reading.get("pure_bf16"))
    bits = whole(reading.get("quantization_bit"))
    reading.same("stage", "supervised training on answers, or on running text")
    if kind == "full":
        reading.put("train.method", "full", "finetuning_type")
        reading.put("quantization.bits", 32, said="full fine-tunes keep float32 weights")
        if half:
            reading.put("quantization.compute_dtype", "bfloat16", "bf16", "pure_bf16")
        for leaf in list(reading.leaves):
            if leaf.startswith(("lora_", "loraplus_", "use_rslora", "use_dora", "pissa_", "additional_target")):
                reading.no(leaf, "there is no adapter in a full fine-tune")
        return
    if kind != "lora":
        raise ConfigError(f"finetuning_type: {kind} is not offered; Luthier has lora and full.")
    reading.put("train.method", "lora", "finetuning_type")
    if bits in (4, 8):
        reading.put("quantization.bits", bits, "quantization_bit")
        if bits == 4:
            if reading.get("quantization_type") in ("nf4", "fp4"):
                reading.put("quantization.type", reading.get("quantization_type"), "quantization_type")
            if (double := yes(reading.get("double_quantization"))) is not None:
                reading.put("quantization.double", double, "double_quantization")
        reading.no("quantization_type", "only 4 bits have a number format")
    else:
        reading.no("quantization_bit", "a base has 4, 8, 16 or 32 bits")
        reading.put("quantization.bits", 16 if half else 32, "bf16", "pure_bf16")
    method = reading.get("quantization_method")
    if method is not None and str(method) not in ("bnb", "bitsandbytes"):
        reading.no("quantization_method", "bitsandbytes quantises the base")
    _lora(reading, folder)


def _lora(reading: Reading, folder: Path) -> None:
    adapter = reading.get("adapter_name_or_path")
    dropout = number(reading.get("lora_dropout"))
    if paths := names(adapter) if adapter is not None else []:
        reading.put("lora.start_from", located(paths[0], folder), "adapter_name_or_path")
        for key in ("lora_rank", "lora_alpha", "lora_target", "use_rslora", "use_dora", "additional_target"):
            reading.no(key, "the adapter that adapter_name_or_path names decides it")
    else:
        rank = whole(reading.get("lora_rank")) or 8
        reading.put("lora.rank", rank, "lora_rank")
        alpha = number(reading.get("lora_alpha"))
        reading.put("lora.alpha", alpha if alpha is not None else rank * 2.0, "lora_alpha")
        target = reading.get("lora_target", "all")
        found = names(target)
        reading.put("lora.target_modules", "all-linear" if found == ["all"] else found, "lora_target")
        for key, to in (("use_rslora", "lora.rslora"), ("use_dora", "lora.dora")):
            if (on := yes(reading.get(key))) is not None:
                reading.put(to, on, key)
        if yes(reading.get("pissa_init")):
            reading.put("lora.init", "pissa", "pissa_init")
        reading.same("pissa_init", "adapters begin at nothing")
        if reading.has("additional_target"):
            reading.put("lora.save_modules", names(reading.get("additional_target")), "additional_target")
    if dropout is not None:
        reading.put("lora.dropout", dropout, "lora_dropout")
    ratio = number(reading.get("loraplus_lr_ratio"))
    if ratio is not None:
        reading.put("lora.plus_ratio", ratio, "loraplus_lr_ratio")


def _tokens(reading: Reading, stage: str) -> None:
    reading.put("tokens.max_length", whole(reading.get("cutoff_len")) or 2048, "cutoff_len")
    packing = yes(reading.get("packing"))
    neat = yes(reading.get("neat_packing"))
    if stage == "pt" and packing is not False:
        reading.put("tokens.packing", "wrapped", "packing")
    elif packing or neat:
        reading.put("tokens.packing", "bfd", "packing", "neat_packing", said="rows are kept apart")
    reading.same("packing", "rows are not packed")
    if stage == "pt":
        reading.put("tokens.supervise", "all", "stage")
    elif yes(reading.get("train_on_prompt")):
        reading.put("tokens.supervise", "all", "train_on_prompt")
    elif yes(reading.get("mask_history")):
        reading.put("tokens.supervise", "last", "mask_history")
    reading.same("train_on_prompt", "prompts are not trained")
    reading.same("mask_history", "every answer is trained")
    if "held_out" in reading.table.get("data", [{}])[0]:
        reading.no("val_size", "eval_dataset says which rows are held out")
        return
    size = number(reading.get("val_size"))
    reading.put("split.test_size", 0 if not size else size if size < 1 else int(size), "val_size")
