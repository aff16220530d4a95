"""What the Trainer of transformers, and all that is made of it, calls the settings of a run.

LLaMA-Factory and TRL use its names as they are, Axolotl many of them; each function reads one part.
"""

from __future__ import annotations

from typing import Any

from engine.config.foreign.report import Reading
from engine.config.foreign.values import OPTIMIZERS, SCHEDULERS, every, number, run_name, whole, yes
from engine.config.form import field_of

ONE_DEVICE = "a run uses one device"
OWN_LOOP = "Luthier has its own loop and reads data in its own way"
HUB = "nothing is uploaded; the adapter lies in the run's directory"

SAME = {
    "logging_steps": "every step is journaled",
    "logging_first_step": "every step is journaled",
    "logging_strategy": "every step is journaled",
    "logging_dir": "the journal lies in the run's directory",
    "logging_nan_inf_filter": "a loss that is not a number stops the run",
    "include_num_input_tokens_seen": "tokens are counted at every step",
    "include_tokens_per_second": "tokens are counted at every step",
    "plot_loss": "Monitor draws it; `luthier chart` writes a picture",
    "output_dir": "each run gets a directory of its own; --runs-dir says where",
    "overwrite_output_dir": "each run gets a new directory",
    "do_train": "a run trains",
    "do_eval": "a run evaluates where rows are held out",
    "save_safetensors": "safetensors only",
    "save_only_model": "checkpoints hold all that a resume needs",
    "per_device_eval_batch_size": "evaluation takes batches that fit into memory",
    "eval_batch_size": "evaluation takes batches that fit into memory",
    "eval_accumulation_steps": "evaluation keeps no logits",
    "prediction_loss_only": "evaluation keeps no logits",
    "average_tokens_across_devices": "a loss is divided by all supervised tokens of its step",
    "gradient_checkpointing_kwargs": "layers are computed again without reentrant autograd",
    "activation_checkpointing": "layers are computed again where the memory asks for it",
    "dataloader_num_workers": "rows are tokenized before the run",
    "dataloader_pin_memory": "rows are tokenized before the run",
    "dataloader_prefetch_factor": "rows are tokenized before the run",
    "dataloader_persistent_workers": "rows are tokenized before the run",
    "preprocessing_num_workers": "tokenizing uses all cores",
    "dataset_num_proc": "tokenizing uses all cores",
    "dataset_processes": "tokenizing uses all cores",
    "preprocessing_batch_size": "tokenizing uses all cores",
    "remove_unused_columns": "columns that a format does not read are not read",
    "use_cache": "training keeps no cache of keys and values",
    "disable_tqdm": "progress is journaled",
    "log_level": "`luthier watch` and Monitor tell what is journaled",
    "tf32": "torch's setting for float32 is left as it is",
    "overwrite_cache": "rows are read anew for each run",
    "skip_memory_metrics": "memory is measured at every step",
    "ignore_data_skip": "a resumed run goes on at the very row",
    "full_determinism": "a run is deterministic by train.seed on a CPU",
}
NO = {
    "dataloader_drop_last": "the last batch of an epoch is trained, too",
    "deepspeed": ONE_DEVICE,
    "fsdp": ONE_DEVICE,
    "fsdp_config": ONE_DEVICE,
    "ddp": ONE_DEVICE,
    "ddp_timeout": ONE_DEVICE,
    "ddp_backend": ONE_DEVICE,
    "ddp_find_unused_parameters": ONE_DEVICE,
    "ddp_bucket_cap_mb": ONE_DEVICE,
    "local_rank": ONE_DEVICE,
    "parallelism_config": ONE_DEVICE,
    "accelerator_config": ONE_DEVICE,
    "push_to_hub": HUB,
    "hub_model_id": HUB,
    "hub_strategy": HUB,
    "hub_private_repo": HUB,
    "hub_token": HUB,
    "optim_args": "the optimisers take no more arguments",
    "optim_target_modules": "the optimisers that need it are not there",
    "adam_epsilon": "AdamW's epsilon is 1e-8",
    "label_smoothing_factor": "the loss is plain cross-entropy",
    "fp16": "float16 is not offered; bfloat16 has the range of float32",
    "data_seed": "train.seed is the seed of the order, too",
    "auto_find_batch_size": "the micro-batch is halved by itself where memory runs out, at the same global batch",
    "torch_compile_backend": "train.compile takes torch's usual backend",
    "torch_compile_mode": "train.compile takes torch's usual mode",
    "torch_empty_cache_steps": OWN_LOOP,
    "eval_delay": "evaluation begins at eval_every",
    "eval_on_start": "the first evaluation is at eval_every",
    "resume_from_checkpoint": "`luthier resume RUN` goes on from a run's own checkpoint; those of others cannot be resumed",
    "metric_for_best_model": "the best is that of the lowest evaluation loss",
    "greater_is_better": "the best is that of the lowest evaluation loss",
    "length_column_name": "lengths are counted",
    "lr_scheduler_kwargs": "the schedule takes no more arguments",
    "liger_kernel_config": "model.liger takes all of Liger's kernels that fit",
    "do_predict": "`luthier eval` is for that",
    "predict_with_generate": "the loss is measured, and samples are answered",
    "use_cpu": "the device is chosen when a run is started",
}


def read_length(reading: Reading, default_epochs: float | None) -> None:
    """Epochs or steps."""
    steps = whole(reading.get("max_steps"))
    epochs_key = "num_epochs" if reading.has("num_epochs") else "num_train_epochs"
    epochs = number(reading.get(epochs_key))
    if steps is not None and steps > 0:
        reading.put("train.steps", steps, "max_steps")
        reading.no(epochs_key, "max_steps says how long the run is")
        return
    reading.same("max_steps", "the run is as long as its epochs")
    if epochs is not None:
        reading.put("train.epochs", epochs, epochs_key)
    elif default_epochs is not None:
        reading.put("train.epochs", default_epochs)


def read_batch(reading: Reading, micro: str, default: int | None) -> None:
    """Micro-batch and accumulation."""
    size, times = whole(reading.get(micro)), whole(reading.get("gradient_accumulation_steps"))
    if size is not None:
        reading.put("train.batch_size", size, micro)
    elif default is not None:
        reading.put("train.batch_size", default)
    if times is not None:
        reading.put("train.grad_accumulation", times, "gradient_accumulation_steps")


def read_rate(reading: Reading, schedule_key: str, rate: float | None, schedule: str) -> None:
    """Learning rate, its course, and the warmup."""
    given = number(reading.get("learning_rate"))
    if given is not None:
        reading.put("train.learning_rate", given, "learning_rate")
    elif rate is not None:
        reading.put("train.learning_rate", rate)
    name = str(reading.get(schedule_key, schedule))
    found = SCHEDULERS.get(name)
    if found is None:
        reading.no(schedule_key, f"there is no such schedule; {schedule} stands in its place")
        found = SCHEDULERS[schedule]
        reading.put("train.scheduler", found)
    else:
        reading.put("train.scheduler", found, schedule_key)
    _read_floor(reading, found)
    _read_warmup(reading, name)


def _read_floor(reading: Reading, scheduler: str) -> None:
    rate = reading.table.get("train", {}).get("learning_rate")
    least, key = number(reading.get("lr_scheduler_kwargs.min_lr")), "lr_scheduler_kwargs.min_lr"
    share = number(reading.get("lr_scheduler_kwargs.min_lr_rate"))
    if share is not None and rate:
        least, key = share * rate, "lr_scheduler_kwargs.min_lr_rate"
    ratio = number(reading.get("cosine_min_lr_ratio"))
    if ratio is not None and rate:
        least, key = ratio * rate, "cosine_min_lr_ratio"
    if least is not None:
        reading.put("train.min_learning_rate", least, key)
    decay = number(reading.get("lr_scheduler_kwargs.num_decay_steps"))
    if decay is not None and scheduler == "wsd":
        reading.put("train.decay", int(decay), "lr_scheduler_kwargs.num_decay_steps")


def _read_warmup(reading: Reading, schedule: str) -> None:
    steps, ratio = number(reading.get("warmup_steps")), number(reading.get("warmup_ratio"))
    if schedule == "constant" and reading.tool != "Axolotl":
        for key in ("warmup_steps", "warmup_ratio"):
            reading.no(key, "the Trainer's constant schedule has no warmup")
        reading.put("train.warmup", 0, "lr_scheduler_type")
    elif steps:
        reading.put("train.warmup", int(steps) if steps >= 1 else steps, "warmup_steps")
        reading.no("warmup_ratio", "warmup_steps says it")
    elif ratio is not None:
        reading.put("train.warmup", ratio, "warmup_ratio")
        reading.same("warmup_steps", "warmup_ratio says it")
    elif steps is not None:
        reading.put("train.warmup", 0, "warmup_steps")
    elif reading.tool != "Axolotl":
        reading.put("train.warmup", 0)


def read_optimizer(reading: Reading, key: str) -> None:
    """The optimiser and what it is told."""
    if reading.has(key):
        name = str(reading.get(key)).lower().removeprefix("optimizernames.")
        found = OPTIMIZERS.get(name)
        if found is None:
            reading.no(key, "there is no such optimiser; adamw stands in its place")
        else:
            paged = name.startswith("paged_lion")
            reading.put("train.optimizer", found, key, said="not paged" if paged else "")
    decay = number(reading.get("weight_decay"))
    if decay is not None:
        reading.put("train.weight_decay", decay, "weight_decay", said="norms and biases have none")
    first, second = number(reading.get("adam_beta1")), number(reading.get("adam_beta2"))
    if first is not None or second is not None:
        betas = [first if first is not None else 0.9, second if second is not None else 0.999]
        reading.put("train.betas", betas, "adam_beta1", "adam_beta2")
    if number(reading.get("adam_epsilon")) == 1e-8:
        reading.same("adam_epsilon", "AdamW's epsilon is 1e-8")
    clip = number(reading.get("max_grad_norm"))
    if clip is not None:
        reading.put("train.clip", clip, "max_grad_norm")


def read_loop(reading: Reading) -> None:
    """Seed, memory, noise, evaluation, checkpoints, names."""
    for key, to in (("seed", "train.seed"), ("save_total_limit", "train.keep"), ("data_seed", "split.seed")):
        value = whole(reading.get(key))
        if value is not None and value > (0 if to == "train.keep" else -1):
            reading.put(to, value, key)
    for key, to in (("torch_compile", "train.compile"), ("use_liger_kernel", "model.liger")):
        if (on := yes(reading.get(key))) is not None:
            reading.put(to, on, key)
    for key in ("neftune_noise_alpha", "noisy_embedding_alpha"):
        if (noise := number(reading.get(key))) is not None:
            reading.put("train.neftune_alpha", noise, key)
    read_checkpointing(reading, "gradient_checkpointing")
    if yes(reading.get("group_by_length")) is not None or reading.get("train_sampling_strategy") == "group_by_length":
        grouped = yes(reading.get("group_by_length")) is not False
        reading.put("tokens.group_by_length", grouped, "group_by_length", "train_sampling_strategy")
    if reading.get("train_sampling_strategy") == "sequential":
        reading.put("train.shuffle", False, "train_sampling_strategy")
    reading.same("train_sampling_strategy", "rows come in a new random order each epoch")
    if yes(reading.get("load_best_model_at_end")):
        reading.put("train.result", "best", "load_best_model_at_end")
    reading.same("load_best_model_at_end", "the last weights are the result")
    if reading.has("run_name") and (name := run_name(reading.get("run_name"))):
        reading.put("name", name, "run_name")
    reading.no("run_name", "it cannot be the name of a run: letters, digits, dot, dash and underscore")
    read_report(reading)


def read_checkpointing(reading: Reading, key: str) -> None:
    """Computing layers again."""
    value = reading.get(key)
    if (on := yes(value)) is not None:
        reading.put("train.gradient_checkpointing", on, key)
    elif value is not None:
        reading.put("train.gradient_checkpointing", True, key, said="kept on the device")


def read_every(reading: Reading) -> None:
    """How often it is evaluated and saved, as a Trainer says it."""
    epochs = reading.table.get("train", {}).get("epochs")
    for strategy, steps, to in (
        ("eval_strategy", "eval_steps", "train.eval_every"),
        ("save_strategy", "save_steps", "train.save_every"),
    ):
        old = "evaluation_strategy" if strategy == "eval_strategy" else ""
        name = old if old and reading.has(old) else strategy
        how = str(reading.get(name, "")).lower().rpartition(".")[2]
        if how == "epoch":
            reading.put(to, "1 epoch", name)
            reading.no(steps, f"{name} is epoch")
        elif how == "no":
            last = "evaluated" if steps == "eval_steps" else "saved"
            reading.no(
                name,
                f"the last step is always {last}" + ("; split.test_size = 0 turns it off" * (steps == "eval_steps")),
            )
            reading.no(steps, f"{name} is no")
        else:
            found = every(reading.get(steps), epochs)
            if found is not None:
                reading.put(to, found, steps, name)
            reading.same(name, "steps is how it is counted")
            reading.no(steps, "it cannot be read as steps")


def read_report(reading: Reading) -> None:
    """Trackers."""
    if not reading.has("report_to"):
        return
    value = reading.get("report_to")
    asked = [str(item) for item in value] if isinstance(value, list) else [str(value)]
    found = field_of("track.tensorboard")
    if "tensorboard" in asked and found is not None and found.kind == "bool":
        reading.put("track.tensorboard", True, "report_to")
    elif set(asked) <= {"none", "tensorboard", "[]"} and "tensorboard" not in asked:
        reading.same("report_to", "nothing is sent anywhere")
    else:
        reading.no("report_to", "nothing is sent anywhere; Monitor and Compare draw the journal")


def text_list(value: Any) -> list[str]:
    """A list of texts, one text as a list of one."""
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
