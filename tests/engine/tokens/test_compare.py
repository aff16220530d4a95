"""Two tokenizers are counted on the same texts, language by language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.data.conversation import Conversation, Message
from engine.tokens.compare import Comparison, chunks, language_of, said_in
from engine.tokens.resplit import Splitter
from tests.shared import needs_shared
from tests.tokenizers import NORMALISING, tokenizer_of

ENGLISH = "The keeper of the harbour lamp carries salt and rope to the island every night."
CHINESE = "看守人每天晚上都把盐和绳子带到岛上，港口的灯整夜都亮着，没有人知道他是谁。"
RUSSIAN = "Смотритель маяка каждую ночь несёт на остров соль и верёвку, и никто не знает зачем."


@pytest.mark.parametrize(
    ("text", "language"),
    [(ENGLISH, "English"), (CHINESE, "Chinese"), (RUSSIAN, "Russian"), ("salt", "unsure"), ("", "unsure")],
)
def test_languages(text: str, language: str) -> None:
    assert language_of(text) == language


@needs_shared
def test_each_language_is_counted_by_both() -> None:
    ours, other = tokenizer_of("smollm2"), tokenizer_of("qwen2")
    comparison = Comparison(ours, other)
    comparison.add([ENGLISH, CHINESE, ""])
    comparison.add([CHINESE, RUSSIAN])
    facts = {fact.language: fact for fact in comparison.languages}
    assert list(facts) == ["Chinese", "English", "Russian"]
    assert comparison.rows == 4
    assert facts["Chinese"].rows == 2
    assert facts["Chinese"].characters == 2 * len(CHINESE)
    assert facts["Chinese"].bytes == 2 * len(CHINESE.encode())
    for text, language in ((ENGLISH, "English"), (RUSSIAN, "Russian")):
        assert facts[language].tokens == len(ours(text, add_special_tokens=False)["input_ids"])
        assert facts[language].other_tokens == len(other(text, add_special_tokens=False)["input_ids"])
    assert facts["Chinese"].other_tokens < facts["Chinese"].tokens


def test_what_is_said_in_a_row() -> None:
    turns = (Message("user", "Who?", "messages[0]"), Message("assistant", "I.", "messages[1]"))
    assert said_in(Conversation("a:1", turns)) == "Who?\nI."
    assert said_in(Conversation("a:1", (), {"text": "salt", "number": 3})) == "salt"
    assert [list(some) for some in chunks(list(range(70)))] == [
        list(range(32)),
        list(range(32, 64)),
        list(range(64, 70)),
    ]


@needs_shared
@pytest.mark.parametrize("name", ["smollm2", "gpt2", "qwen2", "mistral-v3", "open_llama", "stories260K"])
@pytest.mark.parametrize("text", [ENGLISH, CHINESE, "👩‍👩‍👧 and 🙂", "a\tb\n\n  c", " lead", "<s> in a text"])
def test_a_text_is_split_as_the_tokenizer_does(name: str, text: str) -> None:
    tokenizer = tokenizer_of(name)
    tokens, total = Splitter(tokenizer).split(text, 1000)
    ids = tokenizer(text)["input_ids"]
    assert ([token.id for token in tokens], total) == (ids, len(ids))
    inner = [token for token in tokens if token.end > token.start]
    if name not in NORMALISING:
        assert {c for token in inner for c in range(token.start, token.end)} == set(range(len(text)))
    bare, count = Splitter(tokenizer).split(text, 3, added=False)
    assert [token.id for token in bare] == tokenizer(text, add_special_tokens=False)["input_ids"][:3]
    assert count >= len(bare)


def test_tokens_around_a_text_stand_for_nothing(tiny_tokenizer: Any, tmp_path: Path) -> None:
    tokens, total = Splitter(tiny_tokenizer).split("lamp", 10)
    assert (tokens[0].piece, tokens[0].start, tokens[0].end, tokens[0].special) == ("<s>", 0, 0, True)
    assert tokens[0].data == ""
    assert total == len(tokens)
    assert Splitter(tiny_tokenizer).split("", 10) == (tokens[:1], 1)
    assert Splitter(tiny_tokenizer).split("", 10, added=False) == ([], 0)
