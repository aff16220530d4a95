"""ChatML on a model that never saw it: trained in a real worker, read back by plain transformers and peft."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from engine.runs.paths import RunDir
from tests.process.cli import luthier
from tests.shared import STORIES, needs_shared
from tests.tiny import run_toml

pytestmark = needs_shared

NAMES = ("Tim", "Lily", "Ben", "Anna", "Sue", "Max", "Mia", "Tom")
THINGS = ("ball", "cat", "dog")
QUESTIONS = [f"{name} sees a {thing}." for name in NAMES for thing in THINGS]
ANSWERS = [f"{name} is happy." for name in NAMES for _ in THINGS]
START, END = "<|im_start|>", "<|im_end|>"
LONGEST = 24

SETTINGS = """template = "chatml"
[split]
test_size = 0
[lora]
rank = 16
alpha = 32
[train]
steps = 80
batch_size = 8
learning_rate = 1e-2
scheduler = "linear"
save_every = 80
"""

PLAIN = """
import json, sys
import torch
from peft import AutoPeftModelForCausalLM, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

adapter, base, questions, longest = json.loads(sys.argv[1])
tokenizer = AutoTokenizer.from_pretrained(adapter)
four_bit = BitsAndBytesConfig(
    load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.float32
)

def answers(model):
    model.train()  # no dropout here; in evaluation mode bitsandbytes repacks 4-bit weights and fails at this model's widths
    for question in questions:
        turns = [{"role": "user", "content": question}]
        inputs = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        prompt = inputs["input_ids"]
        out = model.generate(**inputs, do_sample=False, max_new_tokens=longest, eos_token_id=tokenizer.eos_token_id)
        yield prompt[0].tolist(), out[0, prompt.shape[1]:].tolist()

by_hand = AutoModelForCausalLM.from_pretrained(base, quantization_config=four_bit)
by_hand.resize_token_embeddings(len(tokenizer))
by_hand = PeftModel.from_pretrained(by_hand, adapter)
by_itself = AutoPeftModelForCausalLM.from_pretrained(adapter, quantization_config=four_bit)
assert "engine" not in sys.modules
print(json.dumps([list(answers(by_hand)), list(answers(by_itself))]))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    folder = tmp_path_factory.mktemp("chatml")
    rows = [{"question": q, "answer": a} for q, a in zip(QUESTIONS, ANSWERS, strict=True)]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    run_file = run_toml(folder / "chatml.toml", STORIES, folder / "rows.jsonl", SETTINGS)
    done = luthier("train", str(run_file), "--json", runs=folder / "runs")
    assert done.returncode == 0, done.stderr
    return RunDir(next((folder / "runs").iterdir()))


@pytest.fixture(scope="module")
def ours(trained: RunDir) -> dict[str, Any]:
    """Prompts, answers before and after training (without an end to stop at), by the engine."""
    import torch

    from engine.config.load import load
    from engine.evaluate.generate import greedy
    from engine.tokens.folder import check_folder
    from engine.tokens.prepare import prepare
    from engine.tokens.tokenizer import load_tokenizer
    from engine.train.adapters import load_weights, make_trainable
    from engine.train.embeddings import make_rows
    from engine.train.model import load_base

    run = load(trained.config)
    tokenizer = load_tokenizer(STORIES)
    data = prepare(run, tokenizer, check_folder(STORIES))
    assert data.path.new_tokens is not None
    base = load_base(STORIES, run, torch.device("cpu"))
    model = make_trainable(base, run, make_rows(base, data.path.new_tokens))
    prompts = [data.path.prompt_ids(data.sources[0].template, question) for question in QUESTIONS]

    def answers() -> list[list[int]]:
        return greedy(model, prompts, LONGEST, frozenset(), data.path.padding)

    before = answers()
    load_weights(model, trained.adapter)
    return {"tokenizer": tokenizer, "prompts": prompts, "before": before, "after": answers()}


def test_answers_end_with_the_new_token(ours: dict[str, Any]) -> None:
    tokenizer = ours["tokenizer"]
    end = tokenizer.convert_tokens_to_ids(END)
    assert (end, tokenizer.eos_token_id) == (513, 513)
    assert not any(end in answer for answer in ours["before"])
    told = [tokenizer.decode(answer[: answer.index(end) + 1]) for answer in ours["after"]]
    assert [text.strip() for text in told] == [answer + END for answer in ANSWERS]


def test_the_adapter_holds_only_the_new_rows(trained: RunDir) -> None:
    from safetensors.torch import load_file

    tensors = load_file(trained.adapter / "adapter_model.safetensors")
    rows = {name: tuple(tensor.shape) for name, tensor in tensors.items() if "lora_" not in name}
    assert rows == {"base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta": (2, 64)}
    assert all(16 in tensor.shape for name, tensor in tensors.items() if name not in rows)
    config = json.loads((trained.adapter / "adapter_config.json").read_text())
    assert config["trainable_token_indices"] == {"model.embed_tokens": [512, 513]}
    assert config["modules_to_save"] is None


def test_plain_transformers_and_peft_give_the_same(trained: RunDir, ours: dict[str, Any]) -> None:
    arguments = json.dumps([str(trained.adapter), str(STORIES), QUESTIONS, LONGEST])
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    end = ours["tokenizer"].convert_tokens_to_ids(END)
    expected = [
        [prompt, answer[: answer.index(end) + 1]] for prompt, answer in zip(ours["prompts"], ours["after"], strict=True)
    ]
    by_hand, by_itself = json.loads(done.stdout.splitlines()[-1])
    assert by_hand == expected
    assert by_itself == expected


def test_the_journal_tells_what_was_added(trained: RunDir) -> None:
    events = [json.loads(line) for line in trained.journal.read_text().splitlines()]
    logs = [event["message"] for event in events if event["type"] == "log"]
    assert any(f"{START} (512), {END} (513)" in message for message in logs)
    assert any(f"end-of-sequence token is {END}" in message for message in logs)
    (model,) = [event for event in events if event["type"] == "model"]
    assert model["adapter"] == "rank 16, alpha 32, 2 new tokens"
