"""Every entry of a vocabulary can be found by what it stands for, how it is written, its id and its bytes."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import DataError
from engine.token_facts import PieceFact
from engine.tokens.spelling import Spelling
from engine.tokens.vocabulary import MOST, Vocabulary
from tests.shared import needs_shared
from tests.tokenizers import tokenizer_of


def everything(tokenizer: Any) -> dict[int, PieceFact]:
    """All entries, worked out one by one."""
    spelling = Spelling(tokenizer)
    found = {}
    for piece, token in tokenizer.get_vocab().items():
        data = spelling[token]
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = ""
        special = token in spelling.special
        found[token] = PieceFact(token, piece, text, "" if special else data.hex(), special, token in spelling.added)
    return found


def matching(entries: dict[int, PieceFact], pattern: str) -> list[int]:
    """Which match, looked for one by one."""
    if pattern.startswith("0x"):
        data = bytes.fromhex(pattern[2:])
        return [i for i, e in sorted(entries.items()) if data in (bytes.fromhex(e.data) or e.text.encode())]
    fold = str if pattern != pattern.lower() else str.casefold
    found = [i for i, e in sorted(entries.items()) if fold(pattern) in fold(e.text) or fold(pattern) in fold(e.piece)]
    same = [int(pattern)] if pattern.isdecimal() and int(pattern) in entries else []
    return same + [i for i in found if i not in same]


@needs_shared
@pytest.mark.parametrize("name", ["minimind", "stories260K", "mistral-v3"])
def test_a_search_finds_what_looking_at_each_entry_finds(name: str) -> None:
    tokenizer = tokenizer_of(name)
    vocabulary, entries = Vocabulary(tokenizer), everything(tokenizer)
    assert len(vocabulary) == len(entries) == len(tokenizer)
    patterns = [
        "the",
        "The",
        "é",
        "ß",
        " ",
        "\n",
        "Ġthe",
        "▁the",
        "<|",
        "<0x",
        "17",
        "1",
        "的",
        "x" * 40,
        "0xe4 bd",
        "0xC3",
    ]
    hits = 0
    for pattern in patterns:
        expected = matching(entries, pattern)
        matches, pieces = vocabulary.search(pattern, count=MOST)
        assert matches == len(expected), pattern
        assert pieces == [entries[token] for token in expected[:MOST]], pattern
        hits += bool(matches)
    assert hits > 8


@needs_shared
def test_an_id_comes_first_and_pages_follow() -> None:
    vocabulary = Vocabulary(tokenizer_of("smollm2"))
    matches, pieces = vocabulary.search("12", count=5)
    assert pieces[0].id == 12
    assert all("12" in piece.text for piece in pieces[1:])
    rest = vocabulary.search("12", start=3, count=5)[1]
    assert [p.id for p in pieces[3:]] == [p.id for p in rest[:2]]
    assert matches >= len(rest)
    size, first = vocabulary.search("", start=0, count=3)
    assert (size, [p.id for p in first]) == (len(vocabulary), [0, 1, 2])
    assert vocabulary.search("", start=size - 1, count=9)[1][0].id == size - 1
    assert vocabulary.search("", start=size)[1] == []


def test_added_tokens_and_bytes(tiny_tokenizer: Any) -> None:
    vocabulary = Vocabulary(tiny_tokenizer)
    start = vocabulary.search("<|im_start|>")[1][0]
    assert (start.special, start.added, start.data, start.text) == (True, True, "", "<|im_start|>")
    assert vocabulary.search("0x20 74")[1][0].text.startswith(" t")
    halves = vocabulary.search("0xf0")[1]
    assert halves[0].text == ""
    assert vocabulary.search("\0")[0] == 0
    assert vocabulary.search("999999999999999999999")[0] == 0
    for wrong in ("0x", "0xe", "0x e4 b"):
        with pytest.raises(DataError, match="hexadecimal"):
            vocabulary.search(wrong)
