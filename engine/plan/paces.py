"""How fast earlier runs of the same model were: the best word on how fast the next one will be.

Read from the end of their journals, where steps are as they are all along.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.config.runfile import RunFile
from engine.plan.memory import Planned
from engine.plan.timing import Pace
from engine.plan_facts import DeviceFacts
from engine.runs.events import AnyEvent, Memory, Model, Step, decode
from engine.runs.lock import is_held
from engine.runs.paths import RunDir
from engine.runs.store import list_runs
from engine.train.model import quantization_name

TIMED = "timed"
LOOKED_AT, ENOUGH = 30, 3
"""Newest runs that are looked at, and how many of the same model are compared."""
LEAST_STEPS = 5
"""Steps of a run that count: the first of all warms up."""
LEAST_OFF = 0.05
"""No time is told closer than this share of it."""
MOST_OFF = 0.5
"""Runs that differ by more say nothing about how far off the next one will be."""
_HEAD, _TAIL = 1 << 18, 1 << 19
_SAME = 0.01
"""Share by which the parameters of one model may differ: padding of what is quantised, new tokens."""
_CLOSE = 0.25
"""Share of the layers by which recomputation may differ."""


@dataclass(frozen=True, slots=True)
class Told:
    """A pace, and who told it."""

    pace: Pace
    source: str
    off: float | None = None
    """Share by which it may be off; None where nothing tells."""


@dataclass(frozen=True, slots=True)
class Like:
    """What an earlier run has to share with a plan to tell its pace."""

    architecture: str
    parameters: int
    """Of the base, without adapters."""
    quantization: str
    kind: str
    device: str
    """The name of a GPU."""
    layers: int
    checkpointed: int

    @classmethod
    def of(cls, run: RunFile, made: Planned, device: DeviceFacts) -> Like:
        """Of a plan."""
        return cls(
            architecture=made.architecture,
            parameters=made.shapes.parameters,
            quantization=quantization_name(run.quantization),
            kind=device.kind,
            device=device.name,
            layers=made.plan.layers,
            checkpointed=made.plan.checkpointed_layers,
        )

    def matches(self, model: Model) -> bool:
        """Whether a run trained such a model on such a device."""
        where = model.device.startswith("CPU" if self.kind == "cpu" else self.device)
        same = (model.architecture, model.quantization) == (self.architecture, self.quantization)
        sizes = (model.parameters, model.parameters - model.trainable_parameters)  # with adapters, or without
        return same and where and any(abs(size / max(1, self.parameters) - 1) <= _SAME for size in sizes)


def earlier_pace(runs: Path, like: Like) -> Told | None:
    """The pace of the newest run like this one, and how far others were from it; None where there is none."""
    found: list[tuple[str, float, float]] = []
    for folder in list_runs(runs)[:LOOKED_AT]:
        if is_held(folder.lock):
            continue  # what goes on beside other work is no measure yet
        seconds = _seconds_per_cell(folder, like)
        if seconds is not None:
            found.append((folder.name, *seconds))
        if len(found) == ENOUGH:
            break
    if not found:
        return None
    name, both, spread = found[0]
    paces = [each for _, each, _ in found]
    off = max(LEAST_OFF, spread, (max(paces) - min(paces)) / both)
    again = like.checkpointed / max(1, like.layers)
    return Told(Pace(both / (2 + again), both), f"earlier run {name}", off if off <= MOST_OFF else None)


def _seconds_per_cell(run: RunDir, like: Like) -> tuple[float, float] | None:
    """(seconds of a step for a cell, share by which half of the steps are off) of a run that is like it."""
    journal = run.journal
    try:
        size = journal.stat().st_size
        with journal.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(max(0, size - _TAIL))
            tail = file.read(_TAIL)
    except OSError:
        return None
    model = memory = None
    for event in _events(head):
        if isinstance(event, Model):
            model = event
        elif isinstance(event, Memory) and event.layers:
            memory = event
    if model is None or not like.matches(model):
        return None
    if memory is not None and abs(memory.checkpointed_layers - like.checkpointed) > _CLOSE * memory.layers:
        return None
    steps = [event for event in _events(tail) if isinstance(event, Step) and event.cells and event.seconds > 0]
    paces = sorted(step.seconds / step.cells for step in steps if step.step > 1)
    if len(paces) < LEAST_STEPS:
        return None
    middle = statistics.median(paces)
    low, _, high = statistics.quantiles(paces, n=4)
    counted = [step for step in steps if step.step > 1]
    mean = sum(step.seconds for step in counted) / sum(step.cells for step in counted)
    return mean, (high - low) / 2 / middle / len(paces) ** 0.5


def _events(lines: bytes) -> Iterator[AnyEvent]:
    for line in lines.split(b"\n"):
        try:
            event = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # a line that the cut went through
        if event is not None:
            yield event
