"""What each token of a vocabulary stands for, in bytes.

A piece of a vocabulary is not text: byte-level vocabularies write a space as "Ġ" and half a character as "ä½", others write
"▁" and "<0xE4>". Spelled bytes joined give the text back, wherever nothing was normalised away; that is checked by whoever
relies on it, never assumed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

_FALLBACK = re.compile(r"<0x([0-9A-F]{2})>")
WORD_START = "▁"


class Spelling(dict[int, bytes]):
    """Id -> bytes, filled as ids are asked for. An id that nobody knows spells nothing."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._spell = _speller(tokenizer)
        self.added: dict[int, str] = {i: str(token.content) for i, token in tokenizer.added_tokens_decoder.items()}
        self.special: frozenset[int] = frozenset(
            {i for i, token in tokenizer.added_tokens_decoder.items() if token.special} | set(tokenizer.all_special_ids)
        )

    def __missing__(self, token: int) -> bytes:
        piece = self.added.get(token)
        spelled = piece.encode() if piece is not None else self._spell(self.piece(token))
        self[token] = spelled
        return spelled

    def piece(self, token: int) -> str:
        """The token as the vocabulary writes it, "" where there is none of this id."""
        return self._tokenizer.convert_ids_to_tokens(token) or ""

    def whole(self, token: int) -> bool:
        """Whether a token alone is made of whole characters."""
        try:
            self[token].decode()
        except UnicodeDecodeError:
            return False
        return True


def _speller(tokenizer: Any) -> Callable[[str], bytes]:
    decoder = tokenizer.backend_tokenizer.decoder
    kinds = _decoders(json.loads(decoder.__getstate__()) if decoder is not None else None)
    if "ByteLevel" in kinds:
        return _byte_level
    return _word_pieces if "WordPiece" in kinds else _sentence_pieces


def _decoders(state: dict[str, Any] | None) -> set[str]:
    """The types of a decoder and of those in it."""
    if state is None:
        return set()
    return {state["type"]}.union(*(_decoders(part) for part in state.get("decoders", [])))


def _printable() -> dict[str, int]:
    """How byte-level vocabularies write bytes (Radford et al. 2019): a printable one as itself, the others from 256 on."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in shown]
    return {**{chr(byte): byte for byte in shown}, **{chr(256 + n): byte for n, byte in enumerate(others)}}


_BYTES = _printable()


def _byte_level(piece: str) -> bytes:
    try:
        return bytes([_BYTES[char] for char in piece])
    except KeyError:
        return piece.encode()


def _sentence_pieces(piece: str) -> bytes:
    fallback = _FALLBACK.fullmatch(piece)
    return bytes([int(fallback[1], 16)]) if fallback else piece.replace(WORD_START, " ").encode()


def _word_pieces(piece: str) -> bytes:
    return piece.removeprefix("##").encode()
