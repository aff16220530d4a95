"""How tokens are written: blanks visible, bytes that are no whole character as digits, grouped with those beside them.

Invariant: whatever a token holds, what comes out is harmless, stands on one line, and joins nothing that stands before it on the
screen: a mark that would sit on the letter of another token gets a circle of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from engine.token_facts import TokenFact
from tui.text import plain

Kind = Literal["text", "bytes", "special", "added"]
_OTHER_BLANKS = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_MOST = 400
"""Characters of a token; a vocabulary may have whole pages of blanks as one."""


class Written(NamedTuple):
    """A token as it is shown."""

    text: str
    kind: Kind
    lead: str = ""
    """The characters that it spells together with the tokens behind it; of the first of such a group."""
    group: int = 0
    """Tokens of its group, itself among them; 0 for one that stands alone. Of the first of them."""
    member: bool = False
    """Whether it belongs to a group."""
    ends_line: bool = False
    """Whether a line of the text ends with it."""
    starts_word: bool = False
    """Whether a line is rather broken before it than before the one behind it."""


def blanks(text: str, ascii_only: bool = False) -> str:
    """A text with its blanks visible, harmless and on one line."""
    shown = plain(text).replace(" ", "_" if ascii_only else "·")
    if ascii_only:
        shown = shown.replace("⏎", "\\n").replace("⇥", "\\t")
    return shown if shown.isascii() else _OTHER_BLANKS.sub(lambda match: f"⟨{ord(match[0]):04X}⟩", shown)


def apart_from_before(text: str) -> str:
    """A text that joins nothing on its left: a mark gets a circle, what joins emoji is written as its number."""
    first = text[:1]
    if not first or first.isascii():
        return text
    if unicodedata.category(first) in ("Mn", "Me", "Mc") and not "\ufe00" <= first <= "\ufe0f":
        return f"◌{text}"
    joins = first == "\u200d" or "\ufe00" <= first <= "\ufe0f" or "\U0001f3fb" <= first <= "\U0001f3ff"
    if joins or "\U0001f1e6" <= first <= "\U0001f1ff":
        return f"⟨{ord(first):04X}⟩{apart_from_before(text[1:])}"
    return text


def decoded(data: str) -> str | None:
    """The characters of a token's bytes; None where they are no whole characters, "" where it has none."""
    try:
        return bytes.fromhex(data).decode()
    except ValueError:
        return None


@lru_cache(1 << 14)
def spelled(data: str, ascii_only: bool) -> tuple[str | None, str]:
    """The characters of a token's bytes, as `decoded`, and how they are shown."""
    own = decoded(data)
    if own is None:
        return None, digits(data)
    return own, apart_from_before(blanks(own[:_MOST], ascii_only)) + ("…" if len(own) > _MOST else "")


def digits(data: str) -> str:
    """Bytes that are no whole character, as they are shown."""
    return f"⟨{data}⟩"


def written(tokens: Sequence[TokenFact], text: str, text_start: int, ascii_only: bool = False) -> list[Written]:
    """Return how each token is shown. `text` is the rendered text from character `text_start` on."""
    found: list[Written] = []
    at = 0
    while at < len(tokens):
        last, end = at, tokens[at].end
        spells = tokens[at].end > tokens[at].start and not tokens[at].special
        while spells and last + 1 < len(tokens) and _shares(tokens[last + 1], end):
            last += 1
            end = max(end, tokens[last].end)
        if last > at:
            lead = text[max(0, tokens[at].start - text_start) : max(0, end - text_start)]
            found += _group(tokens[at : last + 1], apart_from_before(blanks(lead, ascii_only)), ascii_only)
        else:
            found.append(_alone(tokens[at], text, text_start, ascii_only))
        at = last + 1
    return found


def _shares(token: TokenFact, end: int) -> bool:
    return token.start < end and token.end > token.start and not token.special


def _group(tokens: Sequence[TokenFact], lead: str, ascii_only: bool) -> list[Written]:
    found = []
    for index, token in enumerate(tokens):
        own, shown = spelled(token.data, ascii_only)
        kind: Kind = "bytes" if own is None else "text"
        first = index == 0
        found.append(
            Written(shown, kind, lead if first else "", len(tokens) if first else 0, member=True, starts_word=first)
        )
    return found


def _alone(token: TokenFact, text: str, text_start: int, ascii_only: bool) -> Written:
    own, shown = spelled(token.data, ascii_only)
    if own is None:
        lead = text[max(0, token.start - text_start) : max(0, token.end - text_start)]
        return Written(shown, "bytes", apart_from_before(blanks(lead, ascii_only)))
    if token.special or not own:
        kind: Kind = "special" if token.special else "added"
        shown = apart_from_before(blanks(token.piece[:_MOST], ascii_only)) or "⟨⟩"
        return Written(shown, kind, starts_word=True, ends_line=token.piece.endswith("\n"))
    return Written(shown, "text", ends_line="\n" in own, starts_word=own[0].isspace())
