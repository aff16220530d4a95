"""The chat template that comes with a tokenizer, used as it is.

Which characters are the answer comes from `{% generation %}` marks where the template has them; else from rendering the
conversation turn by turn (`outline`), where what a generation would be given must be the beginning of the row. A template for
which that does not hold is an error in words, never an empty mask; so is one that does not write the calls or functions of
a row.

Normal rows are rendered once. How their turns are framed is found out once for each sequence of roles, with stand-ins for
the texts; a row that is that frame with its own texts needs nothing more. Others are rendered again with marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import accumulate
from typing import Any, NoReturn

from msgspec.structs import replace

from engine.data.conversation import Conversation, Message
from engine.errors import TemplateError
from engine.templates.base import Rendered, Segment, Supervise, before_answer, learned_turns, running_text
from engine.templates.chat_rendering import MOST_KINDS, ChatRenderer
from engine.templates.outline import MOST_MESSAGES, Messages, Outline, Pattern, Place, Span, holds_marks, marked

Kind = tuple[tuple[str, str | None], ...]
"""Roles, and the texts that are blank."""


class TokenizerTemplate:
    """Wraps a transformers tokenizer that has a chat template."""

    name = "tokenizer"
    markers: tuple[str, ...] = ()

    def __init__(self, tokenizer: Any, today: date | None = None) -> None:
        """`today` is what the template writes where it asks for the date.

        Raises TemplateError when the tokenizer has no chat template, or several.
        """
        if not tokenizer.chat_template:
            raise TemplateError(
                'template = "tokenizer": this model\'s tokenizer has no chat template. '
                'Use template = "chatml", "qa" or "alpaca", or name a file with one in model.chat_template.'
            )
        if not isinstance(tokenizer.chat_template, str):
            raise TemplateError(
                f"This tokenizer has several chat templates ({', '.join(map(str, tokenizer.chat_template))}); Luthier cannot "
                "choose one for you. Put the one you want into a file, and name it in model.chat_template."
            )
        self.jinja: str | None = tokenizer.chat_template
        self._renderer = ChatRenderer(tokenizer, today)
        added = tokenizer.added_tokens_decoder.values()  # markers of turns are often among these only
        named = {*tokenizer.all_special_tokens, *(str(token.content) for token in added if token.special)}
        self._specials = tuple(filter(None, named))
        self._outlines: dict[Kind, Outline | None] = {}
        self.end = self._end_of_answers()
        """The special token that the template writes behind an answer; None where it says EOS, or none."""

    def _end_of_answers(self) -> str | None:
        """A template that names EOS is left to it: with another one it would write other texts."""
        if not self._specials or re.search(r"\beos_token\b", self.jinja or ""):
            return None
        turns = (Message("user", "question", "question"), Message("assistant", "answer", "answer"))
        try:
            whole, _ = self._renderer(Conversation("a row", turns), turns, False)
        except TemplateError:
            return None  # rows say why, if they are refused, too
        _, found, behind = whole.rpartition("answer")
        ends = [special for special in self._specials if found and behind.lstrip().startswith(special)]
        return max(ends, key=len, default=None)

    def render(self, conversation: Conversation, supervise: Supervise) -> Rendered:
        """Return the rendered conversation in segments; answers and their end markers are learned. Raises TemplateError."""
        text = running_text(conversation)
        if text is not None:
            return text
        messages = conversation.messages
        learned = learned_turns(messages, supervise)
        whole, marks = self._renderer(conversation, messages, False)
        self._check_calls(conversation, whole)
        # Under "all" the answers that are not learned have to be told apart, else those that are.
        inside = supervise != "all"
        apart = tuple(sorted(learned if inside else set(range(len(messages))) - learned))
        frame = self._frame(conversation)
        fitting = frame.fit(whole, [message.content for message in messages]) if frame is not None else None
        pattern = self._pattern(frame, apart, inside) if frame is not None and not marks else None
        if fitting is not None and pattern is not None:
            return Rendered(tuple(_filled(pattern, whole, messages, fitting)), False, False)
        places, find = self._outlined(conversation, whole, frame, fitting)
        given = _answers(messages, marks, places)
        spans = [given[turn] if given else find(turn) for turn in apart]
        return Rendered(tuple(_segments(whole, messages, places, spans, inside)), False, False)

    def prompt(self, conversation: Conversation) -> Rendered:
        """Return what the template sends for a generation. Raises TemplateError."""
        text = running_text(conversation)
        if text is not None:
            return Rendered(text.segments, True, False)
        rendered, _ = self._renderer(conversation, before_answer(conversation), True)
        return Rendered((Segment(rendered, "template", False),), False, False)

    # Where things are

    def _outlined(
        self, conversation: Conversation, whole: str, frame: Outline | None, fitting: list[Place] | None
    ) -> tuple[list[Place], Callable[[int], Span]]:
        """(places of the messages' texts, what finds an answer); `fitting` are the places by the frame, where it fits."""
        messages = conversation.messages
        if frame is not None and fitting is not None:
            at, known = fitting, frame
            return at, lambda turn: self._moved(conversation, whole, known, at, turn)
        outline = self._outline(conversation, whole)
        places = _only_ones(whole, messages) if outline.bare else outline.places
        return places, lambda turn: self._span(conversation, outline, turn)

    @staticmethod
    def _pattern(frame: Outline, apart: tuple[int, ...], inside: bool) -> Pattern | None:
        """The segments of all rows with this frame. None where an answer cannot be told apart, which has to be said of a row."""
        key = (apart, inside)
        if key not in frame.patterns:
            frame.patterns[key] = _pattern_of(frame, apart, inside)
        return frame.patterns[key]

    def _moved(
        self, conversation: Conversation, whole: str, frame: Outline, places: Sequence[Place], turn: int
    ) -> Span:
        try:
            span = frame.span(turn)
        except TemplateError:  # it has something against stand-ins, or against fewer turns; the row itself will tell
            return self._span(conversation, self._outline(conversation, whole), turn)
        return frame.moved(span, places) if isinstance(span, Span) else self._refuse(conversation, turn, span)

    def _span(self, conversation: Conversation, outline: Outline, turn: int) -> Span:
        span = outline.span(turn)
        return span if isinstance(span, Span) else self._refuse(conversation, turn, span)

    def _outline(self, conversation: Conversation, whole: str) -> Outline:
        """The row with marks around its texts; without marks where the template would write something else."""
        messages, render = conversation.messages, self._render_of(conversation)
        if len(messages) <= MOST_MESSAGES and not holds_marks(whole):
            for tight in (True, False):
                outline = Outline(render, _with_marks(messages, tight), self._trimmed)
                if outline.text == whole and outline.orderly:
                    return outline
        return Outline(render, messages, self._trimmed, bare=True)

    def _refuse(self, conversation: Conversation, turn: int, reason: str) -> NoReturn:
        """Raise TemplateError; what the reason quotes comes from the row, not from stand-ins."""
        bare = Outline(self._render_of(conversation), conversation.messages, self._trimmed, bare=True).span(turn)
        reason = bare if isinstance(bare, str) else reason
        raise TemplateError(
            f"{conversation.origin}: the tokenizer's chat template does not let the answer in turn {turn + 1} be told apart: "
            f'{reason}. Use template = "chatml", or supervise = "last" with one answer per row, or a template with '
            "{% generation %} around answers (model.chat_template)."
        )

    def _frame(self, conversation: Conversation) -> Outline | None:
        """How the template frames turns like these. None where what it writes depends on more than roles and texts."""
        messages = conversation.messages
        plain = not conversation.tools and not any(m.tool_calls or m.name or m.tool_call_id for m in messages)
        if not plain or len(messages) > MOST_MESSAGES:
            return None
        kind = tuple((m.role, None if m.content.strip() else m.content) for m in messages)
        try:
            return self._outlines[kind]
        except KeyError:
            outline = self._framed(Conversation(conversation.origin, ()), messages)
        if len(self._outlines) >= MOST_KINDS:  # other threads render, too: what was found is held, not looked up again
            self._outlines.clear()
        self._outlines[kind] = outline
        return outline

    def _framed(self, nothing: Conversation, messages: Messages) -> Outline | None:
        """The outline of `messages` with stand-ins for the texts; `nothing` is their conversation without any turn."""
        stand_ins = tuple(replace(m, content="x" if m.content.strip() else m.content) for m in messages)
        try:
            outline = Outline(self._render_of(nothing), _with_marks(stand_ins, True), self._trimmed)
        except TemplateError:  # it has something against the stand-ins, not against the row
            return None
        return outline if outline.orderly else None

    def _trimmed(self, tail: str) -> str:
        """Cut white space off that a template writes after the end marker; without a marker, nothing."""
        bare = tail.rstrip()
        return bare if bare.endswith(self._specials) else tail

    def _render_of(self, conversation: Conversation) -> Callable[[Messages, bool], str]:
        return lambda messages, generate: self._renderer(conversation, messages, generate)[0]

    def _check_calls(self, conversation: Conversation, whole: str) -> None:
        """Many templates pass over functions in silence, and would teach empty answers."""
        called = {call.name for message in conversation.messages for call in message.tool_calls}
        offered = {str(tool.get("function", tool).get("name")) for tool in conversation.tools}
        absent = sorted(name for name in called | offered if name not in whole)
        if absent:
            what = "call" if absent[0] in called else "offer"
            raise TemplateError(
                f"{conversation.origin}: the tokenizer's chat template does not write functions, and this row {what}s "
                f'{absent[0]!r}. Use template = "chatml", which writes them as JSON.'
            )


def _pattern_of(frame: Outline, apart: tuple[int, ...], inside: bool) -> Pattern | None:
    try:
        spans = [frame.span(turn) for turn in apart]
    except TemplateError:
        return None
    if any(isinstance(span, str) for span in spans):
        return None
    known = [span for span in spans if isinstance(span, Span)]
    segments = _segments(frame.text, frame.messages, frame.places, known, inside)
    starts = accumulate((len(segment.text) for segment in segments), initial=0)
    texts = {place.start for place in frame.places}
    return tuple(s.supervised if start in texts else s for s, start in zip(segments, starts, strict=False))


def _filled(pattern: Pattern, whole: str, messages: Messages, places: Sequence[Place]) -> Iterator[Segment]:
    """The segments of a row whose texts stand at `places`."""
    waiting = iter(places)
    for part in pattern:
        if isinstance(part, Segment):
            yield part
        else:
            turn, start, end = next(waiting)
            yield Segment(whole[start:end], messages[turn].role, part, messages[turn].source)


def _with_marks(messages: Messages, tight: bool) -> Messages:
    return tuple(
        replace(m, content=marked(m.content, number, tight)) if m.content.strip() else m
        for number, m in enumerate(messages)
    )


def _answers(messages: Messages, marks: list[tuple[int, int]], places: Sequence[Place]) -> dict[int, Span]:
    """The answers by the template's own marks; none where these are not one for each answer, around its text.

    What transformers counts is wrong where the marks stand within a macro.
    """
    answers = [index for index, message in enumerate(messages) if message.role == "assistant"]
    if len(marks) != len(answers):
        return {}
    spans = {index: Span(index, *mark) for index, mark in zip(answers, marks, strict=True)}
    texts = [place for place in places if place.turn in spans]
    if any(not spans[p.turn].start <= p.start <= p.end <= spans[p.turn].end for p in texts):
        return {}
    ends = [0, *(span.end for span in spans.values())]
    return spans if all(end <= span.start for end, span in zip(ends, spans.values(), strict=False)) else {}


def _only_ones(whole: str, messages: Messages) -> list[Place]:
    """Places of the texts that stand in `whole` once, in order. Of the others nobody can say where they are."""
    places: list[Place] = []
    at = 0
    for index, message in enumerate(messages):
        text = message.content.strip()
        start = whole.find(text, at) if text else -1
        if start >= 0 and whole.find(text) == start and whole.find(text, start + 1) < 0:
            at = start + len(text)
            places.append(Place(index, start, at))
    return places


def _segments(
    whole: str, messages: Messages, places: Sequence[Place], spans: Sequence[Span], inside: bool
) -> list[Segment]:
    """Cut the text at the borders of places and spans. What lies in a span is learned if `inside`, else what does not."""
    segments: list[Segment] = []
    bands = [band for span in spans for band in ((span.start, not inside), (span.end, inside))]
    bands.append((len(whole), not inside))
    waiting = list(reversed(places))
    at = 0
    for end, learned in bands:
        while at < end:
            place = waiting[-1] if waiting else None
            if place is not None and place.end <= at:
                waiting.pop()
            elif place is None or place.start >= end:
                segments.append(Segment(whole[at:end], "template", learned))
                at = end
            elif place.start > at:
                segments.append(Segment(whole[at : place.start], "template", learned))
                at = place.start
            else:
                message, stop = messages[place.turn], min(place.end, end)
                segments.append(Segment(whole[at:stop], message.role, learned, message.source))
                at = stop
    return segments
