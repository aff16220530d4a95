"""What must hold of every tokenized row, said with the tokenizer alone: which ids, where they stand, which are trained."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.templates.base import Rendered
from engine.tokens.encoded import IGNORE, Encoded
from tests.tokenizers import NORMALISING, OPENING_WORDS

ENDS = ("<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|end_of_text|>", "<|endoftext|>")
Given = tuple[list[int], list[tuple[int, int]]]
"""What the tokenizer gives for a text: ids, and the characters that it says they stand for."""


class Checker:
    """Holds rows to what a tokenizer, called `name`, gives by itself."""

    def __init__(self, name: str, tokenizer: Any) -> None:
        self.name, self.tokenizer = name, tokenizer
        vocabulary = tokenizer.get_added_vocab()
        self.added = set(vocabulary.values())
        self.ends = {tokenizer.eos_token_id} | {vocabulary[end] for end in ENDS if end in vocabulary}
        specials = sorted((re.escape(str(t)) for t in tokenizer.added_tokens_decoder.values()), key=len, reverse=True)
        self._behind_special = re.compile(f"({'|'.join(specials)}) +")
        self.answers = 0
        """Answers that were decoded and compared."""

    def given(self, rows: Sequence[Rendered]) -> list[Given]:
        """What the tokenizer makes of the texts of rows."""
        found: dict[int, Given] = {}
        for with_special in (False, True):
            some = [i for i, row in enumerate(rows) if row.add_special_tokens is with_special]
            if some:
                texts = [rows[i].text for i in some]
                out = self.tokenizer(
                    texts, add_special_tokens=with_special, return_offsets_mapping=True, return_attention_mask=False
                )
                found |= dict(zip(some, zip(out["input_ids"], out["offset_mapping"], strict=True), strict=True))
        return [found[i] for i in range(len(rows))]

    def all(self, rows: Sequence[Encoded]) -> None:
        """Check rows before anything is cut; those that a template refused have nothing to check."""
        kept = [row for row in rows if not row.problem]
        for row, given in zip(kept, self.given([row.rendered for row in kept]), strict=True):
            self.check(row, *given)

    def check(self, row: Encoded, ids: list[int], offsets: list[tuple[int, int]]) -> None:
        """One row, and what the tokenizer gives for its text."""
        assert len(row.ids) == len(row.labels) == len(row.spans) == len(row.segments)
        self._ids(row, ids)
        theirs = np.array(offsets, dtype=np.int64).reshape(-1, 2)
        self._spans(row, theirs)
        self._labels(row)
        if "straddle" not in row.findings and not self._misplaced(row.rendered.text):
            self._answers(row)

    def _ids(self, row: Encoded, ids: list[int]) -> None:
        assert row.ids[: len(ids)].tolist() == ids
        behind = row.ids[len(ids) :].tolist()
        ended = bool(ids) and ids[-1] in self.ends
        wanted = row.rendered.end_with_eos and not ended
        assert behind == ([self.tokenizer.eos_token_id] if wanted else [])
        if behind:
            assert row.segments[-1] == -1
            assert (row.labels[-1] != IGNORE) == row.rendered.segments[-1].supervised or len(row.ids) == 1

    def _spans(self, row: Encoded, theirs: np.ndarray) -> None:
        text = row.rendered.text
        ours = row.spans[: len(theirs)].astype(np.int64)
        inside = row.segments[: len(theirs)] >= 0
        assert not row.spans[row.segments < 0].any()
        ours, theirs = ours[inside], theirs[inside]
        assert (np.diff(ours, axis=0) >= 0).all(), "one behind the other"
        assert ((ours[:, 0] >= 0) & (ours[:, 0] <= ours[:, 1]) & (ours[:, 1] <= len(text))).all()
        differing = (ours != theirs).any(axis=1)
        if self.name in NORMALISING:
            # What was joined to the character before it (e and an accent) belongs to that; there it belongs to no token.
            bare = np.append(~_covered(theirs, len(text)), False)
            assert np.array_equal(ours[:, 0], theirs[:, 0])
            for (_, end), (_, other) in zip(ours[differing].tolist(), theirs[differing].tolist(), strict=True):
                assert bare[other:end].all()
                assert not bare[end]
                assert not unicodedata.is_normalized("NFC", text[other - 1 : end])
        elif self.name in OPENING_WORDS:
            # A space that only opens a word stands for no character here, and for the word's first one there.
            opens = (ours[:, 0] == ours[:, 1]) & (theirs[:, 0] == ours[:, 0])
            assert not (differing & ~opens).any()
        else:
            assert not differing.any()
        if self.name == "chinese_llama":  # it leaves characters out
            assert not (_covered(theirs, len(text)) & ~_covered(ours, len(text))).any()
        else:
            assert _covered(ours, len(text)).all()

    def _labels(self, row: Encoded) -> None:
        trained = row.labels != IGNORE
        assert np.array_equal(row.labels[trained], row.ids[trained])
        assert not trained[:1].any(), "nothing stands before the first"
        learned = np.concatenate([[0], np.cumsum(_learned(row.rendered))])
        starts, ends = row.spans[:, 0], row.spans[:, 1]
        wide = ends > starts
        of_answer = (learned[ends] - learned[starts])[wide]
        expected = of_answer > 0
        expected[:1] &= not wide[0]
        assert np.array_equal(trained[wide], expected)
        straddles = (of_answer > 0) & (of_answer < (ends - starts)[wide])
        assert straddles.any() == ("straddle" in row.findings)
        assert trained.any() == ("no_trained_token" not in row.findings)

    def _answers(self, row: Encoded) -> None:
        """Each stretch of trained tokens, decoded, is the text that is to be learned there, from end to end."""
        trained = np.concatenate([[False], row.labels != IGNORE, [False]])
        edges = np.flatnonzero(np.diff(trained.astype(np.int8)))
        learned = _learned(row.rendered)
        text, unknown = row.rendered.text, self.tokenizer.unk_token_id
        for first, last in edges.reshape(-1, 2).tolist():
            ids = row.ids[first:last].tolist()
            own = row.segments[first:last] >= 0
            spans = row.spans[first:last][own]
            start, end = (int(spans[0, 0]), int(spans[-1, 1])) if len(spans) else (0, 0)
            assert learned[start:end].all()
            if first != 1 or row.segments[0] < 0:  # else the answer's very first token may be the sequence's
                assert not len(spans) or not learned[start - 1 : start].any() or self.name in NORMALISING
            assert not learned[end : end + 1].any() or not own.all() or self.name in NORMALISING
            if unknown in ids and unknown not in self.ends:
                continue
            if first == 1 and (row.spans[0, 1] > start or self.name in NORMALISING):
                continue  # its first character began with a token that is not trained
            behind = "" if own.all() else str(self.tokenizer.eos_token)
            said, expected = self._plain(self._decoded(ids)), self._plain(self._normal(text[start:end]) + behind)
            if said != expected and (first == 0 or row.segments[first - 1] < 0 or row.ids[first - 1] in self.added):
                said = said.removeprefix(" ")
            assert said == expected
            self.answers += 1

    def _decoded(self, ids: list[int]) -> str:
        """What tokens say in the middle of a text: at its start a space that opens a word would be left out."""
        before = self.tokenizer.encode("a", add_special_tokens=False)
        said = self.tokenizer.decode(before + ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        assert said.startswith("a")
        return str(said[1:])

    def _misplaced(self, text: str) -> bool:
        """Whether a normaliser takes characters away. The places that the library gives behind such a one can be off by one."""
        normalizer = self.tokenizer.backend_tokenizer.normalizer
        return self.name in NORMALISING and not all(normalizer.normalize_str(char) for char in set(text))

    def _normal(self, text: str) -> str:
        if self.name == "chinese_llama":
            return str(self.tokenizer.backend_tokenizer.normalizer.normalize_str(text)).replace("▁", " ")
        return unicodedata.normalize("NFC", text) if self.name in NORMALISING else text

    def _plain(self, text: str) -> str:
        """Without spaces behind special tokens, one of which may open a word; and "▁" is a space to such vocabularies."""
        if self.name not in OPENING_WORDS:
            return text
        return self._behind_special.sub(r"\1", text.replace("▁", " "))


def _covered(spans: np.ndarray, length: int) -> np.ndarray:
    edges = np.zeros(length + 1, dtype=np.int64)
    np.add.at(edges, spans[:, 0], 1)
    np.add.at(edges, spans[:, 1], -1)
    return np.cumsum(edges)[:-1] > 0


def _learned(rendered: Rendered) -> np.ndarray:
    """Of each character, whether it is to be learned."""
    sizes = [len(segment.text) for segment in rendered.segments]
    return np.repeat([segment.supervised for segment in rendered.segments], sizes).astype(bool)
