"""The models and rows of the training bench, staged in a folder so that every contestant trains on the very same things.

A case is a random-weight model of a real shape, a real tokenizer and real rows. Staged are the model's folder, the rows, the
adapter to begin with, a run file for each way of batching, and the batches of each way as ids and labels: what Luthier's own
`BatchPlan` makes, and what the peers are given.

    python -m bench.train_cases NAME FOLDER --steps N
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from tests.shared import DATA

RANK, ALPHA, LEARNING_RATE = 16, 32, 1e-3
WAYS = ("packed", "padded")


@dataclass(frozen=True)
class Case:
    """A model's shape with its rows."""

    title: str
    tokenizer: str
    """As `tests.tokenizers` names it."""
    rows: Path
    template: str
    shape: dict[str, Any]
    architecture: str = "llama"
    width: int = 1024
    """Tokens of a packed sequence, one of which is a step."""
    batch: int = 8
    """Rows of a padded batch: the default of TRL and of the Trainer."""
    steps: int = 8
    warmup: int = 2
    """Steps that are not measured."""

    @property
    def missing(self) -> str:
        """What is not there, in words; "" where nothing is."""
        if not self.rows.is_file():
            return f"{self.rows} is not there"
        return ""


CASES = {
    "llama-40m": Case(
        "40 M Llama shape on Alpaca rows",
        "mistral-v1",
        DATA / "datasets" / "llama_factory" / "alpaca_en_demo.json",
        "alpaca",
        {
            "hidden_size": 512,
            "intermediate_size": 1376,
            "num_hidden_layers": 8,
            "num_attention_heads": 8,
            "num_key_value_heads": 8,
            "tie_word_embeddings": False,
        },
    ),
    "smollm2-135m": Case(
        "SmolLM2-135M's shape on gsm8k",
        "smollm2",
        DATA / "datasets" / "gsm8k" / "train.jsonl",
        "qa",
        {
            "hidden_size": 576,
            "intermediate_size": 1536,
            "num_hidden_layers": 30,
            "num_attention_heads": 9,
            "num_key_value_heads": 3,
            "tie_word_embeddings": True,
        },
        steps=5,
        warmup=1,
    ),
    "qwen2-0.5b": Case(
        "Qwen2-0.5B's shape on gsm8k",
        "qwen2",
        DATA / "datasets" / "gsm8k" / "train.jsonl",
        "qa",
        {
            "hidden_size": 896,
            "intermediate_size": 4864,
            "num_hidden_layers": 24,
            "num_attention_heads": 14,
            "num_key_value_heads": 2,
            "tie_word_embeddings": True,
            "vocab_size": 151_936,
        },
        architecture="qwen2",
        width=512,
        steps=3,
        warmup=1,
    ),
}


def stage(case: Case, folder: Path, steps: int) -> None:
    """Fill `folder` with all that a contestant needs for `steps` steps."""
    folder.mkdir(parents=True, exist_ok=True)
    _stage_model(case, folder / "model")
    _stage_adapter(folder / "model", folder / "start")
    _stage_rows(case, folder, steps)
    for way in WAYS:
        path = folder / f"{way}.toml"
        path.write_text(tomli_w.dumps(_run_file(case, folder, way, steps)))
        (folder / f"{way}.json").write_text(json.dumps(_batches(path)))


def _stage_model(case: Case, folder: Path) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from tests.tokenizers import folder_of, fresh

    tokenizer = fresh(case.tokenizer)
    shutil.copytree(folder_of(case.tokenizer), folder, dirs_exist_ok=True)
    shape = {"vocab_size": len(tokenizer), "max_position_embeddings": 2048, **case.shape}
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        case.architecture, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, **shape
    )
    AutoModelForCausalLM.from_config(config).to(torch.bfloat16).save_pretrained(folder)  # as models are published


def _stage_adapter(model: Path, folder: Path) -> None:
    """The adapter that all begin with: of the same base in the same four bits, A random and B zero."""
    import torch
    from peft import get_peft_model

    from bench.train_peers import load_quantised, lora_config

    torch.manual_seed(0)
    get_peft_model(load_quantised(model), lora_config()).save_pretrained(folder)


def _stage_rows(case: Case, folder: Path, steps: int) -> None:
    """As many rows as the steps take, and half as many again."""
    wanted = steps * case.batch * 3 // 2
    if case.rows.suffix == ".json":
        rows = json.loads(case.rows.read_text(encoding="utf-8"))[:wanted]
    else:
        rows = [json.loads(line) for line in case.rows.read_text(encoding="utf-8").splitlines()[:wanted]]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _run_file(case: Case, folder: Path, way: str, steps: int) -> dict[str, Any]:
    packed = way == "packed"
    return {
        "name": f"bench-{way}",
        "model": {"path": str(folder / "model"), "new_tokens": []},
        "data": [{"path": str(folder / "rows.jsonl"), "template": case.template}],
        "tokens": {"max_length": case.width, "packing": "bfd" if packed else "none"},
        "split": {"test_size": 0},
        "quantization": {"bits": 4, "type": "nf4", "double": True, "compute_dtype": "float32"},
        "lora": {"start_from": str(folder / "start")},
        "train": {
            "steps": steps,
            "batch_size": 1 if packed else case.batch,
            "learning_rate": LEARNING_RATE,
            "scheduler": "linear",
            "warmup": 0,
            "save_every": 1_000_000,
        },
    }


def _batches(run_file: Path) -> list[list[dict[str, Any]]]:
    """Of each step the sequences: ids, labels, and the lengths of the rows in it."""
    from engine.config.load import load
    from engine.tokens.folder import model_folder
    from engine.tokens.prepare import prepare
    from engine.tokens.tokenizer import load_tokenizer

    run = load(run_file)
    folder, config = model_folder(run.model)
    plan = prepare(run, load_tokenizer(folder), config).plan()
    out = []
    for step in range(1, plan.steps + 1):
        batch = plan.batch(step)
        lines = []
        for ids, labels, documents in zip(batch.ids, batch.labels, batch.documents, strict=True):
            used = documents > 0
            lengths = [int((documents == n).sum()) for n in range(1, int(documents.max()) + 1)]
            lines.append({"input_ids": ids[used].tolist(), "labels": labels[used].tolist(), "seq_lengths": lengths})
        out.append(lines)
    return out


def main(argv: Sequence[str] | None = None) -> None:
    """Stage a case."""
    parser = argparse.ArgumentParser(prog="bench.train_cases")
    parser.add_argument("case", choices=CASES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, required=True)
    arguments = parser.parse_args(argv)
    stage(CASES[arguments.case], arguments.folder, arguments.steps)


if __name__ == "__main__":
    main()
