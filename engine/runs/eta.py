"""How long a run will still take, how sure that is, and how wrong it was so far.

What is left are steps, at the pace of the newest ones, and the evaluations, samples and checkpoints that the plan
foresees, each at its own measured duration. The pace is taken of pairs of steps with nothing between them, so that a slow
first step, a pause and a night between two workers have no part in it.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.runs import events as e

_WINDOW = 50
"""Pairs of steps that the pace is taken of."""
_FAR = 5.0
"""A pair that took more than this many times the median was held up: it does not count."""
_PARTS = 20
"""Into so many parts the run is cut: at the end of each the estimate is kept, to be judged later."""
_MEASURED = 5
"""Evaluations, and so on, that a duration is taken of."""


@dataclass(frozen=True, slots=True)
class Eta:
    """An estimate. `error` is how far earlier ones of this run were off, as a share; None while there were none."""

    seconds: float
    plus_minus: float
    error: float | None


def due_between(every: int, first: int, last: int, total: int) -> int:
    """How often something is due in (first, last] that is done every so many steps, and after the last of all."""
    if every <= 0 or last <= first:
        return 0
    return last // every - first // every + (1 if first < total <= last and total % every else 0)


@dataclass(frozen=True, slots=True)
class _Forecast:
    """What was believed when a step was done: enough to say what any stretch after it would take."""

    step: int
    t: float
    idle: float
    per_step: float
    extras: tuple[tuple[int, float], ...]
    """(every so many steps, seconds) of evaluations, samples and checkpoints."""

    def until(self, step: int, total: int) -> float:
        """Seconds from the end of its step to the end of a later one; what follows that one is not in it."""
        extra = sum(seconds * due_between(every, self.step - 1, step - 1, total) for every, seconds in self.extras)
        return self.per_step * (step - self.step) + extra


@dataclass
class _Extra:
    """Evaluations, samples or checkpoints: how long they take and when they came."""

    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_MEASURED))
    steps: deque[int] = field(default_factory=lambda: deque(maxlen=_MEASURED + 1))

    def done(self, step: int) -> None:
        if step and (not self.steps or step > self.steps[-1]):
            self.steps.append(step)

    def every(self, planned: int, told: bool) -> int:
        """Steps between two: as planned, or, in journals that do not tell, as they came so far; 0 for never."""
        if told or len(self.steps) < 2:
            return planned
        return max(1, round((self.steps[-1] - self.steps[0]) / (len(self.steps) - 1)))

    @property
    def mean(self) -> float:
        return _mean(self.seconds) if self.seconds else 0.0

    @property
    def spread(self) -> float:
        return _spread(self.seconds) if len(self.seconds) > 1 else 0.0


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return math.fsum(known) / len(known)


def _spread(values: Iterable[float]) -> float:
    """One standard deviation."""
    known = list(values)
    mean = _mean(known)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in known) / len(known))


class Pace:
    """Watches a run and says how long it will still take."""

    def __init__(self) -> None:
        self._plan: e.Plan | None = None
        self._pairs: deque[tuple[float, float]] = deque(maxlen=_WINDOW)
        """(seconds, tokens) of steps that followed another one at once."""
        self._newest: tuple[int, float, float] | None = None
        """The newest step, its Unix time, and the idle seconds by then."""
        self._guess: float | None = None
        """What the newest step says of itself: all there is while there is no pair."""
        self._disturbed = True
        """Whether something else happened since the newest step."""
        self._held_since: float | None = None
        self._idle = 0.0
        """Seconds of pauses."""
        self._steps = self._tokens = 0.0
        self._extras = {"eval": _Extra(), "sample": _Extra(), "save": _Extra()}
        self._between: dict[str, float] = {}
        """Evaluations, samples and checkpoints since the newest step, with the seconds they say they took."""
        self._kept: list[_Forecast] = []
        self._judged: list[float] = []
        """Errors of the estimates of earlier workers."""
        self._mark = 0
        """The step at which the next estimate is kept."""

    def plan(self, event: e.Plan) -> None:
        """Take the plan."""
        self._plan = event
        self._mark = self._next_mark(self._newest[0] if self._newest else 0)

    def begin(self, step: int) -> None:
        """A worker starts after a step. Estimates of the one before it are judged by what it did."""
        self._judged += self._errors()
        self._kept.clear()
        self._between.clear()
        self._newest, self._disturbed, self._held_since = None, True, None
        self._mark = self._next_mark(step)

    def hold(self, t: float) -> None:
        """The run is paused."""
        self._held_since = t if self._held_since is None else self._held_since
        self._disturbed = True

    def release(self, t: float) -> None:
        """The pause is over, if there was one."""
        if self._held_since is not None:
            self._idle += max(0.0, t - self._held_since)
            self._held_since = None

    def extra(self, event: e.Eval | e.Sample | e.Checkpoint) -> None:
        """An evaluation, a sample or a checkpoint was made."""
        self._disturbed = True
        name = "eval" if isinstance(event, e.Eval) else "save" if isinstance(event, e.Checkpoint) else "sample"
        self._extras[name].done(event.step)
        self._between[name] = self._between.get(name, 0.0) + (0.0 if isinstance(event, e.Sample) else event.seconds)

    def steps(self, numbers: Sequence[float], times: Sequence[float], tokens: Sequence[float], own: float) -> None:
        """Steps that followed each other at once, at least one; `own` is what the last says it took."""
        self.release(times[0])
        self._settle(times[0])
        self._guess = own or None
        start = 0
        while numbers[-1] >= self._mark > 0:
            stop = bisect_left(numbers, self._mark) + 1
            self._take(numbers, times, tokens, start, stop)
            self._keep()
            self._mark, start = self._next_mark(int(numbers[stop - 1])), stop
        self._take(numbers, times, tokens, start, len(numbers))

    def _take(
        self, numbers: Sequence[float], times: Sequence[float], tokens: Sequence[float], start: int, stop: int
    ) -> None:
        if stop <= start:
            return
        if start == 0 and self._newest is not None and numbers[0] == self._newest[0] + 1 and not self._disturbed:
            self._pairs.append((times[0] - self._newest[1], tokens[0]))
        for i in range(max(1, start, stop - _WINDOW), stop):
            if numbers[i] == numbers[i - 1] + 1:
                self._pairs.append((times[i] - times[i - 1], tokens[i]))
        self._steps += stop - start
        self._tokens += sum(tokens[start:stop])
        self._newest, self._disturbed = (int(numbers[stop - 1]), times[stop - 1], self._idle), False

    def _settle(self, t: float) -> None:
        """What lay between two steps took what it says, but no more than there was time; the rest was the samples, or what
        came first."""
        said, pace, share, rest = sum(self._between.values()), self.per_step, 1.0, 0.0
        if self._newest is not None and pace is not None:
            took = max(0.0, t - self._newest[1] - (self._idle - self._newest[2]) - pace)
            rest, share = max(0.0, took - said), min(1.0, took / said) if said else 1.0
        receiver = "sample" if "sample" in self._between else next(iter(self._between), "")
        for name, seconds in self._between.items():
            self._extras[name].seconds.append(seconds * share + (rest if name == receiver else 0.0))
        self._between.clear()

    def _next_mark(self, step: int) -> int:
        total = self._plan.steps if self._plan else 0
        return next((at for part in range(1, _PARTS) if (at := total * part // _PARTS) > step), 0)

    def _keep(self) -> None:
        pace = self.per_step
        if self._pairs and pace is not None and self._newest is not None:
            step, t, idle = self._newest
            self._kept.append(_Forecast(step, t, idle, pace, self._forecast_extras()))

    def _forecast_extras(self) -> tuple[tuple[int, float], ...]:
        plan = self._plan
        if plan is None:
            return ()
        told = plan.save_every > 0
        planned = {"eval": plan.eval_every, "sample": plan.sample_every, "save": plan.save_every}
        return tuple((extra.every(planned[name], told), extra.mean) for name, extra in self._extras.items())

    def _usual(self) -> list[tuple[float, float]]:
        """The pairs that nothing held up."""
        if not self._pairs:
            return []
        median = statistics.median(seconds for seconds, _ in self._pairs)
        return [pair for pair in self._pairs if pair[0] <= _FAR * median] or list(self._pairs)

    @property
    def per_step(self) -> float | None:
        """Seconds of a step of usual length, with nothing but steps in it; None before the first."""
        usual = self._usual()
        if not usual:
            return self._guess
        seconds = max(0.0, _mean(pair[0] for pair in usual))
        recent = _mean(pair[1] for pair in usual)
        ordinary = self._tokens / self._steps if self._steps else 0.0
        return seconds * (min(2.0, max(0.5, ordinary / recent)) if recent > 0 and ordinary > 0 else 1.0)

    def _errors(self) -> list[float]:
        if self._newest is None or self._plan is None:
            return []
        step, t, idle = self._newest
        errors = []
        for kept in self._kept:
            took = (t - kept.t) - (idle - kept.idle)
            if step > kept.step and took > 0:
                errors.append(abs(kept.until(step, self._plan.steps) - took) / took)
        return errors

    @property
    def eta(self) -> Eta | None:
        """The estimate after the newest event; None before the first step and where no plan is known."""
        pace = self.per_step
        if self._plan is None or not self._plan.steps or self._newest is None or pace is None:
            return None
        total, step = self._plan.steps, self._newest[0]
        left = max(0, total - step)
        seconds, variance = pace * left, 0.0
        for (every, mean), extra in zip(self._forecast_extras(), self._extras.values(), strict=True):
            done = bool(extra.steps) and extra.steps[-1] >= step
            count = due_between(every, step if done else step - 1, total, total)
            seconds += count * mean
            variance += count * extra.spread**2
        usual = [pair[0] for pair in self._usual()]
        noise = _spread(usual) ** 2 * left * (1 + left / len(usual)) if len(usual) > 1 else 0.0
        drift = _spread([*(kept.per_step for kept in self._kept), pace]) * left
        errors = self._judged + self._errors()
        return Eta(seconds, math.sqrt(variance + noise + drift**2), _mean(errors) if errors else None)
