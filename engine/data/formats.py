"""Formats: what the columns of a row mean, and how a row becomes a conversation.

Adding one: a `Format` (mostly a `PairFormat`) and one line in `FORMATS`. The order of `FORMATS` is the order of
detection, the more particular first.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from difflib import get_close_matches

from engine.data import detect as detection
from engine.data.base import Converted, Format
from engine.data.chat import ChatFormat
from engine.data.detect import Detection
from engine.data.nested import InstancesFormat, PreferenceFormat
from engine.data.oasst import MessageListFormat, TreeFormat
from engine.data.pairs import PAIR_SYNONYMS, ChoiceFormat, PairFormat, TextFormat
from engine.data.rows import Row
from engine.data.speakers import SpeakersFormat, listed, speakers
from engine.data.token_ids import TokenIdsFormat
from engine.data.turns import Columns

_NAMED = 20
_SYSTEM = {"system": PAIR_SYNONYMS["system"]}

FORMATS: dict[str, Format] = {
    "messages": ChatFormat("messages", "role"),
    "sharegpt": ChatFormat("conversations", "from"),
    "speakers": SpeakersFormat("conversation"),
    "multiple_choice": ChoiceFormat("question", "choices", "answer"),
    "question_answer": PairFormat("question", "answer", other_names=PAIR_SYNONYMS),
    "question_response": PairFormat("question", "response", system="system_prompt", other_names=_SYSTEM),
    "alpaca": PairFormat("instruction", "output", context="input", other_names=_SYSTEM),
    "instruction_response": PairFormat("instruction", "response", other_names={**_SYSTEM, "context": ("input",)}),
    "prompt_completion": PairFormat("prompt", "completion", other_names=_SYSTEM),
    "input_output": PairFormat("input", "output", other_names=_SYSTEM),
    "preference": PreferenceFormat("chosen", "rejected"),
    "paired_preference": PairFormat("question", "response_j", about="of the answers {answer} is read"),
    "self_instruct": InstancesFormat("instruction", "instances"),
    "oasst_tree": TreeFormat("prompt"),
    "oasst_message": TreeFormat(""),
    "oasst_messages": MessageListFormat(),
    "token_ids": TokenIdsFormat("input_ids"),
    "text": TextFormat("text"),
}


def format_named(name: str, assistant: str | None = None) -> Format:
    """The format called `name`, told who the assistant is where it has to know."""
    form = FORMATS[name]
    return SpeakersFormat(form.column, assistant) if isinstance(form, SpeakersFormat) else form


def columns_for(form: Format, chosen: Columns, names: Container[str] = ()) -> dict[str, str]:
    """The column of each role: the user's choice, else the usual one.

    An optional role whose usual column is not among `names` goes to a synonym that is.
    """
    return detection.columns_for(form, chosen, names)


def names_of(rows: Iterable[Row]) -> list[str]:
    """The columns of rows, in the order of their first appearance."""
    return list(dict.fromkeys(key for row in rows for key in row.values))


def named(names: Sequence[str]) -> str:
    """Names of columns, for a sentence."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (", ".join(names[:_NAMED]) or "(none)") + more


def unread_columns(form: Format, rows: Sequence[Row], columns: Columns) -> list[str]:
    """Columns of the rows that the format does not read."""
    read = {*columns.values(), *form.also_reads}
    if isinstance(form, TreeFormat) and not form.column:
        return []  # the row is a message, and its fields belong to it
    return [name for name in names_of(rows[: detection.SAMPLE]) if name not in read]


def convert_rows(rows: Iterable[Row], form: Format, columns: Columns) -> Converted:
    """Convert each row, to one conversation or several; one that does not fit the format costs only itself."""
    return form.convert_all(rows, columns)


def detect(rows: Sequence[Row], chosen: Columns | None = None, assistant: str | None = None) -> list[Detection]:
    """What the rows could be read as, likeliest first. `chosen` are the columns that the user named."""
    return detection.find(FORMATS, rows, chosen or {}, assistant)


def format_problem(name: str, rows: Sequence[Row], chosen: Columns, assistant: str | None = None) -> str:
    """Why format `name` cannot read these rows as things stand, in a sentence with its cure; "" where it can."""
    form = FORMATS[name]
    names = names_of(rows[: detection.SAMPLE])
    columns = columns_for(form, chosen, names)
    unknown = sorted(set(chosen) - set(columns))
    if unknown:
        return (
            f"columns names {', '.join(map(repr, unknown))}, which format {name!r} does not have; "
            f"its roles are {', '.join(columns)}."
        )
    absent = [columns[r] for r in form.roles if not r.endswith("?") and columns[r] not in names]
    if rows and absent:
        column = "column" if len(absent) == 1 else "columns"
        return (
            f"format {name!r} needs the {column} {' and '.join(map(repr, absent))}, which no row has. "
            f"It has the columns {named(names)}. "
            "Name yours with columns = {…} under [[data]], or choose another format."
        )
    return _nobody(rows, columns, assistant) if isinstance(form, SpeakersFormat) else ""


def _nobody(rows: Sequence[Row], columns: Columns, assistant: str | None) -> str:
    turns = speakers(rows, columns)
    if assistant is None:
        return f'It has to be said who the assistant is: set assistant = "…" under [[data]] to one of {listed(turns)}.'
    if turns and assistant not in turns:
        near = get_close_matches(assistant, turns, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"assistant = {assistant!r}, but nobody of that name speaks.{hint} There are {listed(turns)}."
    return ""


__all__ = [
    "FORMATS",
    "Converted",
    "Detection",
    "Format",
    "columns_for",
    "convert_rows",
    "detect",
    "format_named",
    "format_problem",
    "named",
    "names_of",
    "speakers",
    "unread_columns",
]
