"""Conversations between people with names, such as podcasts and interviews: one of them is chosen to be the assistant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.data.base import Counts, Format
from engine.data.conversation import Conversation, Message, Role
from engine.data.rows import Row
from engine.data.turns import Columns, RowError, kind_of, text_of, turns_of

WHO, WHAT = ("from", "speaker", "name", "role"), ("text", "value", "content", "utterance")
OPENING = "turns of the assistant that open a conversation"
SHOWN = 12


@dataclass(frozen=True)
class SpeakersFormat(Format):
    """A list of turns, each with the name of its speaker (`from`, `speaker`, `name`) and a text (`text`, `value`, `content`).

    `assistant` speaks as the assistant, everybody else as the user. Turns of the assistant before anybody else spoke
    answer nothing and are left out; turns that follow one another on the same side are joined with a line break.
    """

    column: str
    assistant: str | None = None

    @property
    def roles(self) -> Mapping[str, str]:
        return {"messages": self.column, "system?": "system"}

    def convert(self, row: Row, columns: Columns, counts: Counts = None) -> list[Conversation]:
        if self.assistant is None:
            raise RowError('nobody was chosen to be the assistant: set assistant = "…" under [[data]]')
        name = columns["messages"]
        system = text_of(row, columns["system"], required=False)
        messages = [Message("system", system, columns["system"])] if system else []
        spoken: list[tuple[Role, str, list[str]]] = []
        for number, turn in enumerate(turns_of(row, name)):
            source = f"{name}[{number}]"
            who, text = said(turn, source)
            role: Role = "assistant" if who == self.assistant else "system" if who == "system" else "user"
            if role == "assistant" and not any(earlier == "user" for earlier, _, _ in spoken):
                if counts is not None:
                    counts[OPENING] += 1
            elif spoken and spoken[-1][0] == role:
                spoken[-1][2].append(text)
            else:
                spoken.append((role, source, [text]))
        messages += [Message(role, "\n".join(texts), source) for role, source, texts in spoken]
        return [Conversation(row.origin, tuple(messages), row.values)]

    def fitting(self, rows: Sequence[Row], columns: Columns) -> tuple[int, str]:
        """Rows that are lists of turns, whoever is the assistant."""
        reason, fits = "", 0
        for row in rows:
            try:
                for number, turn in enumerate(turns_of(row, columns["messages"])):
                    said(turn, f"{columns['messages']}[{number}]")
                fits += 1
            except RowError as error:
                reason = reason or str(error)
        return fits, reason

    def remark(self, rows: Sequence[Row], columns: Columns) -> str:
        if self.assistant is None:
            return f"say who is the assistant: {listed(speakers(rows, columns))}"
        return f"{self.assistant} is the assistant, everybody else the user; turns on one side are joined"


def said(turn: Any, source: str) -> tuple[str, str]:
    """(speaker, text) of a turn. Raises RowError when it is none."""
    if not isinstance(turn, dict):
        raise RowError(f"{source} is {kind_of(turn)}, not an object with a speaker and a text")
    who = next((turn[key] for key in WHO if isinstance(turn.get(key), str)), None)
    text = next((turn[key] for key in WHAT if isinstance(turn.get(key), str)), None)
    if who is None or text is None:
        lacks = f"a speaker ({', '.join(WHO)})" if who is None else f"a text ({', '.join(WHAT)})"
        raise RowError(f"{source} lacks {lacks}")
    return who, text


def speakers(rows: Iterable[Row], columns: Columns) -> dict[str, int]:
    """Who speaks in these rows, and how many turns: those who speak most first."""
    counted: Counter[str] = Counter()
    for row in rows:
        turns = row.values.get(columns["messages"])
        for turn in turns if isinstance(turns, list) else []:
            try:
                counted[said(turn, "")[0]] += 1
            except RowError:
                continue  # whoever converts the row says what is wrong with it
    counted.pop("system", None)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def listed(turns: Mapping[str, int]) -> str:
    """Speakers with their turns, for a sentence."""
    shown = [f"{name!r} ({count} turn{'s' if count > 1 else ''})" for name, count in list(turns.items())[:SHOWN]]
    more = f" and {len(turns) - SHOWN} more" if len(turns) > SHOWN else ""
    return ", ".join(shown) + more
