"""Reading a journal in bulk: runs of steps as columns, everything else as events.

Most lines of a long journal are steps, and of a step a curve needs nine numbers. They are decoded without their rows and
their fingerprint, many lines in one call; only the newest step of a bite is decoded whole. A bite that holds a line of an
unknown type, or one that cannot be read, is decoded line by line: what is skipped and counted is the same as one by one.
Only two whole events on one line, and one event on two lines, are taken for what they are here and for damage there;
nobody writes such lines.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from array import array
from collections.abc import Sequence
from typing import Annotated, Any, get_args

import msgspec

from engine.runs import events as e
from engine.runs.columns import StepBlock


class _Lean(msgspec.Struct, tag_field="type", tag="step", gc=False, kw_only=True):
    """A step without its rows and its fingerprint: the same bounds as `events.Step`."""

    v: int = e.FORMAT_VERSION
    seq: int = -1
    t: e.Time = 0.0
    step: e.Count
    epoch: Annotated[float, msgspec.Meta(ge=0, le=1e9)]
    loss: float | None
    finite: bool = True
    supervised_tokens: e.Count = 0
    tokens: e.Count = 0
    cells: e.Count = 0
    learning_rate: float = 0.0
    grad_norm: float | None = None
    seconds: e.Seconds = 0.0
    peak_gib: float = 0.0


_others = [kind for kind in get_args(e.AnyEvent) if kind is not e.Step]
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(functools.reduce(operator.or_, _others, _Lean))
_steps_whole = msgspec.json.Decoder(e.Step)


class Bulk:
    """Decodes bites of whole lines. `skipped` and `damaged` count as in `JournalReader`."""

    def __init__(self) -> None:
        self.skipped = 0
        self.damaged = 0

    def decode(self, data: bytes | bytearray, size: int) -> list[e.AnyEvent | StepBlock]:
        """The events in the first bytes of `data`, in order; steps with nothing between them are one block."""
        items = self._together(data, size)
        if items is None:
            items = self._one_by_one(bytes(data[:size]))
        found: list[e.AnyEvent | StepBlock] = []
        start = 0
        others = [i for i, item in enumerate(items) if type(item) is not _Lean]
        for i in [*others, len(items)]:
            if i > start:
                found += _blocks(items[start:i])
            if i < len(items):
                found.append(items[i])
            start = i + 1
        _complete_newest(found, data, size)
        return found

    def _together(self, data: bytes | bytearray, size: int) -> list[Any] | None:
        try:
            items: list[Any] = _decoder.decode_lines(memoryview(data)[:size])
        except e.UNREADABLE:
            return None
        return items

    def _one_by_one(self, data: bytes) -> list[Any]:
        items, decode = [], _decoder.decode
        for line in data.split(b"\n"):
            if not line.strip():
                continue
            try:
                items.append(decode(line))
            except e.UNREADABLE:
                self._count(line)
        return items

    def _count(self, line: bytes) -> None:
        try:
            e.decode(line)
            self.skipped += 1
        except e.UNREADABLE:
            self.damaged += 1


def _blocks(steps: Sequence[_Lean]) -> list[StepBlock]:
    """One block, or more where a step is written again."""
    numbers = [step.step for step in steps]
    if all(map(operator.lt, numbers, numbers[1:])):
        return [_block(steps, numbers)]
    cuts = [0, *(i for i in range(1, len(numbers)) if numbers[i] <= numbers[i - 1]), len(numbers)]
    return [_block(steps[a:b], numbers[a:b]) for a, b in itertools.pairwise(cuts)]


def _block(steps: Sequence[_Lean], numbers: Sequence[int]) -> StepBlock:
    values = {
        "loss": _column([step.loss for step in steps]),
        "learning_rate": _column([step.learning_rate for step in steps]),
        "grad_norm": _column([step.grad_norm for step in steps]),
        "tokens_per_s": _column([step.tokens / step.seconds if step.seconds > 0 else None for step in steps]),
        "peak_gib": _column([step.peak_gib for step in steps]),
    }
    if all(map(math.isnan, values["tokens_per_s"])):
        del values["tokens_per_s"]
    return StepBlock(
        array("d", numbers),
        array("d", [step.t for step in steps]),
        array("d", [step.tokens for step in steps]),
        values,
        _event_of(steps[-1]),
    )


def _column(values: list[Any]) -> array[float]:
    try:
        return array("f", values)
    except TypeError:
        return array("f", [math.nan if value is None else value for value in values])


def _event_of(step: _Lean) -> e.Step:
    return e.Step(**{name: getattr(step, name) for name in _Lean.__struct_fields__})


def _complete_newest(found: list[e.AnyEvent | StepBlock], data: bytes | bytearray, size: int) -> None:
    """Give the newest step its rows and its fingerprint: it is the last line that reads as a step."""
    place = next((i for i in range(len(found) - 1, -1, -1) if isinstance(found[i], StepBlock)), None)
    if place is None:
        return
    block = found[place]
    assert isinstance(block, StepBlock)
    end = size
    while end > 0:
        start = data.rfind(b"\n", 0, end - 1) + 1
        try:
            event = _steps_whole.decode(data[start:end])
        except e.UNREADABLE:
            end = start
            continue
        if (event.seq, event.step) == (block.last.seq, block.last.step):
            found[place] = block._replace(last=event)
        return
