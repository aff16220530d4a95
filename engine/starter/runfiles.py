"""The two run files of the starter, written as a person would write them: only what differs from the defaults."""

from __future__ import annotations

from typing import Any

import tomli_w

from engine.starter.recipe import Recipe

_HEAD = "# Written by `luthier demo`, anew each time it is told. Copy it before you change it.\n"


def base_toml(recipe: Recipe, sample: str) -> str:
    """The run file of the base: every weight from scratch on the corpus. `sample` is the opening of a statement."""
    return _toml(
        f"# Reads the corpus from scratch. Try it: luthier train base.toml\n{_HEAD}",
        {
            "name": "demo-base",
            "model": {"path": "seed-model"},
            "data": [{"path": "corpus.jsonl", "format": "text"}],
            "tokens": {"max_length": recipe.max_length, "packing": "bfd"},
            "split": {"test_size": 96},
            "quantization": {"bits": 32},
            "train": {
                "method": "full",
                "steps": recipe.base_steps,
                "batch_size": recipe.base_batch,
                "learning_rate": recipe.base_rate,
                "warmup": 0.1,
                "weight_decay": 0.01,
                "seed": recipe.seed,
                "eval_every": max(1, recipe.base_steps // 4),
                "save_every": max(1, recipe.base_steps // 2),
            },
            "eval": {"samples": [sample], "sample_tokens": 12},
        },
    )


def tune_toml(recipe: Recipe, sample: str) -> str:
    """The run file of the tuning: QLoRA on questions. `sample` is a question of the exam, to watch it being learned."""
    return _toml(
        f"# QLoRA on questions about half of the islands. Try it: luthier train tune.toml\n{_HEAD}",
        {
            "name": "demo-tune",
            "model": {"path": "base"},
            "data": [{"path": "tuning.jsonl", "format": "question_answer", "template": "qa"}],
            "tokens": {"max_length": recipe.max_length, "packing": "none"},
            "split": {"test_size": 0.05},
            "quantization": {"bits": 4, "type": "nf4", "double": True},
            "lora": {"rank": recipe.rank, "alpha": float(recipe.alpha), "target_modules": "all-linear"},
            "train": {
                "method": "lora",
                "steps": recipe.tune_steps,
                "batch_size": recipe.tune_batch,
                "learning_rate": recipe.tune_rate,
                "warmup": 0.05,
                "seed": recipe.seed,
                "eval_every": max(1, recipe.tune_steps // 3),
                "save_every": max(1, recipe.tune_steps // 2),
            },
            "eval": {"samples": [sample], "sample_tokens": 24},
        },
    )


def _toml(head: str, table: dict[str, Any]) -> str:
    """The table with its sources as [[data]], which tomli_w would write inline."""
    sections = {key: value for key, value in table.items() if isinstance(value, dict)}
    name = tomli_w.dumps({"name": table["name"]})
    sources = [f"[[data]]\n{tomli_w.dumps(source)}" for source in table["data"]]
    return "\n".join([head + "\n" + name, *sources, tomli_w.dumps(sections)])
