"""Files to measure with: made once a run, by rule, so that two runs measure the same bytes."""

from __future__ import annotations

import json
import random
from pathlib import Path

_WORDS = (
    "lamp",
    "harbour",
    "night",
    "river",
    "stone",
    "letter",
    "winter",
    "engine",
    "garden",
    "paper",
    "silver",
    "window",
)
_SIGNS = "港の灯台は一晩中燃えている。川と石と手紙。"


def rows_file(path: Path, rows: int = 0, size: int = 0, row_bytes: int = 1200) -> Path:
    """A JSON Lines file of questions and answers of about `row_bytes` each: so many rows, or so many bytes."""
    generator = random.Random(0)
    texts = [" ".join(generator.choices(_WORDS, k=row_bytes // 8)) for _ in range(9973)]
    written = number = 0
    with path.open("w", encoding="utf-8") as file:
        while number < rows or written < size:
            text = texts[number % len(texts)]
            signs = _SIGNS if number % 10 == 0 else ""
            row = {
                "question": f"{number}: {text[: row_bytes // 4]}? {signs}",
                "answer": text,
                "source": f"s{number % 7}",
            }
            written += file.write(json.dumps(row, ensure_ascii=False) + "\n")
            number += 1
    return path
