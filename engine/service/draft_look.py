"""What a draft is at a time: its rows, the path of their tokens, and what was measured of them.

Invariant: rows, path and numbers of a look belong together. Under another max_length, truncation or way of batching the rows
and what was measured of them are shared; nothing is tokenized again.
"""

from __future__ import annotations

import copy
import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.config.model import ModelSection
from engine.config.runfile import RunFile
from engine.errors import DataError
from engine.service.memory import uncollected
from engine.service.protocol import Measured
from engine.tokens.batch_facts import BatchFacts, batch_facts
from engine.tokens.batches import BatchPlan
from engine.tokens.finding_facts import finding_facts
from engine.tokens.length_facts import length_facts
from engine.tokens.measure import Fetched, Int64, Measures, Outcome
from engine.tokens.prepare import Laid, refuse_conversations, weights_of
from engine.tokens.row_facts import RowViewer
from engine.tokens.strategies import strategies_of

_LABELS = ("supervise", "train_on_eos")
"""Keys of [tokens] that leave ids as they are and change labels."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What a tokenizer comes from."""

    model: ModelSection
    path: Path
    config: dict[str, Any]
    has_weights: bool


class Look:
    """Rows of a run file, and numbers about them."""

    def __init__(
        self,
        run: RunFile,
        folder: Folder,
        laid: Laid,
        complete: bool,
        measures: Measures | None = None,
        plain_tokenizer: bool = False,
    ) -> None:
        """`complete`: these are all rows, not only the first ones. `plain_tokenizer`: its tokenizer is as its folder has it."""
        self.run = run
        self.folder = folder
        self.laid = laid
        self.complete = complete
        self.plain_tokenizer = plain_tokenizer
        self.rows_key = rows_key(run)
        self.train_rows: Int64 = np.array(laid.train_rows, dtype=np.int64)
        self.measures = measures if measures is not None else Measures(laid)
        self.viewer = RowViewer(laid)
        self.measuring = threading.Lock()
        """Held by who tokenizes a piece."""
        self._finding, self._planning = threading.Lock(), threading.Lock()
        self._outcome: tuple[int, Outcome] | None = None
        self._plan: tuple[int, BatchPlan] | None = None

    def under(self, run: RunFile) -> Look:
        """The same rows under a run file that differs in [tokens], [train] and weights only. Raises DataError, ConfigError."""
        if run.tokens.packing == "wrapped":
            refuse_conversations([item.source for item in self.laid.sources])
        laid = replace(self.laid, path=self.laid.path.under(run))
        if any(getattr(run.tokens, key) != getattr(self.run.tokens, key) for key in _LABELS):
            return Look(run, self.folder, laid, self.complete, plain_tokenizer=self.plain_tokenizer)
        measures = copy.copy(self.measures)  # the numbers themselves are shared
        measures.laid = laid
        look = Look(run, self.folder, laid, self.complete, measures, self.plain_tokenizer)
        look.measuring = self.measuring
        return look

    # What is known

    @property
    def seen(self) -> int:
        """Training rows that were measured."""
        return int(self.measures.known[self.train_rows].sum())

    def outcome(self) -> Outcome:
        """What becomes of the training rows that were measured."""
        with self._finding:
            seen = self.measures.seen
            if self._outcome is None or self._outcome[0] != seen:
                path = self.laid.path
                found = self.measures.of(self.train_rows, path.max_length, path.encoder.truncation)
                self._outcome = (seen, found)
            return self._outcome[1]

    def rows_with(self, rule: str) -> Int64:
        """The rows with a finding, by index, ascending."""
        return self.outcome().having(rule)

    def unmeasured(self, rows: Int64) -> Int64:
        """Those of some rows that were not measured yet."""
        return rows[~self.measures.known[rows]]

    def measured(self, draft: int, with_strategies: bool) -> Measured:
        """The numbers, as they stand."""
        outcome = self.outcome()
        answer = Measured(
            draft=draft,
            seen=len(outcome.rows),
            total=len(self.train_rows),
            lengths=length_facts(self.measures, outcome, self.laid.path.max_length),
            findings=finding_facts(self.measures, outcome),
        )
        if with_strategies:
            with uncollected():
                answer.strategies = strategies_of(self.measures, self.train_rows)
        return answer

    # Batches

    def batch(self, step: int) -> BatchFacts:
        """The batch of a step of what was measured; the last one where there are fewer steps.

        Raises DataError where there is no sequence to train on.
        """
        outcome = self.outcome()
        with self._planning:
            if self._plan is None or self._plan[0] != len(outcome.rows):
                self._plan = (len(outcome.rows), self._planned(outcome))
            plan = self._plan[1]
            return batch_facts(plan, min(max(1, step), plan.steps))[0]

    def _planned(self, outcome: Outcome) -> BatchPlan:
        if not len(outcome.sequence_rows):
            raise DataError("No row gives a token to train on, so there are no batches. The findings say why.")
        run, path = self.run, self.laid.path
        with uncollected():
            sequences = Fetched(self.laid, outcome)
            return BatchPlan(sequences, run.train, run.tokens, path.max_length, path.padding, weights_of(run.data))


def rows_key(run: RunFile) -> tuple[object, ...]:
    """What decides rows, templates and tokenizer: where it is equal, the same rows go the same way."""
    templates = [(s.template, s.prompt, s.completion) for s in run.data]
    model = run.model.model_copy(update={"attention": "sdpa"})
    return sources_of(run), run.split, templates, model, _state(run.model.chat_template)


def sources_of(run: RunFile) -> tuple[object, ...]:
    """What decides which rows are read, and as what: the files, and everything of a table but its weight and template.

    A custom template names columns itself, so that rows are read otherwise for it.
    """
    aside = {"weight": None, "template": "auto", "prompt": None, "completion": None}
    tables = [s if s.template == "custom" else s.model_copy(update=aside) for s in run.data]
    return tables, [(_state(s.path), _state(s.held_out)) for s in run.data]


def _state(path: str | None) -> tuple[object, ...]:
    """The state of a file, or of what lies in a folder: it may be edited under its name. Nothing for what is neither."""
    try:
        if not path or not os.path.isdir(path):
            return _stamp(os.stat(path)) if path else ()
        with os.scandir(path) as entries:
            return tuple(sorted((entry.name, *_stamp(entry.stat())) for entry in entries))
    except OSError:
        return ()


def _stamp(state: os.stat_result) -> tuple[int, int]:
    return state.st_mtime_ns, state.st_size
