"""What is trained, beside TRL: the labels of the same rows from our path and from the preparation of TRL's SFTTrainer.

Both get the same 1,000 rows and the same tokenizer, and TRL's own code runs. Exits 1 where a row differs. One difference is
meant: the first token of a sequence is never trained here.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.chats import TALKS, chats, need_data
from bench.trl_peer import prepared
from engine.config.data import DataSection
from engine.config.runfile import RunFile
from engine.templates import make
from engine.tokens.encoded import IGNORE
from engine.tokens.new_tokens import add_tokens
from engine.tokens.prepare import lay_out
from tests.shared import GSM8K
from tests.tokenizers import folder_of, fresh

ROWS = 1000
SHOWN = 8
"""Tokens on either side of a difference."""
Labelled = tuple[list[int], list[int]]
"""Ids and labels of a row."""
COMPLETIONS = ("smollm2", "gpt2", "qwen2", "mistral-v3", "stories260K")
ANSWERS = (
    ("smollm2", "tokenizer"),
    ("smollm2", "chatml"),
    ("gpt2", "chatml"),
    ("mistral-v3", "mistral"),
    ("phi2", "llama3"),
)


def main() -> None:
    """Compare, one line a case."""
    need_data()
    with GSM8K.open(encoding="utf-8") as file:
        pairs = [json.loads(next(file)) for _ in range(ROWS)]
    pairs = [{"prompt": row["question"] + "\n", "completion": row["answer"]} for row in pairs]
    talks = chats(TALKS)[:ROWS]
    with tempfile.TemporaryDirectory() as folder:
        equal = [_completion_only(name, pairs, Path(folder)) for name in COMPLETIONS]
        equal += [_assistant_only(name, template, talks, Path(folder)) for name, template in ANSWERS]
    sys.exit(0 if all(equal) else 1)


def _completion_only(name: str, rows: list[dict[str, Any]], work: Path) -> bool:
    ours = _ours(name, "plain", rows, work)
    return _report(f"completion-only, {name}, prompt and completion", ours, _theirs(fresh(name), rows, False))


def _assistant_only(name: str, template: str, rows: list[dict[str, Any]], work: Path) -> bool:
    ours, theirs = _ours(name, template, rows, work), _theirs(carrying(name, template), rows, True)
    return _report(f'assistant-only, {name}, template "{template}"', ours, theirs)


def _ours(name: str, template: str, rows: list[dict[str, Any]], work: Path) -> list[Labelled]:
    """The labels of a run with these rows, before anything is cut."""
    data = work / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    source = {"path": str(data), "template": template}
    laid = lay_out(RunFile.model_validate({"model": {"path": str(folder_of(name))}, "data": [source]}), fresh(name), {})
    return [(row.ids.tolist(), row.labels.tolist()) for row in laid.path.stream(laid.rows)]


def _theirs(tokenizer: Any, rows: list[dict[str, Any]], assistant_only: bool) -> list[Labelled]:
    return [(row["input_ids"], row["labels"]) for row in prepared(tokenizer, rows, assistant_only)]


def carrying(name: str, template: str) -> Any:
    """A tokenizer with the tokens and the chat template that a run with this template leaves behind; answers are marked."""
    tokenizer = fresh(name)
    made = make(template, tokenizer, DataSection(path="-"))
    add_tokens(tokenizer, made.markers, made.end)
    jinja = str(make(template, tokenizer, DataSection(path="-")).jinja)
    tokenizer.chat_template = _with_marks(jinja) if template == "tokenizer" else jinja
    return tokenizer


def _with_marks(jinja: str) -> str:
    """SmolLM2's own template with marks: we find its answers without, TRL does not."""
    text = "message['content'] + '<|im_end|>'"
    plain = f" + '\n' + {text} + '\n'}}}}"
    if plain not in jinja:
        sys.exit("This is not the chat template of SmolLM2 that is known here.")
    answer = "{% generation %}{{ " + text + " }}{% endgeneration %}"
    other = "{{ " + text + " }}"
    marked = "{% if message['role'] == 'assistant' %}" + answer + "{% else %}" + other + "{% endif %}"
    return jinja.replace(plain, " + '\n' }}" + marked + "{{ '\n' }}")


def _report(case: str, ours: list[Labelled], theirs: list[Labelled]) -> bool:
    alike = [a[0] == b[0] and a[1][1:] == b[1][1:] for a, b in zip(ours, theirs, strict=True)]
    trained = sum(int((np.array(labels) != IGNORE).sum()) for _, labels in ours)
    print(f"{case:<56} {sum(alike):,} of {len(alike):,} rows equal ({trained:,} tokens trained)", flush=True)
    if not all(alike):
        row = alike.index(False)
        both = list(zip(*ours[row], strict=True)), list(zip(*theirs[row], strict=True))
        at = next((i for i, (a, b) in enumerate(zip(*both, strict=False)) if a != b and i), min(map(len, both)))
        for side, tokens in zip(("ours", "theirs"), both, strict=True):
            print(
                f"  row {row + 1}, token {at + 1}, {side:<6} {tokens[max(0, at - SHOWN) : at + SHOWN]}", file=sys.stderr
            )
    return all(alike)


if __name__ == "__main__":
    main()
