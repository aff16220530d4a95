"""Where the texts of messages stand in what a chat template renders, and where each answer begins and ends.

Nothing is searched for: a user can say "user", and an answer can hold the words of the template. Each text is put between
two characters of Unicode's last private plane, rendered, and the marks are taken out again; where that gives the same text as
without marks, the places are certain. What an answer is follows from the turns before it: rendered for a generation, they must
be the beginning of the whole, and what stands behind the answer's text when the conversation ends there is its end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from engine.data.conversation import Message
from engine.templates.base import Segment

Messages = tuple[Message, ...]
Renderer = Callable[[Messages, bool], str]
"""Render messages; with True, up to where an answer would begin."""
Pattern = tuple[Segment | bool, ...]
"""The segments of rows of one outline: the template's words as they are, of a text whether it is learned."""
_FIRST = 0x100000
_MARK = re.compile("[\U00100000-\U0010fffd]")
MOST_MESSAGES = 0x7FFF
"""As many as there are pairs of marks."""

LATER = "it is written differently when more turns follow"
UNSAID = "its text is not written"


class Place(NamedTuple):
    """Characters `start` to before `end` are the text of message `turn`, as far as the template writes it."""

    turn: int
    start: int
    end: int


class Span(NamedTuple):
    """Characters of the answer in message `turn`, with its end marker."""

    turn: int
    start: int
    end: int


def marked(text: str, index: int, tight: bool = True) -> str:
    """`text` between the marks of message `index`; where not `tight`, the white space around it stays outside."""
    opening, closing = chr(_FIRST + 2 * index), chr(_FIRST + 2 * index + 1)
    if tight:
        return f"{opening}{text}{closing}"
    core = text.strip()
    before = text[: len(text) - len(text.lstrip())]
    return f"{before}{opening}{core}{closing}{text[len(before) + len(core) :]}"


def holds_marks(text: str) -> bool:
    """Whether a text holds such characters of its own."""
    return _MARK.search(text) is not None


def unmarked(text: str) -> tuple[str, list[Place]]:
    """(text without marks, places). Where only the end of a text was written, its place is empty and lies there."""
    pieces: list[str] = []
    places: list[Place] = []
    opened: dict[int, int] = {}
    at = length = 0
    for found in _MARK.finditer(text):
        pieces.append(text[at : found.start()])
        length += found.start() - at
        at = found.end()
        index, closes = divmod(ord(found[0]) - _FIRST, 2)
        if closes:
            places.append(Place(index, opened.pop(index, length), length))
        else:
            opened[index] = length
    pieces.append(text[at:])
    return "".join(pieces), places


class Outline:
    """One rendering of messages, with marks or without."""

    def __init__(self, render: Renderer, messages: Messages, trimmed: Callable[[str], str], bare: bool = False) -> None:
        """`messages` are marked, unless `bare`: then nothing is known of places, and of answers less.

        `trimmed` cuts off what a template writes behind an end marker. Raises what `render` raises.
        """
        self._render = render
        self.messages = messages
        self._trimmed = trimmed
        self.bare = bare
        self.text, self.places = self._rendered(messages, False)
        self._spans: dict[int, Span | str] = {}
        self.patterns: dict[tuple[tuple[int, ...], bool], Pattern | None] = {}
        """What was found of its rows, kept by who cuts them into segments."""
        shown = [*self.places, Place(-1, len(self.text), len(self.text))]
        starts = [0, *(place.end for place in self.places)]
        self._words = [self.text[start : place.start] for start, place in zip(starts, shown, strict=True)]
        self.orderly = all(start <= place.start for start, place in zip(starts, shown, strict=True))
        """Whether no text stands within another."""

    def _rendered(self, messages: Messages, generate: bool) -> tuple[str, list[Place]]:
        text = self._render(messages, generate)
        return (text, []) if self.bare else unmarked(text)

    def span(self, turn: int) -> Span | str:
        """Where the answer in message `turn` begins and ends; a reason where the template does not let one tell.

        Raises what `render` raises.
        """
        if turn not in self._spans:
            self._spans[turn] = self._find(turn)
        return self._spans[turn]

    def _find(self, turn: int) -> Span | str:
        before = self._before(turn)
        start = len(before)
        if not self.text.startswith(before):
            return f"a generation would start from {_differing(before, self.text)}"
        after, places = self._rendered(self.messages[: turn + 1], False)
        here = [place.end for place in self.places if place.turn == turn]
        there = [place.end for place in places if place.turn == turn]
        said = self.messages[turn].content.strip()
        if self.bare or not said:
            end = start + len(self._trimmed(after[start:]))
            if not self.text.startswith(after) or end == start:
                return LATER
            return Span(turn, start, end) if not said or self._says(turn, after) else UNSAID
        if not here or not there:
            return LATER if here or there else UNSAID
        tail = self._trimmed(after[there[-1] :])
        if here[-1] < start or not self.text.startswith(tail, here[-1]):
            return LATER
        return Span(turn, start, here[-1] + len(tail))

    def _says(self, turn: int, after: str) -> bool:
        """Whether the template writes the text of an answer at all: another text must be seen."""
        message = self.messages[turn]
        other = (*self.messages[:turn], replace(message, content=f"{message.content}x"))
        return self._rendered(other, False)[0] != after

    def _before(self, turn: int) -> str:
        """The text up to where the answer begins. Templates refuse to render nothing, so where a conversation opens with an
        answer, it is what stands before a text in its place."""
        if turn:
            return self._rendered(self.messages[:turn], True)[0]
        opening, places = unmarked(self._render((replace(self.messages[0], content=marked("x", 0)),), False))
        return opening[: places[0].start] if places else opening

    def fit(self, whole: str, texts: Sequence[str]) -> list[Place] | None:
        """The places in `whole`, which should be this outline with `texts[turn]` for each message's text.

        None where it is not: the template looks at what is said, and writes something else.
        """
        at = 0
        places: list[Place] = []
        words = self._words
        if not whole.startswith(words[0]):
            return None
        at = len(words[0])
        for place, behind in zip(self.places, words[1:], strict=True):
            text = texts[place.turn]
            if not whole.startswith(behind, at + len(text)) or not whole.startswith(text, at):
                text = _stripped(whole, at, text, behind)
                if not text:
                    return None
            places.append(Place(place.turn, at, at + len(text)))
            at += len(text) + len(behind)
        return places if at == len(whole) else None

    def moved(self, span: Span, places: Sequence[Place]) -> Span:
        """A span of this outline where its texts stand at `places`."""
        start = end = 0
        for mine, theirs in zip(self.places, places, strict=True):
            longer = (theirs.end - theirs.start) - (mine.end - mine.start)
            if mine.start < span.start:
                start += longer
            if mine.start < span.end:
                end += longer
        return Span(span.turn, span.start + start, span.end + end)


def _stripped(whole: str, at: int, text: str, behind: str) -> str:
    """`text` as a template may write it, without white space around it; "" where it does not stand there so."""
    for shown in (text.strip(), text.rstrip(), text.lstrip(), text.strip("\n"), text.rstrip("\n"), text.lstrip("\n")):
        if whole.startswith(shown, at) and whole.startswith(behind, at + len(shown)):
            return shown
    return ""


def _differing(before: str, whole: str) -> str:
    """Where two texts part, in words."""
    at = next((i for i, (a, b) in enumerate(zip(before, whole, strict=False)) if a != b), min(len(before), len(whole)))
    start = max(0, at - 20)
    return f"{before[start : at + 20]!r}, and this row has {whole[start : at + 20]!r} there"
