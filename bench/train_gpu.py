"""QLoRA on a GPU at the shape of Llama 3.1 8B, without a checkpoint: random weights, quantised on the device layer by layer.

Trains rank 16 on every linear layer, packed rows of 16k tokens a micro-step, with the pieces of Luthier's loop; then the plain
Trainer of transformers with peft and bitsandbytes on the same rows. Tokens are those without padding. The ceiling is the rate
of a large matrix product, measured beside it; the share counts the products of a step without recomputation (forward and
backward through frozen weights: 4 operations a weight and token, 6 a weight of an adapter, and causal attention).

    python -m bench.train_gpu [--shape llama-8b|tiny] [--device cuda|cpu] [--steps N] [--without-peer]
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from bench.gpu_shapes import RANK, SHAPES, Rows, Shape, ceiling, operations, random_model, wait
from engine.config.runfile import RunFile
from engine.tokens.collate import Batch, Padding, collate
from engine.tokens.packing import pack
from engine.train.adapters import make_trainable
from engine.train.apart import settle_attention
from engine.train.device import peak_gib
from engine.train.layers import layers_of, prepare_layers
from engine.train.loss import SupervisedLoss
from engine.train.optimizer import make_optimizer

WARMUP = 2
"""Steps that are not measured."""


def run_file(shape: Shape, dtype: torch.dtype, checkpointing: bool, compiled: bool) -> RunFile:
    """The settings that Luthier's pieces read."""
    return RunFile.model_validate(
        {
            "model": {"path": "random"},
            "data": [{"path": "random.jsonl"}],
            "tokens": {"max_length": shape.width, "packing": "bfd"},
            "quantization": {"compute_dtype": str(dtype).removeprefix("torch.")},
            "lora": {"rank": RANK, "alpha": 2.0 * RANK},
            "train": {
                "batch_size": shape.sequences,
                "gradient_checkpointing": checkpointing,
                "compile": compiled,
                "learning_rate": 1e-4,
            },
        }
    )


def ours(shape: Shape, device: torch.device, dtype: torch.dtype, asked: argparse.Namespace) -> list[list[int]]:
    """Train with Luthier's pieces; print; return the rows of each step."""
    run = run_file(shape, dtype, asked.checkpointing, asked.compile)
    rows = Rows(shape, asked.steps)
    lines = [[(i, 0, rows.sizes[i]) for i in line] for line in pack(rows.sizes, shape.width)]
    random.Random(0).shuffle(lines)
    groups = [lines[n * shape.sequences : (n + 1) * shape.sequences] for n in range(asked.steps)]
    batches = [collate(rows, group, Padding(0)) for group in groups]  # type: ignore[arg-type]
    model = make_trainable(random_model(shape, device, dtype), run)
    attention = settle_attention(model, run, device)
    prepare_layers(model, run, device, len(layers_of(model)) if asked.checkpointing else 0)
    model.train()
    fill = sum(rows.sizes) / len(lines) / shape.width
    print(f"Luthier: attention {attention}, {len(lines)} packed sequences {100 * fill:.1f} % full")
    loss, optimizer = SupervisedLoss(model, device), make_optimizer(model, run, device)
    weights = [p for p in model.parameters() if p.requires_grad]
    predicted = plan_gib(shape, run, batches, device)

    def step(batch: Batch) -> float:
        optimizer.zero_grad(set_to_none=True)
        total = loss.sum(batch) / batch.supervised_tokens
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        return float(total.detach())

    seconds, losses = [], []
    _reset_peak(device)
    for batch in batches:
        began = time.perf_counter()
        losses.append(step(batch))
        wait(device)
        seconds.append(time.perf_counter() - began)
    steps = [[index for line in group for index, _, _ in line] for group in groups]
    sizes = [[rows.sizes[index] for index in step] for step in steps]
    _report("Luthier", shape, asked, sizes, seconds, losses, peak_gib(device), predicted)
    return steps


def plan_gib(shape: Shape, run: RunFile, batches: Sequence[Batch], device: torch.device) -> float:
    """Peak of a training step as the plan predicts it, in GiB."""
    from engine.plan.device import this_device
    from engine.plan.loads import load_of
    from engine.plan.memory import plan_memory

    load = max((load_of(batch) for batch in batches), key=lambda load: (load.rows * load.width, load.supervised))
    with tempfile.TemporaryDirectory() as folder:
        config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", **shape.config}
        Path(folder, "config.json").write_text(json.dumps(config))
        return plan_memory(run, Path(folder), load, this_device()).training / (1 << 30)


def peer(
    shape: Shape, device: torch.device, dtype: torch.dtype, asked: argparse.Namespace, steps: list[list[int]]
) -> None:
    """Train the same rows, padded, with the Trainer of transformers; print. Its micro-batches hold `peer_rows` rows."""
    from peft import LoraConfig, get_peft_model
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    rows = Rows(shape, asked.steps)
    per_step = shape.peer_rows * max(1, min(map(len, steps)) // shape.peer_rows)
    order = [index for step in steps for index in step[:per_step]]
    data = [rows.ids(index).tolist() for index in order]
    config = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM")
    torch.manual_seed(0)
    model = get_peft_model(random_model(shape, device, dtype), config)
    ends: list[float] = []
    losses: list[float] = []

    class Watch(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            wait(device)
            ends.append(time.perf_counter())

        on_step_end = on_train_begin

        def on_log(self, *_: Any, logs: dict[str, float], **__: Any) -> None:
            losses.extend(value for key, value in logs.items() if key == "loss")

    def collated(items: list[list[int]]) -> dict[str, torch.Tensor]:
        width = max(map(len, items))
        ids = torch.tensor([item + [0] * (width - len(item)) for item in items])
        mask = torch.tensor([[1] * len(item) + [0] * (width - len(item)) for item in items])
        return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(mask == 0, -100)}

    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=shape.peer_rows,
            gradient_accumulation_steps=per_step // shape.peer_rows,
            max_steps=len(steps),
            train_sampling_strategy="sequential",
            learning_rate=1e-4,
            bf16=dtype == torch.bfloat16,
            use_cpu=device.type == "cpu",
            gradient_checkpointing=asked.checkpointing,
            remove_unused_columns=False,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = Trainer(model, settings, train_dataset=data, data_collator=collated, callbacks=[Watch()])
        trainer.remove_callback(PrinterCallback)
        _reset_peak(device)
        try:
            trainer.train()
        except torch.OutOfMemoryError as error:
            print(f"transformers Trainer + peft: out of memory at {shape.peer_rows} rows a micro-batch: {error}")
            return
    sizes = [[rows.sizes[index] for index in step[:per_step]] for step in steps]
    seconds = [end - begin for begin, end in zip(ends, ends[1:], strict=False)]  # noqa: RUF007
    _report("transformers Trainer + peft", shape, asked, sizes, seconds, losses, peak_gib(device), None)


def _report(
    name: str,
    shape: Shape,
    asked: argparse.Namespace,
    sizes: list[list[int]],
    seconds: list[float],
    losses: list[float],
    peak: float,
    predicted: float | None,
) -> None:
    kept = list(zip(sizes, seconds, strict=True))[WARMUP:]
    speed = statistics.median(sum(step) / taken for step, taken in kept)
    rate = statistics.median(operations(shape, step) / taken for step, taken in kept)
    plan = (
        ""
        if predicted is None
        else f" (the plan says {predicted:.2f}: measured is {100 * peak / predicted:.0f} % of it)"
    )
    print(
        f"{name}: {speed:,.0f} tokens/s, {rate / 1e12:.3g} TFLOP/s, {100 * rate / asked.ceiling:.1f} % of the ceiling; peak "
        f"{peak:.2f} GiB{plan}; loss {losses[0]:.3f} … {losses[-1]:.3f}; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def _reset_peak(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(prog="bench.train_gpu")
    parser.add_argument("--shape", choices=SHAPES, default="llama-8b")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--checkpointing", action="store_true", help="compute all layers again in the backward pass")
    parser.add_argument("--compile", action="store_true", help="compile each layer")
    parser.add_argument("--without-peer", action="store_true")
    asked = parser.parse_args(argv)
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("There is no CUDA device here. `--shape tiny --device cpu` runs the same code on the processor.")
        return 1
    device = torch.device(asked.device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    shape = SHAPES[asked.shape]
    where = torch.cuda.get_device_name(0) if device.type == "cuda" else f"CPU, {os.cpu_count()} cores"
    asked.ceiling = ceiling(shape.product, device, dtype)
    print(f"{asked.shape} on {where}, torch {torch.__version__}, {dtype}: a product of {shape.product:,} by "
          f"{shape.product:,} reaches {asked.ceiling / 1e12:.3g} TFLOP/s")  # fmt: skip
    began = time.perf_counter()
    steps = ours(shape, device, dtype, asked)
    print(f"({time.perf_counter() - began:.0f} s in all)")
    if not asked.without_peer:
        _reset_peak(device)
        peer(shape, device, dtype, asked, steps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
