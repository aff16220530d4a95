"""Adding tokens to a tokenizer: the markers of a template where it lacks them, or what the run file names.

What is added is a real token: one id for the whole text, never spelled out, cut off from the text beside it. The pieces that
spelled it before are kept, because its embedding starts at their mean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import ConfigError

_BYTE = re.compile("<0x[0-9A-F]{2}>")
"""How sentencepiece names the pieces that stand for bytes."""
_MARKER = re.compile(r"<.+>|\[.+\]", re.DOTALL)
"""What is written like a control token is one: decoders may leave it out of a text. A word in brackets of no kind is a word."""


@dataclass(frozen=True, slots=True)
class NewTokens:
    """What was added to a tokenizer. All tuples have the same length, in the order of the ids."""

    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    """Ids that no token had before."""
    pieces: tuple[tuple[int, ...], ...]
    """For each token, the ids that spelled its text before; empty where the tokenizer had none for it."""
    eos: str | None
    """The end-of-sequence token that was set, None where it was left as it was."""

    @property
    def rows(self) -> int:
        """Rows that a model must have for them: the highest id and one, 0 where there are none."""
        return max(self.ids, default=-1) + 1


def add_tokens(tokenizer: Any, wanted: Sequence[str], end: str | None) -> NewTokens:
    """Add those of `wanted` that `tokenizer` lacks, and let it end sequences with `end`.

    What stands in < > or [ ] becomes a special token, a word does not.

    A token that is there already is left as it is, so that a second call adds nothing. `end` becomes EOS where it is one of the
    tokenizer's tokens: other programs generate until EOS, and would run past the end of an answer that was trained to end with
    another token. BOS and PAD are left alone.
    Raises ConfigError for a text that cannot be a token.
    """
    vocabulary, added = tokenizer.get_vocab(), tokenizer.get_added_vocab()
    for text in wanted:
        _check(text, vocabulary, added)
    missing = [text for text in dict.fromkeys(wanted) if text not in added]
    pieces = dict(zip(missing, _spelled(tokenizer, missing), strict=True))
    missing = [text for text in missing if text not in vocabulary or pieces[text] != (vocabulary[text],)]
    highest = max(vocabulary.values(), default=-1)
    if missing:
        _add(tokenizer, missing)
    found = sorted((int(tokenizer.convert_tokens_to_ids(text)), text) for text in missing)
    # a text that the vocabulary had for inner use keeps its id, and the row that the model has for it
    new = [(number, text) for number, text in found if number > highest]
    eos = None
    if end and end != tokenizer.eos_token and end in tokenizer.get_added_vocab():
        tokenizer.eos_token = eos = end
    return NewTokens(tuple(t for _, t in new), tuple(n for n, _ in new), tuple(pieces[t] for _, t in new), eos)


def _check(text: str, vocabulary: dict[str, int], added: dict[str, int]) -> None:
    """Raise ConfigError for a text that must not become a token."""
    if not text.strip():
        raise ConfigError(
            f"model.new_tokens holds {text!r}, which has no visible character: as a token it would stand wherever "
            "such white space does. Remove it from the list."
        )
    if _BYTE.fullmatch(text) and text in vocabulary and text not in added:
        raise ConfigError(
            f"model.new_tokens holds {text!r}, by which this tokenizer means a byte of other texts. Remove it from the list."
        )


def _spelled(tokenizer: Any, texts: list[str]) -> list[tuple[int, ...]]:
    """The ids that each text gives on its own."""
    if not texts:
        return []
    encoded = tokenizer(texts, add_special_tokens=False, return_attention_mask=False, verbose=False)
    return [tuple(int(i) for i in ids) for ids in encoded["input_ids"]]


def _add(tokenizer: Any, texts: list[str]) -> None:
    from tokenizers import AddedToken

    tokens = [
        AddedToken(text, special=bool(_MARKER.fullmatch(text)), normalized=False, lstrip=False, rstrip=False)
        for text in texts
    ]
    tokenizer.add_tokens(tokens)
    wrong = [t for t, ids in zip(texts, _spelled(tokenizer, texts), strict=True) if len(ids) != 1]
    if wrong:
        raise ConfigError(
            f"{wrong[0]!r} cannot be a token of this tokenizer: it gives several ids for it even so. "
            "Remove it from model.new_tokens, or choose another text."
        )
