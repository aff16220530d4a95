"""The view: what a run looks like to a person, folded from its journal.

`RunView.apply` is the one place that gives events a meaning; the Monitor, `watch`, `status` and `--json` all read
the same object. It does no I/O: the state of a run whose worker vanished is decided in `store`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.runs import events as e
from engine.runs.series import Series

LOG_LINES = 500
SAMPLES = 200


@dataclass(frozen=True, slots=True)
class Mark:
    """A step that a viewer points at: `code` is that of the warning about it, `rows` are the rows it saw."""

    step: int
    code: str
    rows: tuple[str, ...]


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
        self.log: deque[tuple[float, str]] = deque(maxlen=LOG_LINES)
        self.resumes = 0
        self._recent: deque[tuple[int, float]] = deque(maxlen=50)
        self.started_t: float | None = None
        self.updated_t: float | None = None
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
                self.phase = event
                began, _ = self.phases.get(event.name, (event.t, event))
                self.phases[event.name] = (began, event)
            case e.Data():
                self.data = event
            case e.Model():
                self.model = event
            case e.Plan():
                self.plan = event
                self.micro_batch_size = event.micro_batch_size
            case e.Memory():
                self._on_memory(event)
            case e.Step():
                self._on_step(event)
            case e.Eval():
                self._add("eval_loss", event.step, event.loss)
                lowest = ", the lowest so far" if event.best else ""
                self._say(event.t, f"evaluation at step {event.step}: loss {_number(event.loss)}{lowest}")
            case e.Sample():
                self.samples.append(event)
            case e.Checkpoint():
                self.checkpoints = [*(c for c in self.checkpoints if c.step != event.step), event]
                self._say(event.t, f"checkpoint {event.step} written")
            case e.Warning_():
                self._on_warning(event)
            case e.Log():
                self._say(event.t, event.message)
            case e.Ack():
                self._say(event.t, f"{event.command}: received")
            case e.Finished():
                self.finished = event
                self._say(event.t, f"{event.outcome}" + (f": {event.reason}" if event.reason else ""))
            case _:  # events of other journals
                pass

    def _on_hello(self, event: e.Hello) -> None:
        if self.hello is not None or event.resumed_from is not None:
            self.resumes += 1
            self._rewind(event.resumed_from or 0)
            self._say(event.t, f"resumed from step {event.resumed_from or 0}")
        self.hello, self.finished = event, None
        self.phases.clear()
        self.memory.clear()

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
        self._say(event.t, f"warning: {event.message}" + (f" ({event.hint})" if event.hint else ""))

    def _rewind(self, step: int) -> None:
        """Forget the steps that a resumed worker will do again."""
        for series in self.series.values():
            series.rewind(step)
        self._recent.clear()
        self.checkpoints = [c for c in self.checkpoints if c.step <= step]
        self.samples = deque((s for s in self.samples if s.step <= step), maxlen=SAMPLES)
        self.warnings = [w for w in self.warnings if w.step is None or w.step <= step]
        self.marks = [mark for mark in self.marks if mark.step <= step]
        if self.last_step is not None and self.last_step.step > step:
            epoch = step / self.plan.steps_per_epoch if self.plan and self.plan.steps_per_epoch else 0.0
            self.last_step = msgspec.structs.replace(self.last_step, step=step, epoch=epoch, loss=self.last("loss"))

    def _on_step(self, event: e.Step) -> None:
        self.last_step = event
        self._recent.append((event.step, event.t))
        self._add("loss", event.step, event.loss)
        self._add("learning_rate", event.step, event.learning_rate)
        self._add("grad_norm", event.step, event.grad_norm)
        if event.seconds > 0:
            self._add("tokens_per_s", event.step, event.tokens / event.seconds)
        self._add("peak_gib", event.step, event.peak_gib)

    def _add(self, name: str, step: int, value: float | None) -> None:
        self.series.setdefault(name, Series()).add(step, value)

    def _say(self, t: float, message: str) -> None:
        self.log.append((t, message))

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
    def eta_s(self) -> float | None:
        """Seconds until the last step at the present pace."""
        pace = self.seconds_per_step
        return None if pace is None or not self.total_steps else pace * (self.total_steps - self.step)

    def summary(self) -> dict[str, Any]:
        """The facts as plain JSON values (`luthier status --json`)."""
        best = self.series["eval_loss"].lowest if "eval_loss" in self.series else None
        return {
            "run": self.run,
            "step": self.step,
            "total_steps": self.total_steps,
            "epoch": self.last_step.epoch if self.last_step else None,
            "loss": self.last("loss"),
            "eval_loss": self.last("eval_loss"),
            "best_eval_loss": None if best is None else best[1],
            "best_eval_step": None if best is None else int(best[0]),
            "best_checkpoint": next((c.step for c in reversed(self.checkpoints) if c.best), None),
            "learning_rate": self.last("learning_rate"),
            "tokens_per_s": self.last("tokens_per_s"),
            "peak_gib": self.last("peak_gib"),
            "predicted_gib": self.predicted_gib,
            "measured_gib": self.measured_gib,
            "micro_batch_size": self.micro_batch_size or None,
            "eta_s": self.eta_s if self.finished is None else 0.0,
            "checkpoints": [c.step for c in self.checkpoints],
            "warnings": [w.message for w in self.warnings],
            "marks": [{"step": mark.step, "code": mark.code, "rows": list(mark.rows)} for mark in self.marks],
            "resumes": self.resumes,
            "phase": self.phase.name if self.phase else None,
            "outcome": self.finished.outcome if self.finished else None,
            "reason": self.finished.reason if self.finished else "",
            "pid": self.hello.pid if self.hello else None,
            "host": self.hello.host if self.hello else None,
            "device": self.model.device if self.model else None,
            "started_t": self.started_t,
            "updated_t": self.updated_t,
        }


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4f}"
