"""A process that plans a run and then trains as a worker does; prints what it planned and what it took.

python -m tests.process.planned '{"run": …, "load": …, "checkpointed": N}'
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

import torch

from engine.config.runfile import RunFile
from engine.plan.device import this_device
from engine.plan.memory import plan_memory
from engine.plan.shapes import owned
from engine.plan.trace import batch_like
from engine.plan_facts import Load
from engine.tokens.encoded import IGNORE
from engine.train.adapters import make_trainable
from engine.train.apart import settle_attention
from engine.train.device import choose_device, forget_peak, give_back, save_memory
from engine.train.layers import prepare_layers
from engine.train.loss import SupervisedLoss
from engine.train.model import load_base
from engine.train.optimizer import make_optimizer

STEPS = 2


def main() -> None:
    asked = json.loads(sys.argv[1])
    run, load = RunFile.model_validate(asked["run"]), Load(**asked["load"])
    folder, device = Path(run.model.path), choose_device()
    save_memory()
    plan = plan_memory(run, folder, load, this_device(), checkpointed=asked["checkpointed"])

    base = load_base(folder, run, device)
    loaded = _highest_mib()
    model = make_trainable(base, run)
    settle_attention(model, run, device)
    prepare_layers(model, run, device, plan.checkpointed_layers)
    kept = sum(tensor.untyped_storage().nbytes() for _, tensor in owned(model, []))
    loss, optimizer = SupervisedLoss(model, device), make_optimizer(model, run, device)
    batch = batch_like(load, run)
    vocabulary = model.config.vocab_size
    generator = torch.Generator().manual_seed(0)
    batch.ids[:] = torch.randint(0, vocabulary, batch.ids.shape, generator=generator).numpy()
    batch.labels[batch.labels != IGNORE] = batch.ids[batch.labels != IGNORE]
    model.train()
    give_back(device)
    forget_peak(device)
    gc.disable()
    for _ in range(STEPS):
        optimizer.zero_grad(set_to_none=True)
        for _ in range(run.train.grad_accumulation):
            (loss.sum(batch) / load.supervised).backward()
        optimizer.step()
    sys.stdout.write(
        json.dumps(
            {
                "planned": plan.training,
                "parts": plan.parts,
                "loading": plan.loading,
                "kept": kept,
                "took": int(_highest_mib() * (1 << 20)),
                "loaded": int(loaded * (1 << 20)),
            }
        )
    )


def _highest_mib() -> float:
    """Highest resident size since it was last forgotten."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("Linux tells VmHWM")


if __name__ == "__main__":
    main()
