"""From rows to ids, labels and provenance: our token path against the bare tokenizer, which is the least it could cost."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from bench.timing import in_turns, report
from engine.config.runfile import RunFile
from engine.tokens.folder import check_folder
from engine.tokens.prepare import RowPath, read_sources
from engine.tokens.tokenizer import load_tokenizer
from tests.shared import GSM8K, STORIES
from tests.tiny import make_model

ROWS = 2000


def main() -> None:
    """Encode the same rows with both."""
    with tempfile.TemporaryDirectory() as folder:
        model = STORIES if STORIES.is_dir() else make_model(Path(folder) / "model")
        data = GSM8K if GSM8K.is_file() else _rows(Path(folder) / "rows.jsonl")
        run = RunFile.model_validate({"model": {"path": str(model)}, "data": [{"path": str(data), "max_rows": ROWS}]})
        tokenizer = load_tokenizer(model)
        path = RowPath(run, tokenizer, check_folder(model))
        (source,) = (path.template_for(source) for source in read_sources(run))
        rows = [(source.template, conversation) for conversation in source.source.conversations]
        texts = [path.render(*row).text for row in rows]

        def ours() -> object:
            return path.encode(rows)

        def peer() -> object:
            return tokenizer(texts, return_offsets_mapping=True, verbose=False)

        report(f"{len(rows):,} rows to ids, labels, spans", *in_turns(ours, peer, 5), "tokenizer alone, with offsets")


def _rows(path: Path) -> Path:
    text = "The lamp in the harbour burns all night. " * 6
    path.write_text("".join(json.dumps({"question": f"{i}?", "answer": text}) + "\n" for i in range(ROWS)))
    return path
