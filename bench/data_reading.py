"""Reading and converting 100 MB of JSON Lines: our line reader and formats against `datasets`."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from bench.data_files import rows_file
from engine.config.data import DataSection
from engine.data.interpret import interpret
from engine.data.open import open_table
from engine.data.rows import Row

SIZE = 100_000_000


def main() -> None:
    """Three rounds of each, in turns; the best of each counts, as the machine is shared."""
    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    import datasets

    with tempfile.TemporaryDirectory() as folder:
        for row_bytes in (500, 1200):
            path = rows_file(Path(folder) / f"{row_bytes}.jsonl", size=SIZE, row_bytes=row_bytes)
            megabytes = path.stat().st_size / 1e6
            best = {"ours": 9e9, "load_dataset": 9e9, "load_dataset + map": 9e9}
            for number in range(3):
                began = time.perf_counter()
                count = convert(path)
                best["ours"] = min(best["ours"], time.perf_counter() - began)
                cache = str(Path(folder) / f"cache-{row_bytes}-{number}")
                began = time.perf_counter()
                dataset = datasets.load_dataset("json", data_files=str(path), cache_dir=cache, split="train")
                best["load_dataset"] = min(best["load_dataset"], time.perf_counter() - began)
                mapped = dataset.map(_messages, batched=True, remove_columns=dataset.column_names)
                best["load_dataset + map"] = min(best["load_dataset + map"], time.perf_counter() - began)
                assert len(mapped) == count
            rates = ", ".join(f"{name} {megabytes / seconds:.0f} MB/s" for name, seconds in best.items())
            print(f"read and convert {megabytes:.0f} MB, {count:,} rows of {row_bytes} bytes: {rates}")


def convert(path: Path) -> int:
    """File to conversations, as training does it; returns their number."""
    section = DataSection(path=str(path))
    table = open_table(section)
    rows = [record for record in table.scan() if isinstance(record, Row)]
    converted = interpret(rows, section).convert_all(rows)
    table.close()
    return len(converted.conversations)


def _messages(batch: dict[str, list[str]]) -> dict[str, list[list[dict[str, str]]]]:
    pairs = zip(batch["question"], batch["answer"], strict=True)
    return {"messages": [[{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in pairs]}


if __name__ == "__main__":
    main()
