"""Packing 50,000 rows: how long the plan takes and how full the sequences are, beside TRL's `pack_dataset` on the same lengths.

TRL plans and lays out at once, so its tokens are of one byte here: it has next to nothing to copy.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.chats import INSTRUCTIONS, TALKS, chats, need_data
from engine.tokens.packing import pack
from tests.tokenizers import fresh

ROWS = 50_000
ROUNDS = 5
Lengths = npt.NDArray[np.int64]


def main() -> None:
    """Measure, one line a distribution of lengths."""
    need_data()
    from datasets import disable_caching, disable_progress_bars

    disable_caching()
    disable_progress_bars()
    generator = np.random.default_rng(0)
    for name, lengths, capacity in (
        ("Alpaca", generator.choice(_tokens(INSTRUCTIONS[:1]), ROWS), 2048),
        ("chats", generator.choice(_tokens(TALKS), ROWS), 4096),
        ("uniform", generator.integers(1, 2048, ROWS, endpoint=True), 2048),
    ):
        _compare(name, np.minimum(lengths, capacity), capacity)


def _tokens(files: tuple[str, ...]) -> Lengths:
    """Lengths of real rows."""
    tokenizer = fresh("smollm2")
    texts = [tokenizer.apply_chat_template(row["messages"], tokenize=False) for row in chats(files)]
    return np.array([len(ids) for ids in tokenizer(texts, verbose=False)["input_ids"]], dtype=np.int64)


def _compare(name: str, lengths: Lengths, capacity: int) -> None:
    from trl import pack_dataset

    dataset = _dataset(lengths)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        bins = pack(lengths, capacity)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        packed = pack_dataset(dataset, capacity, strategy="bfd")
        theirs.append(time.perf_counter() - began)
    total = int(lengths.sum())
    fill, other = (100 * total / (count * capacity) for count in (len(bins), len(packed)))
    ms, their_ms = 1e3 * statistics.median(ours), 1e3 * statistics.median(theirs)
    print(
        f"{ROWS:,} rows ({name}, mean {total / ROWS:.0f} tokens) into {capacity:,}: {ms:.1f} ms, {fill:.2f} % full   "
        f"TRL's pack_dataset {their_ms:.0f} ms, {other:.2f} % full   x {their_ms / ms:.0f}",
        flush=True,
    )


def _dataset(lengths: Lengths) -> Any:
    import pyarrow as pa
    from datasets import Dataset

    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    tokens = pa.array(np.zeros(int(lengths.sum()), dtype=np.int8))
    return Dataset(pa.table({"input_ids": pa.ListArray.from_arrays(pa.array(ends), tokens)}))


if __name__ == "__main__":
    main()
