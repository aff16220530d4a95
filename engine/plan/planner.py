"""Plans of a run file that is being edited: a first answer at once, then the exact one, from what is kept between them.

Invariant: an answer that is called exact has the numbers of `plan_run`. What is not exact comes from passes that are like the
ones that would be traced (`near.py`), or from a sample of many rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.config.runfile import RunFile
from engine.plan.counting import Counting, json
from engine.plan.device import named_device, watched_device
from engine.plan.kept import Kept
from engine.plan.masks import Masks
from engine.plan.memory import Planned
from engine.plan.paces import TIMED, Told
from engine.plan.pacing import Pacing
from engine.plan.remedies import remedies
from engine.plan.run_plan import Work, assembled, earlier_of, found_pace, memory_of
from engine.plan_facts import DeviceFacts, Remedy, RunPlan
from engine.plan_talk import Question, Reply, Sequences

RUNS_S = 30.0
"""How long what earlier runs told is believed."""


class Planner:
    """Answers questions. Not for several threads."""

    def __init__(self, between: Callable[[], None] = lambda: None, gpu: str = "", pacing: Pacing | None = None) -> None:
        """`between` is called where a newer question may end this one, by raising `Interrupted`."""
        self.between = between
        self._gpu = gpu
        self.kept = Kept(between)
        self.counting = Counting(between)
        self._pacing = pacing or Pacing()
        self.ahead: tuple[RunFile, Path, Work, DeviceFacts] | None = None
        """What was planned last, where more could be made for the next question."""
        self._runs: dict[str, tuple[float, Any]] = {}
        self._remedies: dict[str, list[Remedy]] = {}

    def take(self, said: Sequences) -> None:
        """Keep sequences that questions will be about."""
        self.counting.take(said.key, Masks.unpacked(said.masks))

    def answers(self, asked: Question) -> Iterator[Reply]:
        """The answers, each more exact; the last one is final. Raises LuthierError, Interrupted."""
        run, folder = RunFile.model_validate(asked.run), Path(asked.folder)
        limit = run.train.memory_limit
        device = named_device(asked.device, limit) if asked.device else watched_device(self._gpu, limit)
        case = _Case(self, asked, run, folder, device)
        work, counted = self.counting.quick(run, asked)
        with self.kept.guessing():
            made = memory_of(run, folder, work, device, self.kept)
        rows = asked.whole and asked.share == 1.0 and asked.last
        sure = counted and not self.kept.guessed
        done = not asked.last or (sure and case.settled(made))
        self.ahead = run, folder, work, device
        yield case.reply(work, made, sure and rows, done)
        if done:
            return
        self.between()
        if not counted:
            work = self.counting.exact(run, asked)
        self.ahead = run, folder, work, device
        made = memory_of(run, folder, work, device, self.kept)
        case.begin_timing(work)
        if not sure and not case.settled(made):
            yield case.reply(work, made, rows, False)
        case.ask_runs(made)
        case.look_for_remedies(work, made)
        if case.waits_for_time(made):
            yield case.reply(work, made, rows, False)
            case.wait_for_time(made)
        yield case.reply(work, made, rows, True)

    def look_ahead(self) -> None:
        """While nobody asks: trace layers that are computed again, for the batch that is too large for anything else."""
        if self.ahead is None:
            return
        (run, folder, work, device), self.ahead = self.ahead, None
        model = self.kept.model(run, folder, device.kind, work.new_rows, work.load)
        if run.train.gradient_checkpointing == "auto" and model.shapes.order:
            with suppress(Exception):  # what cannot be run on shapes was said already
                self.kept.trace(run, model, work.load, device.kind, checkpointed=True)

    # What is remembered beside shapes and traces

    def recall(self, key: str) -> tuple[Any, bool]:
        """(what earlier runs told, or None; whether that was a moment ago)."""
        since, found = self._runs.get(key, (0.0, None))
        return found, found is not None and time.monotonic() - since < RUNS_S

    def remember(self, key: str, found: Any) -> None:
        """Keep it for a while."""
        self._runs[key] = (time.monotonic(), found)

    @property
    def pacing(self) -> Pacing:
        """What times layers."""
        return self._pacing

    @property
    def remedies(self) -> dict[str, list[Remedy]]:
        """Ways to take less, by what they were found for."""
        if len(self._remedies) > 64:
            self._remedies.clear()
        return self._remedies


class _Case:
    """One question, and what is known for it."""

    def __init__(self, planner: Planner, asked: Question, run: RunFile, folder: Path, device: DeviceFacts) -> None:
        self._planner, self._asked, self._run, self._folder, self._device = planner, asked, run, folder, device
        self._runs = Path(asked.runs) if asked.runs else None
        self._timed = asked.timed and not asked.device
        self._pace = planner.pacing.key(run, folder, device)

    def settled(self, made: Planned) -> bool:
        """Whether remedies, time and earlier runs are known, or need not be."""
        told = self._runs is None or self._known(made) is not None
        return (
            told
            and not self.waits_for_time(made)
            and (made.plan.fits or self._ways_key(made) in self._planner.remedies)
        )

    def reply(self, work: Work, made: Planned, exact: bool, final: bool) -> Reply:
        """The answer, with what is known by now."""
        earlier, told = self._known(made) or ([], None)
        if told is None and self._timed:
            beat = self._planner.pacing.found(self._pace)
            told = None if beat is None else Told(beat.pace(made.plan.checkpointed_layers), TIMED)
        ways = [] if made.plan.fits else self._planner.remedies.get(self._ways_key(made), [])
        plan: RunPlan = assembled(self._run, work, made, told, ways, earlier)
        return Reply(id=self._asked.id, plan=plan, exact=exact, final=final)

    # Earlier runs

    def _known(self, made: Planned) -> tuple[list[tuple[str, float]], Told | None] | None:
        found: tuple[list[tuple[str, float]], Told | None] | None
        found, _ = self._planner.recall(self._runs_key(made))
        return found

    def _runs_key(self, made: Planned) -> str:
        quantization = self._run.quantization.model_dump(mode="json")
        again = made.plan.checkpointed_layers
        facts = [self._asked.runs, made.architecture, made.shapes.parameters, quantization, self._device.kind, again]
        return json([*facts, self._device.name, self._timed])

    def ask_runs(self, made: Planned) -> None:
        """See how earlier runs went."""
        if self._runs is None or self._planner.recall(self._runs_key(made))[1]:
            return
        earlier = earlier_of(self._run, made, self._device, self._runs)
        self._planner.between()
        told = found_pace(self._run, made, self._device, self._runs) if self._timed else None
        self._planner.remember(self._runs_key(made), (earlier, told))

    # Time

    def begin_timing(self, work: Work) -> None:
        """Have layers timed beside."""
        if self._timed:
            self._planner.pacing.begin(self._pace, self._run, self._folder, work.load, self._device.kind)

    def waits_for_time(self, made: Planned) -> bool:
        """Whether layers are being timed and no earlier run is known to tell."""
        known = self._known(made)
        return self._timed and (known is None or known[1] is None) and not self._planner.pacing.knows(self._pace)

    def wait_for_time(self, made: Planned) -> None:
        """Until it is known. Raises Interrupted."""
        while self.waits_for_time(made) and self._planner.pacing.busy(self._pace):
            self._planner.between()
            time.sleep(0.02)

    # Ways to take less

    def _ways_key(self, made: Planned) -> str:
        told = self._run.model_dump(mode="json", include={"train", "lora", "quantization", "model", "tokens"})
        return json([told, made.plan.load, made.plan.device, made.plan.checkpointed_layers, self._asked.new_rows])

    def look_for_remedies(self, work: Work, made: Planned) -> None:
        """Find them, where it does not fit."""
        key = self._ways_key(made)
        if not made.plan.fits and key not in self._planner.remedies:
            kept, device = self._planner.kept, self._device
            found = remedies(self._run, self._folder, work.load, device, made.plan, work.new_rows, kept)
            self._planner.remedies[key] = found
