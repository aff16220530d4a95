"""Where tokens stand: what they spell is compared with the text, and what a normaliser changed is asked for."""

from __future__ import annotations

from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tokens.locate import Locator
from engine.tokens.spelled import SpelledTokens
from engine.tokens.spelling import Spelling
from engine.tokens.tokenizer import load_tokenizer
from tests.tiny import make_model


class Spelled(dict[int, bytes]):
    """A vocabulary of which only the bytes are known."""

    added: dict[int, str] = {}
    special: frozenset[int] = frozenset()

    def whole(self, token: int) -> bool:
        return True


PIECES = st.lists(st.binary(max_size=30), min_size=1, max_size=20)


@given(PIECES, st.data())
def test_each_byte_of_each_token_is_compared(pieces: list[bytes], data: st.DataObject) -> None:
    spelled = SpelledTokens(Spelled(enumerate(pieces)))  # type: ignore[arg-type]
    ids = np.array(data.draw(st.lists(st.integers(0, len(pieces) - 1), max_size=30)), dtype=np.int32)
    text = b"".join(pieces[token] for token in ids)
    table = spelled.of(ids)
    sizes = table.sizes[ids]
    starts = np.cumsum(sizes) - sizes
    assert sizes.tolist() == [len(pieces[token]) for token in ids]
    assert table.standing(ids, sizes, starts, text).all()
    if text:
        at = data.draw(st.integers(0, len(text) - 1))
        changed = bytearray(text)
        changed[at] ^= 1 << data.draw(st.integers(0, 7))
        ends = list(accumulate(sizes.tolist()))
        holder = next(i for i, end in enumerate(ends) if end > at)
        assert np.flatnonzero(~table.standing(ids, sizes, starts, bytes(changed))).tolist() == [holder]


@given(st.lists(PIECES, min_size=2, max_size=4))
def test_tables_grow_and_keep_what_they_knew(vocabularies: list[list[bytes]]) -> None:
    pieces = [piece for some in vocabularies for piece in some]
    spelled = SpelledTokens(Spelled(enumerate(pieces)))  # type: ignore[arg-type]
    begin = 0
    for some in vocabularies:
        ids = np.arange(begin, begin + len(some), dtype=np.int32)[::-1].copy()
        spelled.of(ids)
        begin += len(some)
    ids = np.arange(len(pieces), dtype=np.int32)
    table = spelled.of(ids)
    sizes = table.sizes[ids]
    assert table.standing(ids, sizes, np.cumsum(sizes) - sizes, b"".join(pieces)).all()


@pytest.fixture(scope="module")
def composing(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tokenizer that joins letters and accents, and puts a BOS before every text."""
    from tokenizers import Tokenizer, normalizers

    folder: Path = make_model(tmp_path_factory.mktemp("composing") / "model")
    backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.normalizer = normalizers.NFC()
    backend.save(str(folder / "tokenizer.json"))
    return load_tokenizer(folder)


def spans(tokenizer: Any, texts: list[str]) -> list[list[tuple[int, int]]]:
    found = Locator(tokenizer, Spelling(tokenizer)).locate(texts)
    both = list(zip(found.starts.tolist(), found.ends.tolist(), strict=True))
    bounds = [0, *accumulate(found.counts.tolist())]
    return [both[begin:end] for begin, end in pairwise(bounds)]


@pytest.mark.parametrize(("text", "character"), [("e\u0301", 2), ("\u1112\u1161\u11ab", 3)])
def test_what_is_joined_stands_together(composing: Any, text: str, character: int) -> None:
    """An accent belongs to the letter before it, and the letters of a Korean syllable belong together."""
    (alone,) = spans(composing, [text])
    assert {end for _, end in alone} == {character}
    before, behind = spans(composing, ["x", f"x{text}y"])
    assert before == [(0, 1)]
    assert behind[0] == (0, 1)
    assert behind[-1] == (1 + character, 2 + character)
    assert {end for _, end in behind[1:-1]} == {1 + character}


def test_texts_that_have_to_be_asked_for_stand_among_others(composing: Any) -> None:
    texts = ["The lamp", "e\u0301 salt", "", "rope e\u0301", "The keeper"]
    found = spans(composing, texts)
    for text, places in zip(texts, found, strict=True):
        assert places == spans(composing, [text])[0]
        assert [end for _, end in places][-1:] == ([len(text)] if text else [])


def test_a_text_without_tokens_has_none(composing: Any) -> None:
    assert spans(composing, ["", ""]) == [[], []]
    assert spans(composing, []) == []
