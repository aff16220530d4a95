"""A peer in a process of its own: TRL's SFTTrainer, padded or packed, or the Trainer of transformers with peft.

What must be equal is set (rows and their order, batch size, NF4 with double quantisation, float32, the first adapter, fused
AdamW, learning rate); all else is the peer's default. TRL rounds the adapters of a quantised model to bfloat16; here they are
given back in float32, so that all multiply in one type.

    python -m bench.train_peers CONTESTANT CASE_FOLDER OUT.json SOCKET
"""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from bench.train_cases import ALPHA, LEARNING_RATE, RANK
from bench.turns import Turn

PEERS = ("trl", "trl-packed", "trainer")


def load_quantised(folder: Path) -> Any:
    """The base model, NF4 with double quantisation, computing in float32."""
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float32,
    )
    return AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=config, dtype=torch.float32, device_map={"": "cpu"}
    )


def lora_config() -> Any:
    """The adapter that all train."""
    from peft import LoraConfig

    return LoraConfig(
        r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules="all-linear", bias="none", task_type="CAUSAL_LM"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Train, and write what each step took."""
    parser = argparse.ArgumentParser(prog="bench.train_peers")
    parser.add_argument("contestant", choices=PEERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("turn", help="where turns are asked for")
    arguments = parser.parse_args(argv)
    packed = arguments.contestant == "trl-packed"
    steps = json.loads((arguments.folder / f"{'packed' if packed else 'padded'}.json").read_text())
    libraries_gib = _libraries(arguments.contestant)
    trainer = _trainer(arguments.contestant, arguments.folder, steps)
    begin_with(trainer.model, arguments.folder / "start")
    found = _watched(trainer, steps, Turn(arguments.turn))
    if packed:
        found["mixing"] = _mixing(trainer)
    arguments.out.write_text(json.dumps({"libraries_gib": libraries_gib, **found}))


def _libraries(contestant: str) -> float:
    """Import everything; return the resident memory after it, in GiB."""
    for name in (
        "bitsandbytes",
        "peft",
        "transformers.trainer",
        *(["trl.trainer.sft_trainer"] * (contestant != "trainer")),
    ):
        importlib.import_module(name)
    from datasets import disable_progress_bars
    from transformers.utils import logging

    warnings.simplefilter("ignore")
    disable_progress_bars()
    logging.set_verbosity_error()
    return float(psutil.Process().memory_info().rss / (1 << 30))


def _trainer(contestant: str, folder: Path, steps: list[list[dict[str, Any]]]) -> Any:
    from datasets import Dataset
    from peft import get_peft_model
    from transformers import AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = load_quantised(folder / "model")
    sequences = [line for step in steps for line in step]
    equal: dict[str, Any] = {
        "output_dir": tempfile.mkdtemp(prefix="luthier-bench-"),
        "per_device_train_batch_size": len(steps[0]),
        "max_steps": len(steps),
        "train_sampling_strategy": "sequential",
        "learning_rate": LEARNING_RATE,
        "lr_scheduler_type": "linear",
        "optim": "adamw_torch_fused",
        "bf16": False,
        "use_cpu": True,
        "seed": 0,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }
    if contestant == "trainer":
        rows = [{key: line[key] for key in ("input_ids", "labels")} for line in sequences]
        return Trainer(
            get_peft_model(model, lora_config()),
            TrainingArguments(**equal),
            train_dataset=Dataset.from_list(rows),
            data_collator=DataCollatorForSeq2Seq(tokenizer),
        )
    from trl import SFTConfig, SFTTrainer

    packed = contestant == "trl-packed"
    keep = ("input_ids", "labels", "seq_lengths") if packed else ("input_ids", "labels")
    rows = [{key: line[key] for key in keep} for line in sequences]
    if packed:  # laid out already, as its own `pack_dataset` writes it, so that the same rows meet in the same steps
        equal |= {"packing": True, "dataset_kwargs": {"skip_prepare_dataset": True}}
    return SFTTrainer(
        model,
        SFTConfig(**equal, max_length=max(len(line["input_ids"]) for line in sequences)),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=lora_config(),
    )


def begin_with(model: Any, folder: Path) -> None:
    """Give a peft model the weights of a saved adapter, in float32."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    set_peft_model_state_dict(model, load_file(folder / "adapter_model.safetensors"))


def _mixing(trainer: Any) -> float:
    """How much the last row of a packed sequence sees of the rows before it: the change of its output against the row alone.

    A share of the output's norm; 0 where rows are kept apart.
    """
    import torch

    ids = list(range(5, 29))
    alone = [{"input_ids": ids[16:], "labels": ids[16:], "seq_lengths": [8]}]
    behind = [{"input_ids": ids, "labels": ids, "seq_lengths": [9, 7, 8]}]
    decoder = trainer.model.get_base_model().get_decoder()
    with torch.no_grad():
        outputs = []
        for rows in (alone, behind):
            inputs = {key: value for key, value in trainer.data_collator(rows).items() if key != "labels"}
            outputs.append(decoder(**inputs, use_cache=False).last_hidden_state[0, -8:])
    return float((outputs[1] - outputs[0]).norm() / outputs[0].norm())


def _watched(trainer: Any, steps: list[list[dict[str, Any]]], turn: Turn) -> dict[str, Any]:
    """Train, a step at each turn; return what was logged, and what the batches were."""
    from transformers import TrainerCallback

    logged: list[dict[str, float]] = []

    class Watch(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            turn.wait()

        def on_log(self, *_: Any, logs: dict[str, float], **__: Any) -> None:
            if "loss" in logs:  # the log of a step is the last that is done in it
                logged.append(logs)
                if len(logged) < len(steps):
                    turn.wait()
                else:
                    turn.leave()

    trainer.add_callback(Watch())
    trainer.train()
    return {
        "loss": [float(entry["loss"]) for entry in logged],
        "grad_norm": [float(entry["grad_norm"]) for entry in logged],
        "tokens": [sum(len(line["input_ids"]) for line in step) for step in steps],
        "supervised": [sum(x != -100 for line in step for x in line["labels"]) for step in steps],
    }


if __name__ == "__main__":
    main()
