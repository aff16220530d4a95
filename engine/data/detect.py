"""What rows could be read as: every format that fits, with a reason and how sure it is.

Names propose, values decide: a format counts as fitting only as far as the rows really convert. A list of turns is found
whatever its column is called.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from engine.data.base import Format
from engine.data.chat import ChatFormat
from engine.data.oasst import TreeFormat
from engine.data.rows import Row
from engine.data.speakers import SpeakersFormat, speakers
from engine.data.turns import ROLE_NAMES, Columns

SAMPLE = 200
"""Rows that are looked at."""
Confidence = Literal["certain", "likely", "possible"]
_NOT_A_CHAT = {"chosen", "rejected", "replies", "instances", "choices", "tools", "functions", "history", "tool_calls"}
"""Columns with lists of objects that have a meaning of their own."""
_LAST = ("text", "token_ids")
"""What rows are taken for where they can be taken for nothing else."""
_ORDER: dict[str, int] = {"certain": 0, "likely": 1, "possible": 2}


class Detection(msgspec.Struct, frozen=True):
    """A format that rows could be read as.

    "certain": every row has the columns and converts. "likely": most do. "possible": the columns have other names than
    usual, or the names fit and the values do not.
    """

    name: str
    reason: str
    confidence: Confidence
    columns: dict[str, str]
    """Role -> column, as `Format.convert` takes it."""


@dataclass(frozen=True, slots=True)
class _Judged:
    detection: Detection
    share: float
    """Of the rows, those that convert."""


def columns_for(form: Format, chosen: Columns, names: Container[str] = ()) -> dict[str, str]:
    """See `formats.columns_for`."""
    out: dict[str, str] = {}
    for role, usual in form.roles.items():
        bare = role.removesuffix("?")
        out[bare] = chosen.get(bare, usual)
        if bare != role and bare not in chosen and usual not in names:
            out[bare] = next((name for name in form.synonyms.get(bare, ()) if name in names), usual)
    return out


def find(formats: Mapping[str, Format], rows: Sequence[Row], chosen: Columns, assistant: str | None) -> list[Detection]:
    """See `formats.detect`."""
    sample = rows[:SAMPLE]
    names = list(dict.fromkeys(key for row in sample for key in row.values))
    found: list[_Judged] = []
    misfits: list[_Judged] = []
    for name, form in formats.items():
        if not set(chosen) <= {role.removesuffix("?") for role in form.roles}:
            continue
        if isinstance(form, SpeakersFormat):
            form = SpeakersFormat(form.column, assistant)
        best = _best(name, form, sample, names, chosen, [judged.detection for judged in found])
        if best is not None and best.share:
            found.append(best)
        elif best is not None and not isinstance(form, TreeFormat):  # "prompt" alone is no sign of a tree
            misfits.append(best)
    ranked = sorted(_demoted(found), key=lambda judged: _rank(judged, assistant))
    return _without_twins([judged.detection for judged in ranked or misfits[:1]])


def _without_twins(detections: list[Detection]) -> list[Detection]:
    """Of pairs that read the same question and the same answer, the first."""
    out: dict[object, Detection] = {}
    for detection in detections:
        prompt, answer = detection.columns.get("prompt"), detection.columns.get("answer")
        out.setdefault((prompt, answer, detection.columns.get("choices")) if answer else detection.name, detection)
    return list(out.values())


def _rank(judged: _Judged, assistant: str | None) -> tuple[bool, int, int]:
    name = judged.detection.name
    named = assistant is not None and name == "speakers"
    return (not named, _ORDER[judged.detection.confidence], _LAST.index(name) if name in _LAST else -1)


def _demoted(found: list[_Judged]) -> list[_Judged]:
    """Where rows hold a conversation, a text beside it is no more than a possibility; so are ids beside either.

    Ids belong to one tokenizer, and nothing says which.
    """
    fitting = {judged.detection.name for judged in found if judged.share > 0.5}
    behind = {name for place, name in enumerate(_LAST) if fitting - set(_LAST[place:])}
    return [
        _Judged(msgspec.structs.replace(j.detection, confidence="possible"), j.share)
        if j.detection.name in behind
        else j
        for j in found
    ]


def _best(
    name: str, form: Format, sample: Sequence[Row], names: list[str], chosen: Columns, before: list[Detection]
) -> _Judged | None:
    """The likeliest way to read the rows by one format."""
    best: _Judged | None = None
    for columns, how in _candidates(form, sample, names, chosen, before):
        judged = _judge(name, form, sample, columns, how)
        if judged is not None and (best is None or judged.share > best.share):
            best = judged
        if best is not None and best.share == 1:
            break
    return best


def _candidates(
    form: Format, sample: Sequence[Row], names: list[str], chosen: Columns, before: list[Detection]
) -> Iterator[tuple[dict[str, str], str]]:
    """(columns, why they are taken) in the order of likelihood; the reason of the usual ones is ""."""
    usual = columns_for(form, chosen, names)
    if not isinstance(form, SpeakersFormat):
        yield usual, ""
    if isinstance(form, ChatFormat | SpeakersFormat) and "messages" not in chosen:
        read = {detection.columns.get("messages") for detection in before}
        for name in names:
            if name not in read and _holds_turns(form, sample, name):
                yield {**usual, "messages": name}, "which holds lists of turns"
    elif isinstance(form, SpeakersFormat):
        yield usual, ""
    columns, lower = dict(usual), {name.lower(): name for name in reversed(names)}
    for role in form.roles:
        if role not in chosen and columns[role.removesuffix("?")] not in names:
            others = form.synonyms.get(role.removesuffix("?"), ())
            columns[role.removesuffix("?")] = next(
                (lower[other] for other in others if other in lower and lower[other] not in columns.values()),
                columns[role.removesuffix("?")],
            )
    if columns != usual:
        yield columns, "names that such columns often have"


def _holds_turns(form: ChatFormat | SpeakersFormat, sample: Sequence[Row], name: str) -> bool:
    if name in _NOT_A_CHAT:
        return False
    if isinstance(form, SpeakersFormat):  # names of roles are no names of speakers
        return any(who.lower() not in ROLE_NAMES for who in speakers(sample, {"messages": name}))
    lists = [row.values.get(name) for row in sample]
    first = next((turn for turns in lists if isinstance(turns, list) for turn in turns), None)
    return isinstance(first, dict) and form.who in first


def _judge(name: str, form: Format, sample: Sequence[Row], columns: dict[str, str], how: str) -> _Judged | None:
    wanted = [columns[role] for role in form.roles if not role.endswith("?")]
    having = [row for row in sample if all(column in row.values for column in wanted)]
    if len(having) * 2 <= len(sample):
        return None
    fits, why = form.fitting(having, columns)
    share = fits / len(sample)
    reason = "all rows have " if len(having) == len(sample) else f"{len(having)} of {len(sample)} rows have "
    reason += " and ".join([", ".join(wanted[:-1]), *wanted[-1:]] if len(wanted) > 2 else wanted) + (
        f", {how}" if how else ""
    )
    if fits < len(having):
        reason += f"; {len(having) - fits} of them {'does' if len(having) - fits == 1 else 'do'} not fit: {why}"
    remark = form.remark(having, columns) if fits else ""
    reason += f"; {remark}" if remark else ""
    if isinstance(form, SpeakersFormat):
        known = form.assistant is not None and form.assistant in speakers(having, columns)
        confidence: Confidence = "certain" if known and share == 1 else "likely" if share > 0.5 else "possible"
    elif share == 1 and not how:
        confidence = "certain"
    else:
        confidence = "likely" if share > 0.5 and not how else "possible"
    return _Judged(Detection(name, reason, confidence, columns), share)
