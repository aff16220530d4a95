"""Rows laid out for a test: written to a file, and read as a run reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.config.runfile import RunFile
from engine.tokens.prepare import Laid, lay_out
from engine.tokens.tokenizer import load_tokenizer


def run_of(model: Path, file: Path, template: str = "auto", **tables: Any) -> RunFile:
    """A run file of one source, nothing held out."""
    source = {"path": str(file), "template": template, **tables.pop("data", {})}
    return RunFile.model_validate(
        {"model": {"path": str(model)}, "data": [source], "split": {"test_size": 0}, **tables}
    )


def lay(
    model: Path, tmp_path: Path, rows: Sequence[Any], template: str = "auto", tokenizer: Any = None, **tables: Any
) -> Laid:
    """Rows of a JSON Lines file, laid out with the tokenizer of a folder, or with one that somebody holds."""
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return lay_out(run_of(model, file, template, **tables), tokenizer or load_tokenizer(model), {})


def asked(question: str, answer: str) -> dict[str, str]:
    """A row with a question and an answer."""
    return {"question": question, "answer": answer}


def talk(*turns: tuple[str, str] | tuple[str, str, float]) -> dict[str, Any]:
    """A row with turns of a role and a text, perhaps with a weight."""
    keys = ("role", "content", "weight")
    return {"messages": [dict(zip(keys, turn, strict=False)) for turn in turns]}
