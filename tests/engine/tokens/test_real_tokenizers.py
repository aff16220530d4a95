"""Real tokenizers of every kind, on random conversations in many scripts and on every real dataset beside the checkout."""

from __future__ import annotations

import functools
from dataclasses import replace
from itertools import accumulate, chain
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.config.data import DataSection
from engine.config.runfile import RunFile
from engine.data.conversation import Conversation, Message, Role
from engine.data.source import Source, read_source
from engine.templates import Template, make
from engine.templates.chatml import ChatML
from engine.templates.llama3 import Llama3
from engine.tokens.encoded import IGNORE, Encoded
from engine.tokens.examples import Examples
from engine.tokens.new_tokens import add_tokens
from engine.tokens.path import RowPath
from tests.engine.data.test_shared_datasets import expected, files
from tests.engine.tokens.checked import Checker
from tests.shared import DATA, needs_shared
from tests.tokenizers import NAMES, folder_of, fresh, tokenizer_of

pytestmark = needs_shared

WORDS = (
    *("The lamp", "naïve café", "Who?", "x", "0.5", "def f():", "    return 1", "don't", "ﬁne ½ ①"),
    *("Привет, мир", "Ёлка", "你好，世界", "漢字とかな", "한국어", "مرحبا بالعالم", "שלום", "नमस्ते दुनिया", "ภาษาไทย"),
    *("🙂", "👩‍👩‍👧", "🏳️‍🌈", "e\u0301", "a\u0308\u0323", "\u0301", "\u200d", "\ufeff", "\u3000", "\u00a0"),
    *(" ", "  ", "     ", "\n", "\n\n", "\t", "\r\n", "\v", "\x00", "\x1b[0m", "\x7f", "\u2028", "\ufffd", "▁", "Ġ"),
    *("</s>", "<s>", "<unk>", "<|im_end|>", "<|im_start|>user\n", "<|endoftext|>", "[/INST]", "<0x0A>", "<|eot_id|>"),
)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=6).map("".join)
ROWS, CHARACTERS = 60, 16_000
"""Of each dataset."""
SECTION = DataSection(path="d.jsonl")
PAIRS, TURNS = ("qa", "alpaca", "plain"), ("chatml", "llama3", "mistral", "tokenizer")


def talk(texts: list[str]) -> Conversation:
    """Questions and answers in turn."""
    roles: tuple[Role, Role] = ("user", "assistant")
    turns = [Message(roles[i % 2], text, f"messages[{i}]") for i, text in enumerate(texts)]
    return Conversation("d:1", tuple(turns))


def path_of(tokenizer: Any, name: str) -> RowPath:
    run = RunFile.model_validate({"model": {"path": str(folder_of(name))}, "data": [{"path": "d.jsonl"}]})
    return RowPath(run, tokenizer, {})


@functools.cache
def ways(name: str) -> list[tuple[RowPath, Checker, dict[str, Template]]]:
    """The templates on a tokenizer as it is, and those with markers on one to which these were added."""
    bare, marked = tokenizer_of(name), fresh(name)
    add_tokens(marked, [*ChatML(marked).markers, *Llama3(marked).markers], None)
    out = []
    for tokenizer, names in ((bare, (*PAIRS, *TURNS)), (marked, ("chatml", "llama3"))):
        templates = {n: make(n, tokenizer, SECTION) for n in names if n != "tokenizer" or tokenizer.chat_template}
        out.append((path_of(tokenizer, name), Checker(name, tokenizer), templates))
    return out


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXTS, min_size=2, max_size=4).filter(lambda texts: len(texts) % 2 == 0))
def test_random_conversations(name: str, texts: list[str]) -> None:
    for path, checker, templates in ways(name):
        rows = [(t, talk(texts if n in TURNS else texts[:2])) for n, t in templates.items()]
        checker.all(path.whole(rows))


@functools.cache
def datasets() -> dict[str, Source]:
    """The first rows of every dataset that has rows of text to train on. Of the many files of T0 it is a row of each."""
    found: dict[str, Source] = {}
    one_each: list[Conversation] = []
    for file, _ in files():
        if expected(file) in ("", "token_ids"):
            continue
        of_t0 = file.startswith("datasets/t0_")
        section = DataSection(path=str(DATA / file), held_out="draw", max_rows=1 if of_t0 else ROWS)
        source = read_source(section)
        found["t0" if of_t0 else file] = replace(source, conversations=first_of(source.conversations))
        if of_t0:
            one_each += source.conversations
    found["t0"] = replace(found["t0"], conversations=one_each)
    return found


def first_of(conversations: list[Conversation]) -> list[Conversation]:
    sizes = accumulate(sum(len(message.content) for message in c.messages) for c in conversations)
    return [
        c for number, (c, size) in enumerate(zip(conversations, sizes, strict=True)) if not number or size < CHARACTERS
    ]


def run_with(name: str, truncation: str) -> RunFile:
    tokens = {"max_length": 64, "truncation": truncation}
    return RunFile.model_validate(
        {"model": {"path": str(folder_of(name))}, "data": [{"path": "d.jsonl"}], "tokens": tokens}
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_dataset(name: str) -> None:
    tokenizer = fresh(name)
    path = RowPath(run_with(name, "right"), tokenizer, {})
    sources = path.templates_for(list(datasets().values()))
    rows = [[(item.template, c) for c in item.source.conversations] for item in sources]
    whole = list(path.stream(chain.from_iterable(rows), 100))
    checker = Checker(name, tokenizer)
    at = 0
    for file, some in zip(datasets(), rows, strict=True):
        before = checker.answers
        checker.all(whole[at : at + len(some)])
        at += len(some)
        assert checker.answers > before or datasets()[file].format == "text" or name == "chinese_llama", file
    for truncation in ("right", "left", "drop", "split"):
        cut_everywhere(path.under(run_with(name, truncation)), whole)


def cut_everywhere(path: RowPath, whole: list[Encoded]) -> None:
    """Tokens in are tokens kept, cut or left out, and what is kept is what it was."""
    parts = [(i, 0, part) for i, row in enumerate(whole) for part in path.encoder.cut(row)]
    examples = Examples(parts)
    assert examples.seen == len(whole)
    assert sum(len(row.ids) for row in whole) == examples.tokens + examples.cut_tokens + examples.left_out_tokens
    for i, _, part in parts:
        assert len(part.ids) <= 64
        kept = len(part.ids) - (part.stop - part.start)  # a BOS that stays where the beginning is cut
        assert kept in (0, 1)
        assert np.array_equal(part.ids[kept:], whole[i].ids[part.start : part.stop])
        assert np.array_equal(part.labels[max(kept, 1) :], whole[i].labels[part.start : part.stop][1 - kept :])
        assert np.array_equal(part.ids[:kept], whole[i].ids[:kept])
        assert (part.labels[:1] == IGNORE).all()
