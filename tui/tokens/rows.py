"""The last rows that were answered, in windows of tokens: a row may have a hundred thousand.

Invariant: never more than `MOST` answers are held. A window of a row overlaps the next one, so that whoever moves over its edge
sees what lies on both sides.
"""

from __future__ import annotations

from collections import OrderedDict

from engine.service.protocol import Tokens

MOST = 64
WINDOW = 2000
"""Tokens that are asked for at once."""
STRIDE = 500
"""Windows begin at multiples of it."""
MARGIN = 250
"""So many tokens on both sides of the cursor are here, where the row has them."""


def window_start(token: int) -> int:
    """Where the window begins in whose middle a token lies."""
    return max(0, token - WINDOW // 2) // STRIDE * STRIDE


class Rows:
    """Answers by row and first token."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[int, int], Tokens] = OrderedDict()
        self.asked: set[tuple[int, int]] = set()
        """On their way."""

    def __len__(self) -> int:
        return len(self._held)

    def held(self, row: int, token: int = 0) -> Tokens | None:
        """A window of a row that holds a token; where several do, the one in which it lies deepest."""
        best: Tokens | None = None
        depth = -1
        for (number, _), answer in self._held.items():
            if number != row:
                continue
            if (deep := _depth(answer, token)) > depth:
                best, depth = answer, deep
        if best is not None:
            self._held.move_to_end((row, best.start))
        return best

    def missing(self, row: int, token: int) -> int | None:
        """First token of the window that is to be asked for so that one can stand on a token; None where it is here."""
        held = self.held(row, token)
        if held is None:
            return window_start(token)
        end = held.start + len(held.tokens)
        near_start = held.start > 0 and token - held.start < MARGIN
        near_end = end < held.total and end - token <= MARGIN
        start = window_start(min(token, max(0, held.total - 1)))
        return start if (near_start or near_end) and (row, start) not in self._held else None

    def take(self, start: int, answer: Tokens) -> None:
        """An answer came."""
        self._held[(answer.row, answer.start)] = answer
        self._held.move_to_end((answer.row, answer.start))
        self.asked.discard((answer.row, start))
        while len(self._held) > MOST:
            self._held.popitem(last=False)

    def clear(self) -> None:
        """Nothing of it holds any more."""
        self._held.clear()
        self.asked.clear()


def _depth(answer: Tokens, token: int) -> int:
    """How far a token lies from the nearer edge behind which there is more; -1 where it is not in the window."""
    end = answer.start + len(answer.tokens)
    if not answer.tokens and answer.start == 0:
        return 0
    token = min(token, max(0, answer.total - 1))  # a row that a change made shorter
    if not answer.start <= token < end:
        return -1
    before = token - answer.start if answer.start else 1 << 30
    after = end - 1 - token if end < answer.total else 1 << 30
    return min(before, after)
