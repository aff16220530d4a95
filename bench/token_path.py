"""From 50 MB of chat rows to ids, labels, places and findings: our token path beside the tokenizer's own batch encoding.

Everything is measured in rounds of 2.5 MB, each contender in each round and another one first each time, so that what else the
machine does falls on all of them. The ratios say how many times faster ours is. Ours renders the rows, too, as do
`apply_chat_template` and TRL; the others are given the texts. Each has a tokenizer of its own.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.chats import chats_file, need_data
from bench.token_masks import carrying
from bench.trl_peer import Preparation, dataset_of
from engine.config.runfile import RunFile
from engine.data.conversation import Conversation
from engine.templates import Template
from engine.templates.chat_rendering import turn_of
from engine.tokens.path import RowPath
from engine.tokens.prepare import lay_out, prepare
from tests.tokenizers import folder_of, fresh

SIZE, ROUND = 50_000_000, 2_500_000
BATCH = 1000
"""Rows that the tokenizer is given at once: as many as `datasets` gives it."""
CASES = (("smollm2", "tokenizer"), ("smollm2", "chatml"), ("mistral-v3", "chatml"), ("stories260K", "chatml"))
TRL_ROUNDS = 4
"""TRL takes row after row; all of it would take minutes."""
OURS, TRL = "ours", "TRL's preparation"


class Round(NamedTuple):
    """Some rows."""

    rows: list[tuple[Template, Conversation]]
    texts: list[str]
    size: int
    """Bytes of the texts."""


def main() -> None:
    """Measure, a few lines a tokenizer."""
    need_data()
    with tempfile.TemporaryDirectory() as folder:
        data = chats_file(Path(folder) / "chats.jsonl", SIZE)
        for name, template in CASES:
            _case(name, template, data)
        _whole(*CASES[0], data)


def _run(name: str, template: str, data: Path) -> RunFile:
    source = {"path": str(data), "template": template}
    return RunFile.model_validate({"model": {"path": str(folder_of(name))}, "data": [source]})


def _case(name: str, template: str, data: Path) -> None:
    laid = lay_out(_run(name, template, data), fresh(name), {})
    rounds = list(_rounds(laid.path, laid.rows))
    contenders: dict[str, Callable[[Round], object]] = {
        OURS: lambda some: sum(len(row.ids) for row in laid.path.stream(some.rows)),
        "tokenizer(texts)": partial(_its_own, carrying(name, template)),
        "apply_chat_template": partial(_from_rows, carrying(name, template)),
        "encode_batch": partial(_backend, carrying(name, template).backend_tokenizer.encode_batch),
        "encode_batch_fast": partial(_backend, carrying(name, template).backend_tokenizer.encode_batch_fast),
    }
    print(f'{name}, template "{template}", {sum(len(some.rows) for some in rounds):,} rows')
    _report(contenders, rounds)
    if template == "tokenizer":
        prepare_rows = Preparation(carrying(name, template), _messages(rounds[0])[:1], True)
        _report(
            {OURS: contenders[OURS], TRL: lambda some: prepare_rows(dataset_of(_messages(some)))}, rounds[:TRL_ROUNDS]
        )


def _rounds(path: RowPath, rows: list[tuple[Template, Conversation]]) -> Iterator[Round]:
    begin = size = 0
    texts: list[str] = []
    for number, row in enumerate(rows, 1):
        texts.append(path.render(*row).text)
        size += len(texts[-1].encode())
        if size >= ROUND or number == len(rows):
            yield Round(rows[begin:number], texts, size)
            begin, texts, size = number, [], 0


def _batches(texts: list[str]) -> Iterator[list[str]]:
    return (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))


def _its_own(tokenizer: Any, some: Round) -> int:
    return sum(
        len(ids)
        for texts in _batches(some.texts)
        for ids in tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    )


def _from_rows(tokenizer: Any, some: Round) -> int:
    rows = [row["messages"] for row in _messages(some)]
    out = [tokenizer.apply_chat_template(rows[i : i + BATCH], return_dict=True) for i in range(0, len(rows), BATCH)]
    return sum(len(ids) for batch in out for ids in batch["input_ids"])


def _backend(encode: Callable[..., list[Any]], some: Round) -> int:
    return sum(len(row) for texts in _batches(some.texts) for row in encode(texts, add_special_tokens=False))


def _messages(some: Round) -> list[dict[str, Any]]:
    return [{"messages": [turn_of(message) for message in row.messages]} for _, row in some.rows]


def _report(contenders: dict[str, Callable[[Round], object]], rounds: list[Round]) -> None:
    """Run all of them, in turns, and print the rates."""
    order = list(contenders)
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in order}
    for name in order:  # what is filled once is filled: the tables of tokens, the tokenizers' caches
        contenders[name](Round(rounds[0].rows[:200], rounds[0].texts[:200], 0))
    for number, some in enumerate(rounds):
        for name in order[number % len(order) :] + order[: number % len(order)]:
            began, busy = time.perf_counter(), time.process_time()
            contenders[name](some)
            took[name].append((time.perf_counter() - began, time.process_time() - busy))
    size = sum(some.size for some in rounds) / 1e6
    ours = np.array(took[OURS])
    for name, times in took.items():
        other = np.array(times)
        ratio, total, busy = (
            float(np.median(other[:, 0] / ours[:, 0])),
            *(other.sum(axis=0) / ours.sum(axis=0)).tolist(),
        )
        note = "" if name == OURS else f"   x {ratio:.2f} median, x {total:.2f} in all, x {busy:.2f} of processor time"
        print(f"  {name:<20} {size:5.0f} MB {size / other[:, 0].sum():7.2f} MB/s{note}", flush=True)


def _whole(name: str, template: str, data: Path) -> None:
    """The same from the file to examples, as a run does it before it starts."""
    run, tokenizer = _run(name, template, data), fresh(name)
    began = time.perf_counter()
    prepared = prepare(run, tokenizer, {})
    seconds = time.perf_counter() - began
    size = data.stat().st_size / 1e6
    kept, cut = (prepared.train.tokens + prepared.test.tokens, prepared.train.cut_tokens + prepared.test.cut_tokens)
    print(
        f"the file of {size:.0f} MB read, split, encoded and cut, as a run begins: {seconds:.1f} s, {size / seconds:.2f} MB/s"
    )
    print(f"  {kept:,} tokens kept and {cut:,} cut at max_length = {prepared.path.max_length}")


if __name__ == "__main__":
    main()
