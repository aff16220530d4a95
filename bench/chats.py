"""Real conversations to measure with, from the data beside the checkout: English and Chinese, of one turn and of many."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.config.data import DataSection
from engine.data.source import read_source
from tests.shared import DATA

TALKS = ("oasst/en_100_tree.jsonl", "medicalgpt/sharegpt_zh_1K_format.jsonl")
INSTRUCTIONS = (
    "llama_factory/alpaca_en_demo.json",
    "llama_factory/alpaca_zh_demo.json",
    "gsm8k/train.jsonl",
    "lamini/lamini_docs.jsonl",
    "medicalgpt/medical_sft_1K_format.jsonl",
)


def need_data() -> None:
    """Ends the program where the data are not there."""
    if not DATA.is_dir():
        sys.exit("This needs the folder of shared test data beside the checkout.")


def chats(files: Sequence[str], most: int = 1500) -> list[dict[str, Any]]:
    """Rows of the form {"messages": [{"role", "content"}]}, at most so many of each file."""
    rows = []
    for file in files:
        source = read_source(DataSection(path=str(DATA / "datasets" / file), held_out="draw"))
        for conversation in source.conversations[:most]:
            rows.append({"messages": [{"role": m.role, "content": m.content} for m in conversation.messages]})
    return rows


def chats_file(path: Path, size: int) -> Path:
    """A JSON Lines file of at least so many bytes: all of these rows, shuffled, again and again."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in chats((*TALKS, *INSTRUCTIONS))]
    generator = random.Random(0)
    written = 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            generator.shuffle(lines)
            for line in lines:
                file.write(line)
                written += len(line.encode())
                if written >= size:
                    break
    return path
