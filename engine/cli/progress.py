"""What a person sees while a run goes on: a live bar when stderr is a terminal, plain lines when it is not."""

from __future__ import annotations

import time
from typing import Protocol

from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

from engine.cli import console
from engine.runs import events as e
from engine.runs.eta import Eta
from engine.runs.series import sparkline
from engine.runs.view import PAUSED, RunView
from engine.text import one_line

LINE_EVERY_S = 5.0


class Narrator(Protocol):
    """Shows events; `view` has them folded in already."""

    def event(self, event: e.AnyEvent, view: RunView) -> None: ...

    def close(self) -> None: ...


def narrator(quiet: bool) -> Narrator:
    """The right one for this stderr."""
    if quiet:
        return Silent()
    return Live() if console.err.is_terminal else Lines()


class Silent:
    """With --json nothing is narrated."""

    def event(self, event: e.AnyEvent, view: RunView) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def sentence(event: e.AnyEvent) -> str:
    """An event in words; empty for those that are shown otherwise."""
    match event:
        case e.Hello():
            again = f", going on from step {event.resumed_from}" if event.resumed_from is not None else ""
            return f"{event.run}: worker {event.pid} on {event.host}{again}"
        case e.Data():
            return (
                f"{event.train_examples:,} training sequences of {event.train_tokens:,} tokens "
                f"({event.supervised_tokens:,} supervised), {event.test_examples:,} held out"
            )
        case e.Model():
            return (
                f"{event.architecture}, {event.parameters:,} parameters in {event.quantization}, "
                f"{event.trainable_parameters:,} trained ({event.adapter}), on {event.device}"
            )
        case e.Plan():
            return f"{event.steps:,} steps of {event.batch_size} sequences, {event.steps_per_epoch:,} steps an epoch"
        case e.Memory():
            return memory_sentence(event)
        case e.Eval():
            best = ", the lowest so far" if event.best else ""
            return f"evaluation at step {event.step}: loss {number(event.loss)}{best}"
        case e.Sample():
            return f"sample at step {event.step}: {one_line(event.prompt, 60)} → {one_line(event.text, 160)}"
        case e.Checkpoint():
            return f"checkpoint {event.step} written"
        case e.Warning_():
            return f"warning: {event.message}" + (f" ({event.hint})" if event.hint else "")
        case e.Log():
            return event.message if event.level == "info" else f"{event.level}: {event.message}"
        case e.Ack():
            return f"{event.command}: the worker will do it"
        case _:
            return ""


def memory_sentence(event: e.Memory) -> str:
    """What a run takes of its device, in words."""
    cut = f"micro-batches of {event.micro_batch_size} x {event.grad_accumulation}"
    again = (
        f", {event.checkpointed_layers} of {event.layers} layers computed again" if event.checkpointed_layers else ""
    )
    planned = f"{event.predicted_gib:.2f} GiB planned" if event.predicted_gib else "no plan"
    match event.stage:
        case "planned":
            over = event.limit_gib and event.predicted_gib > event.limit_gib
            short = "; that does not fit, so they will be cut smaller" if over else ""
            return f"memory: {planned} of {event.limit_gib:.2f} GiB, {cut}{again}{short}"
        case "rehearsed":
            return f"memory: {event.measured_gib:.2f} GiB measured on the longest batch ({planned}), {cut}{again}"
        case "halved":
            return f"memory: now {planned}, {cut}{again}"
        case _:
            return f"memory: {event.measured_gib:.2f} GiB at the highest ({planned})"


def number(value: float | None) -> str:
    """A loss for people."""
    return "not finite" if value is None else f"{value:.4f}"


def duration(seconds: float | None) -> str:
    """Seconds as people say them: 45 s, 12 min, 3.5 h."""
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def left(eta: Eta | None) -> str:
    """How long it will still take, with what that is sure to: "12 min ± 1"."""
    if eta is None:
        return "?"
    unit, digits = (1.0, 0) if eta.seconds < 90 else (60.0, 0) if eta.seconds < 5400 else (3600.0, 1)
    least = 10.0**-digits
    return f"{duration(eta.seconds)} ± {max(least, eta.plus_minus / unit):.{digits}f}"


class Lines:
    """Plain lines for logs and pipes: every event in words, steps at most once in five seconds."""

    def __init__(self) -> None:
        self._phase = ""
        self._said = 0.0

    def event(self, event: e.AnyEvent, view: RunView) -> None:
        """Print the event."""
        if isinstance(event, e.Phase):
            if event.name != self._phase and event.name not in ("training", "evaluating"):
                console.say(f"{event.name} …")
            self._phase = event.name
        elif isinstance(event, e.Step):
            self._step(event, view)
        elif text := sentence(event):
            console.say(text)

    def _step(self, event: e.Step, view: RunView) -> None:
        if event.step != view.step:
            return  # one of the past: the view knows more already, and its pace is not this step's
        now = time.monotonic()
        if now - self._said < LINE_EVERY_S and event.step not in (1, view.total_steps):
            return
        self._said = now
        rate = view.last("tokens_per_s") or 0.0
        console.say(
            f"step {event.step}/{view.total_steps}  loss {number(event.loss)}  lr {event.learning_rate:.2e}  "
            f"{rate:,.0f} tok/s  {left(view.eta)} left"
        )

    def close(self) -> None:
        """Nothing is held."""


def _style(event: e.AnyEvent) -> str:
    if isinstance(event, e.Warning_):
        return "yellow"
    if isinstance(event, e.Log):
        return {"warning": "yellow", "error": "red"}.get(event.level, "dim")
    return ""


class _Figures(ProgressColumn):
    """The figures behind the bar."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def render(self, task: Task) -> Text:
        return Text(self.text, no_wrap=True, overflow="ellipsis")


class Live:
    """A live line at the bottom, events in words above it."""

    def __init__(self) -> None:
        self._figures = _Figures()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            self._figures,
            console=console.err,
            refresh_per_second=4,
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=None)
        self._progress.start()

    def event(self, event: e.AnyEvent, view: RunView) -> None:
        """Update the line or print above it."""
        if isinstance(event, e.Phase):
            if event.name == PAUSED:
                self._progress.update(self._task, description=f"paused at step {view.step}")
            elif event.name != "training":
                total = event.total or None
                self._progress.update(self._task, description=event.name, completed=event.done, total=total)
        elif isinstance(event, e.Step):
            name = f"step {event.step}/{view.total_steps}"
            self._progress.update(self._task, description=name, completed=event.step, total=view.total_steps)
            self._figures.text = self._line(view)
        elif text := sentence(event):
            self._progress.console.print(console.safe(text, _style(event)))

    @staticmethod
    def _line(view: RunView) -> str:
        spark = sparkline(view.series["loss"].values[-400:], 12)
        held_out = view.last("eval_loss")
        parts = [spark, f"loss {number(view.last('loss'))}"]
        if held_out is not None:
            parts.append(f"eval {held_out:.4f}")
        parts += [f"{view.last('tokens_per_s') or 0:,.0f} tok/s", f"{left(view.eta)} left"]
        if view.hardware is not None and view.hardware.gpu_percent is not None:
            parts.append(f"GPU {view.hardware.gpu_percent:.0f} %")
        return "  ".join(parts)

    def close(self) -> None:
        """Take the live line away."""
        self._progress.stop()
