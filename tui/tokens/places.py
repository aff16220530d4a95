"""Where in a row a finding is, as far as its tokens tell: the cursor goes there when somebody walks through the findings.

Pure: it knows answers of the service, not widgets.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.service.protocol import Tokens
from engine.token_facts import TokenFact

BYTE_RUN = 12
"""So many tokens in a row that are no whole characters are the finding of that name."""


def place_in(rule: str, row: Tokens) -> int | None:
    """The token of a row where a finding is, by the window `row` of it; None where it can only be in a later window."""
    if rule in ("cut", "answer_cut", "eos_cut"):
        return _first_cut(row)
    if rule == "split":
        return min(row.sequences[1][0], max(0, row.total - 1)) if len(row.sequences) > 1 else 0
    if rule == "byte_run":
        return _byte_run(row)
    fits = _FITTING.get(rule)
    if fits is None:
        return 0
    at = next((index for index, token in enumerate(row.tokens) if fits(row, token)), None)
    return None if at is None else row.start + at


def _first_cut(row: Tokens) -> int:
    """The first token that is in no sequence; all sequences of the row are known with every window."""
    at = 0
    for first, last in sorted(row.sequences):
        if first > at:
            break
        at = max(at, last)
    return at if at < row.total else 0


def _byte_run(row: Tokens) -> int | None:
    count = 0
    for index, token in enumerate(row.tokens):
        count = count + 1 if not _is_whole(token) else 0
        if count == BYTE_RUN:
            return row.start + index + 1 - BYTE_RUN
    return None


def _is_whole(token: TokenFact) -> bool:
    """Whether the bytes of a token are whole characters."""
    try:
        bytes.fromhex(token.data).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _of_a_field(row: Tokens, token: TokenFact) -> bool:
    return 0 <= token.segment < len(row.segments) and bool(row.segments[token.segment].source)


def _special(row: Tokens, token: TokenFact) -> bool:
    return token.special and _of_a_field(row, token)


def _unknown(row: Tokens, token: TokenFact) -> bool:
    """A control token that stands for characters which are not its own name."""
    text = row.text[token.start - row.text_start : token.end - row.text_start]
    return _of_a_field(row, token) and not token.data and bool(text) and text.strip() != token.piece


def _straddling(row: Tokens, token: TokenFact) -> bool:
    """A trained token over the beginning of what is trained; where the text does not tell, the first trained one."""
    if token.mark != "trained":
        return False
    borders = [segment.start for segment in row.segments if segment.supervised]
    inside = [border for border in borders if any(other.start < border < other.end for other in row.tokens)]
    return not inside or any(token.start < border < token.end for border in inside)


_FITTING: dict[str, Callable[[Tokens, TokenFact], bool]] = {
    "special_in_text": _special,
    "unknown_token": _unknown,
    "straddle": _straddling,
}
