"""A token as people see it: how the vocabulary writes it, its bytes, where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from engine.token_facts import TokenFact
from engine.tokens.encoded import Int32
from engine.tokens.spelling import Spelling

NO_REASON = -1
Mark = Literal["trained", "masked", "cut"]


class Looks(dict[int, tuple[str, str, bool]]):
    """Id -> (piece, bytes as hexadecimal digits, whether it is a control token), filled as ids are asked for."""

    def __init__(self, spelling: Spelling) -> None:
        self.spelling = spelling

    def __missing__(self, token: int) -> tuple[str, str, bool]:
        special = token in self.spelling.special
        look = (self.spelling.piece(token), "" if special else self.spelling[token].hex(), special)
        self[token] = look
        return look

    def fact(
        self, token: int, start: int, end: int, segment: int = -1, mark: Mark = "masked", reason: int = NO_REASON
    ) -> TokenFact:
        """A token that stands for the characters from `start` to before `end`."""
        piece, data, special = self[token]
        return TokenFact(token, piece, data, start, end, segment, mark, special, reason)

    def facts(self, ids: Sequence[int], spans: Int32) -> list[TokenFact]:
        """Tokens that nothing is said of but where they stand; `spans` has shape [T, 2]."""
        return [self.fact(token, start, end) for token, (start, end) in zip(ids, spans.tolist(), strict=True)]


def spelled_text(spelling: Spelling, ids: Sequence[int]) -> tuple[str, list[tuple[int, int]]]:
    """(the text that tokens spell, the characters of each), for tokens that no text is known of.

    Bytes that are no character become U+FFFD, one each. A token that ends within a character stands for all of it.
    """
    pieces = [spelling[token] for token in ids]
    text = b"".join(pieces).decode("utf-8", "surrogateescape")
    char_of_byte: list[int] = []
    for at, char in enumerate(text):
        char_of_byte += [at] * (1 if "\udc80" <= char <= "\udcff" else len(char.encode()))
    char_of_byte.append(len(text))
    spans, begin = [], 0
    for piece in pieces:
        end = begin + len(piece)
        spans.append((char_of_byte[begin], char_of_byte[end - 1] + 1 if piece else char_of_byte[begin]))
        begin = end
    return "".join("\ufffd" if "\udc80" <= char <= "\udcff" else char for char in text), spans
