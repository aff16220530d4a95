"""A small tokenizer, run files, and the way to have one open on the Tokens screen with the real service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.tui.conftest import until
from tests.tui.datafiles import Make, boats
from tui.app import LuthierApp
from tui.screens.tokens import Tokens
from tui.tokens.model import Draft

WORDS = (
    *("ĠWhat", "Ġdoes", "Ġboat", "Ġcarry", "ĠBoat", "Ġcarries", "Ġsalt", "Ġrope", "Ġtea", "Ġglass", "Ġiron", "Ġand"),
    *("Ġmore", "What", "Boat", "###", "ĠQuestion", "ĠAnswer", "user", "assistant", "system", "ĠThe", "Ġlamp", "Ġkeep"),
)


def tokenizer_folder(folder: Path) -> Path:
    """A byte-level tokenizer that knows a few words and two control tokens; no weights beside it."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {char: number for number, char in enumerate(alphabet)}
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        for end in range(2, len(word) + 1):
            if word[:end] not in vocabulary:
                vocabulary[word[:end]] = len(vocabulary)
                merges.append((word[: end - 1], word[end - 1]))
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|end|>", special=True), AddedToken("<|start|>", special=True)])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    said = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>", "model_max_length": 2048}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    return folder


def run_file(path: Path, data: Path, test_size: int = 10, **tokens: Any) -> Path:
    """A run file with one source, and a tokenizer beside it."""
    folder = path.parent / "model"
    if not folder.exists():
        tokenizer_folder(folder)
    keys = "\n".join(f"{key} = {json.dumps(value)}" for key, value in {"max_length": 64, **tokens}.items())
    text = (
        f'# what is tried\n[model]\npath = "model"\n\n[tokens]\n{keys}\n\n[[data]]\npath = "{data.name}"\ntemplate = "qa"\n\n'
        f"[split]\ntest_size = {test_size}\n\n[train]\nbatch_size = 4\nepochs = 1\n"
    )
    path.write_text(text)
    return path


def boats_run(tmp_path: Path, count: int = 60, **tokens: Any) -> Path:
    """Questions about boats, and a run file for them."""
    return run_file(tmp_path / "boats.toml", boats(tmp_path / "boats.jsonl", count), **tokens)


def rows_run(tmp_path: Path, rows: list[tuple[str, str]], **tokens: Any) -> Path:
    """Questions and answers of one's own, and a run file for them."""
    data = tmp_path / "rows.jsonl"
    data.write_text(
        "".join(json.dumps({"question": q, "answer": a}, ensure_ascii=False) + "\n" for q, a in rows), encoding="utf-8"
    )
    return run_file(tmp_path / "rows.toml", data, 1, **tokens)


def screen_of(pilot: Pilot[object]) -> Tokens:
    """The Tokens screen."""
    frame = pilot.app.frame  # type: ignore[attr-defined]
    assert isinstance(frame, Tokens)
    return frame


def draft_of(pilot: Pilot[object]) -> Draft:
    """The draft that is looked at."""
    draft = pilot.app.drafts.current  # type: ignore[attr-defined]
    assert draft is not None
    return draft  # type: ignore[no-any-return]


async def settled(pilot: Pilot[object]) -> None:
    """The draft is open, measured for its changes, and its row and batch are here."""
    draft = draft_of(pilot)

    def done() -> bool:
        if draft.state == "failed":
            return True
        measured = draft.measured is not None and draft.measured.complete and draft.measuring is None
        return draft.state == "open" and not draft.stale and measured and _there(draft)

    await until(pilot, done)
    await pilot.pause(0.05)


def _there(draft: Draft) -> bool:
    row = draft.shown is not None or not draft.count or bool(draft.row_error)
    return row and (draft.batch.found is not None or bool(draft.batch.error))


@asynccontextmanager
async def tokens_of(app: LuthierApp, path: Path, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Pilot[object]]:
    """The app on the Tokens screen with a run file open."""
    async with app.run_test(size=size, notifications=True) as pilot:
        app.open_run_file(path)
        await pilot.pause()
        await settled(pilot)
        yield pilot


__all__ = [
    "Make",
    "boats_run",
    "draft_of",
    "rows_run",
    "run_file",
    "screen_of",
    "settled",
    "tokenizer_folder",
    "tokens_of",
]
