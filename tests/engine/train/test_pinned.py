"""The first losses of every method on a small real model, to four digits: what changes one of them changes what is trained.

And of the labels: no gradient comes from the prediction of a token of the prompt.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.config.load import load
from engine.runs.commands import CommandReader
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.tokens.encoded import IGNORE
from engine.tokens.folder import model_folder
from engine.tokens.prepare import prepare
from engine.tokens.tokenizer import load_tokenizer
from engine.train.adapters import causal_lm, make_trainable
from engine.train.control import Control
from engine.train.loop import Trainer
from engine.train.loss import SupervisedLoss
from engine.train.model import load_base
from engine.train.starts import start_adapters
from tests.shared import STORIES, needs_shared
from tests.tiny import run_toml

CPU = torch.device("cpu")
STORY = [
    ("Who was in the garden?", "Lily was in the garden. She saw a big red ball."),
    ("What did Tom see?", "Tom saw a little dog. The dog was sad."),
    ("Why was the bird happy?", "The bird was happy because it could fly."),
    ("What did Mom say?", 'Mom said, "Let\'s go to the park and play."'),
    ("Where did they go?", "They went home."),
    ("Who found the box?", "Ben found the box under the old tree. It was full of toys."),
]
FP32, BF16 = "[quantization]\nbits = 32\n", "[quantization]\nbits = 16\n"
METHODS: dict[str, tuple[str, tuple[float, float, float]]] = {
    "nf4": ("", (2.95453, 1.95227, 2.71588)),
    "nf4-single": ("[quantization]\ndouble = false\n", (2.9621, 1.95579, 2.72431)),
    "fp4": ('[quantization]\ntype = "fp4"\n', (3.15219, 2.05186, 2.81712)),
    "int8": ("[quantization]\nbits = 8\n", (2.81268, 1.94894, 2.60199)),
    "bf16": (BF16, (2.82424, 1.94772, 2.59044)),
    "nf4-bf16": ('[quantization]\ncompute_dtype = "bfloat16"\n', (2.96316, 1.9274, 2.63918)),
    "mixed": (FP32 + 'compute_dtype = "bfloat16"\n', (2.81708, 1.95422, 2.58951)),
    "lora": (FP32, (2.81762, 1.95168, 2.59569)),
    "rslora": (FP32 + "[lora]\nrslora = true\n", (2.81762, 1.7439, 2.39042)),
    "dora": (FP32 + "[lora]\ndora = true\n", (2.81762, 1.94799, 2.58779)),
    "dora-nf4": ("[lora]\ndora = true\n", (2.95453, 1.94877, 2.70614)),
    "dropout": (FP32 + "[lora]\ndropout = 0.1\n", (2.81762, 1.95735, 2.59989)),
    "attention": (FP32 + '[lora]\ntarget_modules = "attention"\n', (2.81762, 2.01516, 2.74061)),
    "mlp": (FP32 + '[lora]\ntarget_modules = "mlp"\n', (2.81762, 2.01905, 2.65543)),
    "plus": (FP32 + "[lora]\nplus_ratio = 2.0\n", (2.81762, 1.85892, 2.43992)),
    "gaussian": (FP32 + '[lora]\ninit = "gaussian"\n', (2.81762, 1.95413, 2.62084)),
    "orthogonal": (FP32 + '[lora]\ninit = "orthogonal"\n', (2.81763, 1.86552, 2.4025)),
    "olora": (FP32 + '[lora]\ninit = "olora"\n', (2.81763, 1.73303, 2.86757)),
    "pissa": (FP32 + '[lora]\ninit = "pissa"\n', (2.81763, 1.8093, 2.37129)),
    "loftq": ('[lora]\ninit = "loftq"\n', (2.86844, 2.01495, 2.66302)),
    "eva": (FP32 + '[lora]\ninit = "eva"\n', (2.81762, 1.81036, 2.26568)),
    "whole": (FP32 + '[lora]\nsave_modules = ["embed_tokens"]\n', (2.81763, 1.94048, 2.57281)),
    "full": (FP32 + '[train]\nmethod = "full"\n', (2.81763, 1.78129, 2.3208)),
}
pytestmark = needs_shared


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pinned") / "rows.jsonl"
    path.write_text("".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in STORY))
    return path


@pytest.fixture(scope="module")
def data(rows: Path) -> Any:
    run = load(run_toml(rows.with_name("data.toml"), STORIES, rows, settings("")))
    folder, config = model_folder(run.model)
    return prepare(run, load_tokenizer(folder, False), config, lambda *a: None)


def settings(method: str) -> str:
    """The end of a run file of three steps; `method` may open [train] itself."""
    train = 'steps = 3\nbatch_size = 2\nlearning_rate = 1e-3\nwarmup = 0\nscheduler = "constant"\nseed = 3\n'
    method = method if "[train]\n" in method else method + "[train]\n"
    return 'template = "qa"\n[tokens]\nmax_length = 64\n[split]\ntest_size = 0\n' + method + train


def trainer(tmp_path: Path, rows: Path, data: Any, method: str) -> Trainer:
    run = load(run_toml(tmp_path / "run.toml", STORIES, rows, settings(method)))
    model = make_trainable(load_base(STORIES, run, CPU), run)
    plan = data.plan()
    forward = SupervisedLoss(model, CPU).sum if run.lora.init == "eva" else None
    start_adapters(model, run, STORIES, (plan.batch(step) for step in (1, 2, 3)), forward)
    run_dir = RunDir(tmp_path)
    journal = Journal(run_dir.journal)
    control = Control(CommandReader(run_dir.commands), journal)
    return Trainer(run, model, CPU, data, plan, journal, control, run_dir.checkpoints)


@pytest.mark.parametrize("name", METHODS)
def test_the_first_losses_are_what_they_were(tmp_path: Path, rows: Path, data: Any, name: str) -> None:
    method, pinned = METHODS[name]
    made = trainer(tmp_path, rows, data, method)
    losses = [made.do_step(made.plan.batch(step)).loss for step in (1, 2, 3)]
    exact = not any(
        word in name for word in ("bf16", "mixed")
    )  # bfloat16 is summed in another order on other processors
    assert losses == pytest.approx(pinned, abs=1e-4 if exact else 5e-3)


@pytest.mark.parametrize("name", METHODS)
def test_no_gradient_comes_from_a_prompt_token(tmp_path: Path, rows: Path, data: Any, name: str) -> None:
    """Of the last hidden states, those that predict a supervised token have a gradient, and no other has."""
    made = trainer(tmp_path, rows, data, METHODS[name][0])
    seen: list[torch.Tensor] = []

    def keep(module: Any, inputs: Any, output: Any) -> None:
        output.last_hidden_state.register_hook(seen.append)

    causal_lm(made.model).get_decoder().register_forward_hook(keep)
    batch = made.plan.batch(1)
    made.model.train()
    made.loss.sum(batch).backward()
    labels = torch.from_numpy(batch.labels)
    predicts = torch.cat([labels[:, 1:] != IGNORE, torch.zeros(len(labels), 1, dtype=torch.bool)], dim=1)
    assert 0 < int(predicts.sum()) < predicts.numel()
    (gradient,) = seen
    assert torch.equal(gradient.reshape(*predicts.shape, -1).abs().sum(-1) > 0, predicts)
