"""Every method beside every other: what is accepted trains and loads in plain peft, what is refused says why.

All pairs of base and adapter, and all pairs of base and optimiser.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig

from engine.config.load import load
from engine.errors import ConfigError
from engine.runs.commands import CommandReader
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.tokens.folder import model_folder
from engine.tokens.prepare import prepare
from engine.train.adapters import make_trainable, save_result
from engine.train.control import Control
from engine.train.loop import Trainer
from engine.train.loss import SupervisedLoss
from engine.train.model import load_base
from engine.train.starts import start_adapters
from tests.tiny import make_model, run_toml, write_rows

CPU = torch.device("cpu")
BASES = {
    "nf4": "bits = 4",
    "nf4-bf16": 'bits = 4\ndouble = false\ncompute_dtype = "bfloat16"',
    "fp4": 'bits = 4\ntype = "fp4"',
    "int8": "bits = 8",
    "bf16": "bits = 16",
    "fp32": "bits = 32",
    "mixed": 'bits = 32\ncompute_dtype = "bfloat16"',
}
ADAPTERS = {
    "plain": "",
    "attention": 'target_modules = "attention"\ndropout = 0.1',
    "mlp": 'target_modules = "mlp"\ninit = "gaussian"',
    "regex": "target_modules = '.*\\.(q|v)_proj'\nrslora = true\nplus_ratio = 16.0",
    "dora": "dora = true",
    "orthogonal": 'init = "orthogonal"',
    "pissa": 'init = "pissa"\nrslora = true',
    "pissa-dora": 'init = "pissa"\ndora = true',
    "olora": 'init = "olora"\nalpha = 5.0',
    "loftq": 'init = "loftq"',
    "loftq-dora": 'init = "loftq"\ndora = true',
    "eva": 'init = "eva"',
    "whole": 'save_modules = ["embed_tokens", "model.norm"]',
}
OPTIMIZERS = ("adamw", "adamw_8bit", "paged_adamw", "paged_adamw_8bit", "lion", "lion_8bit", "adafactor")
FOUR, EIGHT = ("nf4", "nf4-bf16", "fp4"), ("int8",)
REFUSED = {
    **dict.fromkeys(product(EIGHT, ("dora",)), "loses the scales of 8-bit weights"),
    **dict.fromkeys(product(FOUR, ("pissa", "pissa-dora", "olora")), "rounding what is left to 4 bits again"),
    **dict.fromkeys(product(EIGHT, ("pissa", "pissa-dora", "olora")), "rounding what is left to 8 bits again"),
    **dict.fromkeys(
        product(set(BASES) - set(FOUR), ("loftq", "loftq-dora")), "makes up for the error of 4-bit weights"
    ),
}
IDS = torch.tensor([[5, 17, 42, 7, 99, 3, 250, 12]])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of one layer, rows, and a run file of two steps."""
    folder = tmp_path_factory.mktemp("matrix")
    model = make_model(folder / "model")
    config = AutoConfig.from_pretrained(model)
    config.num_hidden_layers = 1
    torch.manual_seed(1)
    AutoModelForCausalLM.from_config(config).save_pretrained(model)
    write_rows(folder / "rows.jsonl", 12)
    return folder


@pytest.fixture(scope="module")
def data(place: Path) -> Any:
    from engine.tokens.tokenizer import load_tokenizer

    run = load(run_toml(place / "data.toml", place / "model", place / "rows.jsonl", settings("fp32", "plain", "adamw")))
    folder, config = model_folder(run.model)
    return prepare(run, load_tokenizer(folder, False), config, lambda *a: None)


def settings(base: str, adapter: str, optimizer: str) -> str:
    return (
        f'template = "alpaca"\n[split]\ntest_size = 0\n[quantization]\n{BASES[base]}\n[lora]\nrank = 4\n{ADAPTERS[adapter]}\n'
        f'[train]\nsteps = 2\nbatch_size = 4\nlearning_rate = 1e-2\noptimizer = "{optimizer}"\n'
    )


def pairs() -> list[tuple[str, str, str]]:
    """(base, adapter, optimiser): all pairs of the first two, the optimisers in turn, so that each meets each base."""
    out = []
    for b, base in enumerate(BASES):
        accepted = [adapter for adapter in ADAPTERS if (base, adapter) not in REFUSED]
        assert len(accepted) >= len(OPTIMIZERS)
        out += [(base, adapter, OPTIMIZERS[(a + b) % len(OPTIMIZERS)]) for a, adapter in enumerate(accepted)]
    return out


@pytest.mark.parametrize(("base", "adapter", "optimizer"), pairs(), ids=str)
def test_it_trains_and_loads_in_plain_peft(
    place: Path, data: Any, tmp_path: Path, base: str, adapter: str, optimizer: str
) -> None:
    run = load(
        run_toml(tmp_path / "run.toml", place / "model", place / "rows.jsonl", settings(base, adapter, optimizer))
    )
    model = make_trainable(load_base(place / "model", run, CPU), run)
    plan = data.plan()
    forward = SupervisedLoss(model, CPU).sum if run.lora.init == "eva" else None
    batches = [plan.batch(1), plan.batch(2)]
    start_adapters(model, run, place / "model", batches, forward)
    assert all(p.dtype == torch.float32 for p in model.parameters() if p.requires_grad)
    run_dir = RunDir(tmp_path)
    journal = Journal(run_dir.journal)
    trainer = Trainer(
        run, model, CPU, data, plan, journal, Control(CommandReader(run_dir.commands), journal), run_dir.checkpoints
    )
    before = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    losses = [trainer.do_step(batch).loss for batch in batches]
    journal.close()
    assert losses[0] == pytest.approx(5.78, abs=0.15)
    changed = {n for n, p in model.named_parameters() if p.requires_grad and not torch.equal(p, before[n])}
    assert changed == set(before)
    save_result(model, tmp_path / "adapter")
    ours = logits(model)
    plain = plain_base(place / "model", run)
    untouched = logits(plain)
    theirs = logits(PeftModel.from_pretrained(plain, tmp_path / "adapter"))
    error, moved = (float((ours - other).abs().max()) for other in (theirs, untouched))
    assert error <= (2e-5 if "bf16" not in base else 2e-2)
    assert error < moved / 4


def plain_base(folder: Path, run: Any) -> Any:
    """The base as anybody loads it, without a line of ours."""
    quantization = run.quantization
    bf16 = quantization.bits == 16 or (quantization.bits < 16 and quantization.compute_dtype == "bfloat16")
    dtype = torch.bfloat16 if bf16 else torch.float32
    config = None
    if quantization.bits == 4:
        config = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=quantization.type,
            bnb_4bit_use_double_quant=quantization.double,
            bnb_4bit_compute_dtype=dtype,
        )
    elif quantization.bits == 8:
        config = BitsAndBytesConfig(load_in_8bit=True)
    extra = {"quantization_config": config, "device_map": {"": "cpu"}} if config else {}
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **extra)


def logits(model: Any) -> torch.Tensor:
    """Without dropout; bitsandbytes' layers in training mode, in which they compute the same on every CPU."""
    model.eval()
    for module in model.modules():
        if type(module).__module__.startswith("bitsandbytes."):
            module.training = True
    with torch.no_grad():
        return model(input_ids=IDS).logits.float()


@pytest.mark.parametrize(("base", "adapter"), sorted(REFUSED), ids=str)
def test_what_cannot_train_is_refused_when_the_file_is_read(tmp_path: Path, base: str, adapter: str) -> None:
    path = run_toml(tmp_path / "run.toml", tmp_path, tmp_path / "rows.jsonl", settings(base, adapter, "adamw"))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert REFUSED[base, adapter] in str(caught.value)
    assert "set " in str(caught.value)
