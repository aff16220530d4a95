"""A template in the user's own words: `prompt` and `completion` of a [[data]] table, with {column} for a column."""

from __future__ import annotations

import string
from collections.abc import Iterator

from msgspec.structs import replace

from engine.data.conversation import Conversation
from engine.errors import ConfigError, TemplateError
from engine.templates.base import Rendered, Segment, Supervise


class Custom:
    """Free text around columns. Only plain names are allowed in braces, so a template can never run code."""

    name = "custom"
    markers: tuple[str, ...] = ()
    end: str | None = None
    jinja: str | None = None

    def __init__(self, prompt: str, completion: str) -> None:
        """Raises ConfigError when a text has unmatched braces or anything but column names in them."""
        self._prompt = _pieces(prompt, "prompt")
        self._completion = _pieces(completion, "completion")
        if not any(column for _, column in self._completion):
            raise ConfigError(
                "data.completion names no column, so every row would teach the same text; write {column}."
            )

    def render(self, conversation: Conversation, supervise: Supervise) -> Rendered:
        """Return the row; the completion is learned."""
        before = self._fill(conversation, self._prompt, "user", supervise == "all")
        after = self._fill(conversation, self._completion, "assistant", True)
        return Rendered((*before, *after), True, True)

    def prompt(self, conversation: Conversation) -> Rendered:
        """Return the row up to its completion."""
        if conversation.messages and not conversation.values:  # a question typed by hand: no row stands behind it
            columns = {column for _, column in self._prompt if column}
            if len(columns) != 1:
                raise TemplateError(
                    f"eval.samples cannot be put into this custom template: its prompt has {len(columns)} columns "
                    f"({', '.join(sorted(columns)) or 'none'}), and a sample is one text."
                )
            conversation = replace(conversation, values={columns.pop(): conversation.messages[-1].content})
        return Rendered(tuple(self._fill(conversation, self._prompt, "user", False)), True, False)

    @staticmethod
    def _fill(conversation: Conversation, pieces: list[tuple[str, str]], role: str, learned: bool) -> Iterator[Segment]:
        for literal, column in pieces:
            if literal:
                yield Segment(literal, "template" if role == "user" else role, learned)
            if not column:
                continue
            value = conversation.values.get(column)
            if column not in conversation.values:
                known = ", ".join(map(str, conversation.values)) or "(none)"
                raise TemplateError(
                    f"{conversation.origin}: the template names {{{column}}}, which this row does not have. "
                    f"Its columns are {known}."
                )
            if not isinstance(value, str | int | float) or isinstance(value, bool):
                raise TemplateError(f"{conversation.origin}: column {column!r} holds {value!r:.60}, which is no text.")
            yield Segment(str(value), role, learned, column)


def _pieces(text: str, key: str) -> list[tuple[str, str]]:
    """Split into (literal, column) pairs; the column is "" at the end."""
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ConfigError(f"data.{key}: {error}. Write a brace that is text as {{{{ or }}}}.") from None
    pieces: list[tuple[str, str]] = []
    for literal, column, spec, conversion in parsed:
        if column is not None and (spec or conversion or not column or any(c in column for c in ".[]")):
            raise ConfigError(
                f"data.{key}: {{{column}}} is not the name of a column. Write {{column}} alone, and {{{{ for a brace."
            )
        pieces.append((literal, column or ""))
    return pieces
