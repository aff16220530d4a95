"""The view: what a run looks like to a person, folded from its journal.

`RunView.apply` is the one place that gives events a meaning; the Monitor, `watch`, `status` and `--json` all read
the same object. It does no I/O: the state of a run whose worker vanished is decided in `store`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from engine.runs import events as e
from engine.runs.columns import Axis, Gauges, StepBlock, StepColumns
from engine.runs.eta import Eta, Pace
from engine.runs.series import Series
from engine.runs.summary import summary_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOG_LINES = 500
SAMPLES = 200
PAUSED = "paused"
"""The phase of a worker that holds the run between two steps."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A step that a viewer points at: `code` is that of the warning about it, `rows` are the rows it saw."""

    step: int
    code: str
    rows: tuple[str, ...]


class LogLine(NamedTuple):
    """Something that was said: when (Unix time), how grave ("debug", "info", "warning" or "error"), and the words."""

    t: float
    level: str
    message: str


class RunView:
    """Everything known about a run. Series are keyed by metric name, in the order they first appeared."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.hello: e.Hello | None = None
        self.phase: e.Phase | None = None
        self.phases: dict[str, tuple[float, e.Phase]] = {}
        """The phases since the worker started, in order: when each began, and its newest event."""
        self.data: e.Data | None = None
        self.model: e.Model | None = None
        self.plan: e.Plan | None = None
        self.memory: dict[str, e.Memory] = {}
        """The newest figures of each stage: "planned", "rehearsed", "halved", "finished"."""
        self.micro_batch_size = 0
        """Sequences in one forward pass, as it is now; 0 while unknown."""
        self.last_step: e.Step | None = None
        self.finished: e.Finished | None = None
        self.series: dict[str, Series] = {}
        self.samples: deque[e.Sample] = deque(maxlen=SAMPLES)
        self.checkpoints: list[e.Checkpoint] = []
        self.warnings: list[e.Warning_] = []
        self.marks: list[Mark] = []
        """Steps that a warning speaks of, in order: loss spikes."""
        self.log: deque[LogLine] = deque(maxlen=LOG_LINES)
        self.paused = False
        """Whether the worker holds the run between two steps, as somebody asked."""
        self.hardware: e.Hardware | None = None
        """The newest look at the machine."""
        self.resumes = 0
        self._recent: deque[tuple[int, float]] = deque(maxlen=50)
        self._steps = StepColumns(self.series)
        self._gauges = Gauges(self.series)
        self._pace = Pace()
        self._eta: tuple[int, Eta | None] = (-1, None)
        self.started_t: float | None = None
        self.updated_t: float | None = None
        self.thinned = False
        """Whether the curves lack steps, so that they are to be read again for a closer look."""
        self.version = 0
        """Grows with each event: a viewer redraws when it has changed."""

    def apply(self, event: e.AnyEvent) -> None:
        """Fold one event into the view."""
        self.version += 1
        self.updated_t = event.t
        if self.started_t is None:
            self.started_t = event.t
        match event:
            case e.Hello():
                self._on_hello(event)
            case e.Phase():
                self._on_phase(event)
            case e.Data():
                self.data = event
            case e.Model():
                self.model = event
            case e.Plan():
                self.plan = event
                self._pace.plan(event)
                self.micro_batch_size = event.micro_batch_size
            case e.Memory():
                self._on_memory(event)
            case e.Step():
                self._on_step(event)
            case e.Eval():
                self.series.setdefault("eval_loss", Series()).add(event.step, event.loss)
                self._pace.extra(event)
                lowest = ", the lowest so far" if event.best else ""
                self._say(event.t, f"evaluation at step {event.step}: loss {_number(event.loss)}{lowest}")
            case e.Sample():
                self.samples.append(event)
                self._pace.extra(event)
            case e.Checkpoint():
                self.checkpoints = [*(c for c in self.checkpoints if c.step != event.step), event]
                self._pace.extra(event)
                self._say(event.t, f"checkpoint {event.step} written")
            case e.Warning_():
                self._on_warning(event)
            case e.Log():
                self._say(event.t, event.message, event.level)
            case e.Hardware():
                self.hardware = event
                self._gauges.append(self.step, event)
            case e.Ack():
                self._say(event.t, f"{event.command}: received")
            case e.Finished():
                self.finished, self.paused = event, False
                level = "error" if event.outcome == "failed" else "info"
                word = "done" if event.outcome == "succeeded" else event.outcome
                self._say(event.t, word + (f": {event.reason}" if event.reason else ""), level)
            case _:  # events of other journals
                pass

    def _on_hello(self, event: e.Hello) -> None:
        if self.hello is not None or event.resumed_from is not None:
            self.resumes += 1
            self._rewind(event.resumed_from or 0)
            self._say(event.t, f"resumed from step {event.resumed_from or 0}")
        self._steps.begin(event.t)
        self._pace.begin(self.step)
        self.hello, self.finished, self.paused = event, None, False
        self.phases.clear()
        self.memory.clear()

    def _on_phase(self, event: e.Phase) -> None:
        self.phase = event
        began, _ = self.phases.get(event.name, (event.t, event))
        self.phases[event.name] = (began, event)
        if event.name == PAUSED:
            self.paused = True
            self._pace.hold(event.t)
        elif event.name == "training":
            self.paused = False
            self._pace.release(event.t)

    def _on_memory(self, event: e.Memory) -> None:
        self.memory[event.stage] = event
        self.micro_batch_size = event.micro_batch_size

    def _on_warning(self, event: e.Warning_) -> None:
        """Once, also when a resumed worker says it again."""
        if any((known.message, known.step) == (event.message, event.step) for known in self.warnings):
            return
        self.warnings.append(event)
        if event.step is not None:
            self.marks.append(Mark(event.step, event.code, tuple(event.rows)))
        self._say(event.t, f"warning: {event.message}" + (f" ({event.hint})" if event.hint else ""), "warning")

    def _rewind(self, step: int) -> None:
        """Forget the steps that a resumed worker will do again."""
        self._steps.rewind(step)
        self._gauges.rewind(step)
        if (held_out := self.series.get("eval_loss")) is not None:
            held_out.rewind(step)
        self._recent.clear()
        self.checkpoints = [c for c in self.checkpoints if c.step <= step]
        self.samples = deque((s for s in self.samples if s.step <= step), maxlen=SAMPLES)
        self.warnings = [w for w in self.warnings if w.step is None or w.step <= step]
        self.marks = [mark for mark in self.marks if mark.step <= step]
        if self.last_step is not None and self.last_step.step > step:
            epoch = step / self.plan.steps_per_epoch if self.plan and self.plan.steps_per_epoch else 0.0
            self.last_step = msgspec.structs.replace(self.last_step, step=step, epoch=epoch, loss=self.last("loss"))

    def _on_step(self, event: e.Step) -> None:
        self.last_step, self.paused = event, False
        self._recent.append((event.step, event.t))
        self._steps.append(event)
        self._pace.steps((event.step,), (event.t,), (event.tokens,), event.seconds)

    def apply_block(self, block: StepBlock) -> None:
        """Fold many steps into the view: the same as `apply` for each of them."""
        self.version += len(block.steps)
        self.updated_t = block.last.t
        if self.started_t is None:
            self.started_t = block.t[0]
        self.last_step, self.paused = block.last, False
        self._recent.extend(zip(map(int, block.steps[-50:]), block.t[-50:], strict=True))
        self._steps.extend(block)
        self._pace.steps(block.steps, block.t, block.tokens, block.last.seconds)

    def fold(self, item: e.AnyEvent | StepBlock) -> None:
        """`apply` or `apply_block`."""
        if isinstance(item, StepBlock):
            self.apply_block(item)
        else:
            self.apply(item)

    def skip_to(self, event: e.Step) -> None:
        """Fold a step of a journal that is only looked at here and there: those before it count as its like."""
        self.version += 1
        self.updated_t, self.last_step = event.t, event
        self._steps.append(event, max(1, event.step - self._steps.newest))

    @property
    def points(self) -> int:
        """How many steps the curves have."""
        return len(self._steps)

    def thin(self, most: int) -> None:
        """Keep about `most` steps of the curves, the smallest and largest losses among them: for a run nobody looks at."""
        if len(self._steps) > most:
            self._steps.thin(most)
            self.thinned = True

    def x_of(self, axis: Axis) -> NDArray[Any]:
        """The x positions of the series of steps (loss, learning rate, ...), not copied: their numbers, the tokens trained on
        up to each, or the seconds of work up to it, without the time and the steps that were lost between two workers."""
        return self._steps.x_of(axis)

    def x_at(self, axis: Axis, steps: NDArray[Any]) -> NDArray[Any]:
        """The x positions of any steps: of the series of evaluations and of the hardware."""
        return self._steps.x_at(axis, steps)

    def _say(self, t: float, message: str, level: str = "info") -> None:
        self.log.append(LogLine(t, level, message))

    def last(self, name: str) -> float | None:
        """The newest value of a metric; None where there is none, or where it is not finite."""
        series = self.series.get(name)
        return series.last if series else None

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return self.last_step.step if self.last_step else 0

    @property
    def total_steps(self) -> int:
        """Optimiser steps planned; 0 while unknown."""
        return self.plan.steps if self.plan else 0

    @property
    def predicted_gib(self) -> float | None:
        """The planned peak of memory, for the micro-batch as it is now; None where there is no plan."""
        planned = self.memory.get("halved") or self.memory.get("planned")
        return planned.predicted_gib or None if planned else None

    @property
    def measured_gib(self) -> float | None:
        """The highest use that was measured: at the end, else so far; None while nothing was."""
        measured = [event.measured_gib for event in self.memory.values()]
        return max([*measured, self.last("peak_gib") or 0.0]) or None

    @property
    def seconds_per_step(self) -> float | None:
        """Wall time of a step over the newest fifty, evaluation and saving included."""
        if len(self._recent) < 2:
            return self.last_step.seconds if self.last_step else None
        (first, since), (last, until) = self._recent[0], self._recent[-1]
        return max(0.0, until - since) / max(1, last - first)

    @property
    def eta(self) -> Eta | None:
        """How long it will still take, evaluations, samples and checkpoints included; None before the first step."""
        if self._eta[0] != self.version:
            self._eta = (self.version, self._pace.eta)
        return self._eta[1]

    @property
    def eta_s(self) -> float | None:
        """The seconds of `eta`."""
        eta = self.eta
        return None if eta is None else eta.seconds

    def summary(self) -> dict[str, Any]:
        """The facts as plain JSON values (`luthier status --json`)."""
        return summary_of(self)


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4f}"
