"""Runs for the tests on a GPU: real workers to their end, and a model with the tiny one's tokenizer but wider."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import tomli_w

from engine.runs.events import Memory, Step
from engine.runs.journal import JournalReader
from engine.runs.paths import RunDir
from engine.runs.store import Run
from engine.train.start import start_run
from tests.tiny import SENTENCES, make_model

SECONDS = 180
"""Longest that a worker may take."""


def wide_model(folder: Path) -> Path:
    """A Llama of 6 layers, width 512 and 8,192 tokens, random weights, with the tokenizer of the tiny model."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    make_model(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=8192,
        hidden_size=512,
        intermediate_size=1408,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def wide_rows(path: Path, count: int = 96) -> Path:
    """Questions with answers of many sentences."""
    chosen = random.Random(0)
    with path.open("w") as file:
        for number in range(count):
            answer = " ".join(chosen.choices(SENTENCES, k=chosen.randint(2, 12)))
            file.write(json.dumps({"question": f"What is told of boat {number}?", "answer": answer}) + "\n")
    return path


def run_toml(path: Path, model: Path, rows: Path, **sections: Any) -> Path:
    """A run file: NF4 as a GPU takes it, packed; `sections` are laid over it."""
    table: dict[str, Any] = {
        "model": {"path": str(model), "new_tokens": []},
        "data": [{"path": str(rows)}],
        "tokens": {"max_length": 256, "packing": "bfd"},
        "split": {"test_size": 0},
        "lora": {"rank": 8, "alpha": 16.0},
        "train": {"steps": 6, "batch_size": 4, "learning_rate": 2e-3, "scheduler": "constant"},
    }
    for name, section in sections.items():
        table[name] = {**table.get(name, {}), **section}
    path.write_text(tomli_w.dumps(table))
    return path


def finished(run_file: Path, runs: Path) -> Run:
    """Start a worker and wait for its end."""
    started = start_run(run_file, runs)
    started.process.wait(SECONDS)
    return Run(started.dir).load()


def steps_of(run: RunDir) -> dict[int, Step]:
    """Step -> its last event."""
    return {event.step: event for event in JournalReader(run.journal).read_all() if isinstance(event, Step)}


def memory_of(run: RunDir) -> list[Memory]:
    """What the run said of its memory."""
    return [event for event in JournalReader(run.journal).read_all() if isinstance(event, Memory)]
