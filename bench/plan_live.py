"""The plan that moves while one edits: how long after a change its first and its exact answer come, and how quick rows stay.

    python -m bench.plan_live [smollm2|qwen2|llama-8b ...]

A real service and its planner; models are configs only, rows grade-school questions of the shared data.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from engine.service import protocol as p
from tests.process.service import Service, service
from tests.shared import DATA

CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "smollm2": (
        "LlamaConfig",
        {
            "vocab_size": 49_152,
            "hidden_size": 576,
            "intermediate_size": 1536,
            "num_hidden_layers": 30,
            "num_attention_heads": 9,
            "num_key_value_heads": 3,
            "max_position_embeddings": 8192,
            "tie_word_embeddings": True,
        },
    ),
    "qwen2": (
        "Qwen2Config",
        {
            "vocab_size": 151_936,
            "hidden_size": 896,
            "intermediate_size": 4864,
            "num_hidden_layers": 24,
            "num_attention_heads": 14,
            "num_key_value_heads": 2,
            "max_position_embeddings": 32_768,
            "tie_word_embeddings": True,
        },
    ),
    "llama-8b": (
        "LlamaConfig",
        {
            "vocab_size": 128_256,
            "hidden_size": 4096,
            "intermediate_size": 14_336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "max_position_embeddings": 131_072,
        },
    ),
}
CHANGES: list[tuple[str, list[dict[str, Any]]]] = [
    ("learning rate", [{"train.learning_rate": rate} for rate in (1e-4, 3e-4, 5e-5)]),
    ("epochs", [{"train.epochs": float(n)} for n in (2, 3, 4)]),
    ("eval_every", [{"train.eval_every": n} for n in (50, 70, 90)]),
    ("optimizer", [{"train.optimizer": name} for name in ("adamw_8bit", "lion", "adafactor")]),
    ("rank", [{"lora.rank": n} for n in (32, 64, 8)]),
    ("targets", [{"lora.target_modules": n} for n in (["q_proj"], ["q_proj", "v_proj"])]),
    ("batch_size", [{"train.batch_size": n} for n in (4, 2, 16)]),
    ("max_length", [{"tokens.max_length": n} for n in (256, 384, 768)]),
    ("packing", [{"tokens.packing": "bfd"}]),
    ("dropout on", [{"lora.dropout": 0.05}]),
    ("quantization", [{"quantization.bits": 8}]),
]
ROWS = 20_000
PAGE_S = 0.02


def main(names: list[str]) -> None:
    """Print the times."""
    if not DATA.is_dir():
        print("plan_live: the shared datasets are not beside the checkout")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in names or list(CONFIGS):
            _model(Path(folder), name)


def _model(folder: Path, name: str) -> None:
    table = {
        "model": {"path": str(_config(folder / name, *CONFIGS[name]))},
        "data": [{"path": str(_rows(folder / "rows.jsonl"))}],
        "tokens": {"max_length": 512},
        "quantization": {"bits": 4},
    }
    with service(folder / "log") as one:
        opened = one.ask(p.Draft, p.Measured, table=table)
        source = one.ask(p.Open, p.Opened, section={"path": str(folder / "rows.jsonl")}).source
        calm = _Pages(one, source)
        time.sleep(1.0)
        calm.stop()
        busy = _Pages(one, source)
        print(f"{name}: {ROWS:,} rows; first plan {_spell(_ask(one, opened.draft, {}))}")
        for device in ("24GB", ""):
            _ask(one, opened.draft, {}, device)
            for what, changes in CHANGES:
                times = [_ask(one, opened.draft, change, device) for change in changes]
                print(f"  {device or 'CPU':4}  {what:14} {' | '.join(_spell(each) for each in times)}")
        _held_key(one, opened.draft)
        busy.stop()
        print(f"  a page of rows: {calm.told()}; while plans are made: {busy.told()}")


def _config(folder: Path, kind: str, settings: dict[str, Any]) -> Path:
    """A folder with a config and a tokenizer."""
    import shutil

    import transformers

    config = getattr(transformers, kind)(**settings)
    config.architectures = [kind.replace("Config", "ForCausalLM")]
    shutil.copytree(DATA / "tokenizers" / "smollm2", folder, dirs_exist_ok=True)
    config.save_pretrained(folder)
    return folder


def _rows(path: Path) -> Path:
    known = [json.loads(line) for line in (DATA / "datasets" / "gsm8k" / "train.jsonl").read_text().splitlines()]
    with path.open("w") as file:
        for number in range(ROWS):
            row = known[number % len(known)]
            file.write(json.dumps({"question": f"{number}. {row['question']}", "answer": row["answer"]}) + "\n")
    return path


def _ask(one: Service, draft: int, changes: dict[str, Any], device: str = "24GB") -> list[tuple[float, p.Planned]]:
    """The answers, with the seconds until each. The time of training is not measured: it would take its own time."""
    began = time.perf_counter()
    number = one.send(p.PlanDraft, draft=draft, changes=changes, device=device, timed=False)
    found: list[tuple[float, p.Planned]] = []
    while not found or not found[-1][1].final:
        answer = one.next(number, timeout=120)
        if isinstance(answer, p.Failed):
            raise SystemExit(answer.message)
        if isinstance(answer, p.Planned):
            found.append((time.perf_counter() - began, answer))
    return found


def _spell(found: list[tuple[float, p.Planned]]) -> str:
    first, exact = found[0], next((each for each in found if each[1].exact), found[-1])
    off = first[1].plan.memory.peak / exact[1].plan.memory.peak - 1
    guess = "" if first[1].exact else f" ({100 * off:+.1f} %)"
    return f"{1000 * first[0]:.0f}{guess} {1000 * exact[0]:.0f} {1000 * found[-1][0]:.0f} ms"


def _held_key(one: Service, draft: int) -> None:
    """A key that is held down: thirty changes a second, of which only the last is answered to its end."""
    numbers = []
    for rank in range(8, 68):
        numbers.append(one.send(p.PlanDraft, draft=draft, changes={"lora.rank": rank}, device="24GB", timed=False))
        time.sleep(1 / 30)
    began = time.perf_counter()
    while not isinstance(one.next(numbers[-1], timeout=60), p.Planned):
        pass
    print(
        f"  a key held for 2 s: the newest change's first plan {1000 * (time.perf_counter() - began):.0f} ms after the last"
    )


class _Pages:
    """Pages of rows, one after the other."""

    def __init__(self, one: Service, source: int) -> None:
        self._one, self._source = one, source
        self._times: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go)
        self._thread.start()

    def _go(self) -> None:
        start = 0
        while not self._stop.wait(PAGE_S):
            began = time.perf_counter()
            self._one.ask(p.Page, p.Rows, source=self._source, start=start % ROWS, count=50)
            self._times.append(time.perf_counter() - began)
            start += 50

    def stop(self) -> None:
        """No more."""
        self._stop.set()
        self._thread.join()

    def told(self) -> str:
        """The times."""
        times = sorted(1000 * each for each in self._times)
        p99 = times[min(len(times) - 1, len(times) * 99 // 100)]
        return f"p50 {statistics.median(times):.1f} ms, p99 {p99:.1f} ms, most {times[-1]:.1f} ms ({len(times)} pages)"


if __name__ == "__main__":
    main(sys.argv[1:])
