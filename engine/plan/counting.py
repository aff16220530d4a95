"""What a draft's run trains on, counted for the planner: at once from a sample where there is much, then all of it.

What an epoch adds up to, and which of its batches is the heaviest, is kept for the next question.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from engine.config.runfile import RunFile
from engine.errors import DataError
from engine.evaluate.heldout import batches
from engine.plan.lengths import Length, length_of
from engine.plan.loads import heaviest, load_of
from engine.plan.masks import Masks
from engine.plan.run_plan import Work, held_out_cells
from engine.plan_facts import Load
from engine.plan_talk import UNKNOWN, Question
from engine.tokens.batches import BatchPlan
from engine.tokens.prepare import weights_of

AT_ONCE = 20_000
"""Sequences, over all epochs, that are gone through before the first answer; of more, a sample is."""
SAMPLE = 5_000
MOST_KEPT, MOST_SEQUENCES = 24, 8
"""Of what was counted, and of what it was counted on."""
_OF_BATCHES = ("batch_size", "grad_accumulation", "seed", "shuffle")


class Counting:
    """Sequences, and what was counted of them. Not for several threads."""

    def __init__(self, between: Callable[[], None]) -> None:
        self._between = between
        self._sequences: OrderedDict[int, Masks] = OrderedDict()
        self._plans: OrderedDict[str, tuple[BatchPlan, dict[int, Length]]] = OrderedDict()
        self._loads: OrderedDict[str, Load] = OrderedDict()
        self._held_out: OrderedDict[str, tuple[Load, int]] = OrderedDict()

    def take(self, key: int, masks: Masks) -> None:
        """Keep sequences."""
        self._sequences[key] = masks
        _make_room(self._sequences, MOST_SEQUENCES)

    def quick(self, run: RunFile, asked: Question) -> tuple[Work, bool]:
        """(the work, whether nothing better can be counted)."""
        masks = self._sequences[asked.train]
        if asked.share != 1.0:
            return self._sampled(run, asked, masks), True
        epochs = run.train.epochs or 1.0
        if run.train.steps:
            epochs = run.train.steps * run.train.batch_size * run.train.grad_accumulation / max(1, len(masks))
        counted = json((_batches_key(run, asked, masks), _length_key(run))) in self._loads
        if counted or len(masks) * max(1.0, epochs) <= AT_ONCE:
            return self.exact(run, asked), True
        return self._sampled(run, asked, masks), False

    def exact(self, run: RunFile, asked: Question) -> Work:
        """All of it."""
        masks = self._sequences[asked.train]
        key = _batches_key(run, asked, masks)
        found = self._plans.get(key)
        if found is None:
            found = self._plans[key] = (_plan(run, asked, masks), {})
            _make_room(self._plans)
        plan = found[0].lasting(run.train)
        whole = json((key, _length_key(run)))
        load = self._loads.get(whole)
        if load is None:
            self._between()
            load = self._loads[whole] = heaviest(plan)
            _make_room(self._loads)
        return self._work(run, asked, plan, load, length_of(plan, self._between, found[1]))

    def _sampled(self, run: RunFile, asked: Question, masks: Masks) -> Work:
        """An epoch of some sequences, for all."""
        n = len(masks)
        some = masks.chosen(np.unique(np.linspace(0, n - 1, min(n, SAMPLE)).round()).astype(np.int64))
        once = run.train.model_copy(update={"epochs": 1.0, "steps": None})
        key = json(("sample", _batches_key(run, asked, masks)))
        found = self._plans.get(key)
        if found is None:
            found = self._plans[key] = (_plan(run.model_copy(update={"train": once}), asked, some), {})
            _make_room(self._plans)
        sample = found[0]
        count = max(1, round(sample.count * asked.share * n / len(some)))
        plan = sample.lasting(run.train, count)
        lines = plan.steps / plan.steps_per_epoch * count
        load = self._loads.get(key)
        if load is None:
            load = self._loads[key] = heaviest(sample)
        return self._work(run, asked, plan, load, length_of(sample, known=found[1]).times(lines / sample.count))

    def _work(self, run: RunFile, asked: Question, plan: BatchPlan, load: Load, length: Length) -> Work:
        held_out, cells = self._evaluated(run, asked, plan, load)
        return Work(plan, load, length, held_out, cells, asked.new_rows)

    def _evaluated(self, run: RunFile, asked: Question, plan: BatchPlan, load: Load) -> tuple[Load | None, int]:
        """(the heaviest batch of an evaluation, its cells)."""
        if asked.test == UNKNOWN:
            return load, 0
        test = self._sequences.get(asked.test)
        if test is None or not len(test):
            return None, 0
        key = json((asked.test, run.train.batch_size, _tokens(run), run.eval.max_rows))
        if key not in self._held_out:
            first = next(batches(test, plan.micro_batch_size, plan.padding, run.eval.max_rows))
            self._held_out[key] = load_of(first), held_out_cells(run, test, plan)
            _make_room(self._held_out)
        return self._held_out[key]


def _plan(run: RunFile, asked: Question, masks: Masks) -> BatchPlan:
    if not len(masks):
        raise DataError(
            "No row gives a token to train on, so there is nothing to plan. The findings of Tokens say why."
        )
    return BatchPlan(masks, run.train, run.tokens, asked.max_length, 0, weights_of(run.data))


def _batches_key(run: RunFile, asked: Question, masks: Masks) -> str:
    """What decides the batches, however long they go on."""
    train = [getattr(run.train, name) for name in _OF_BATCHES]
    return json((asked.train, len(masks), asked.max_length, train, _tokens(run), weights_of(run.data)))


def _length_key(run: RunFile) -> tuple[float | None, int | None]:
    return run.train.epochs, run.train.steps


def _tokens(run: RunFile) -> object:
    return run.tokens.model_dump(mode="json")


def json(key: object) -> str:
    """A key as text."""
    return msgspec.json.encode(key).decode()


def _make_room(kept: OrderedDict[Any, Any], most: int = MOST_KEPT) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
