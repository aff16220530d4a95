"""`plan_draft`: what a run of a draft would take, asked again with every change of the form.

Rows are counted here, where they are; what needs torch is reckoned by the planner, a process of its own. A draft is not changed
by being planned: the changes of the request are laid over it for the plan alone.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np

from engine.config.runfile import RunFile
from engine.errors import DataError, ModelError
from engine.plan_talk import UNKNOWN, MaskBytes, Question, Reply
from engine.runs.paths import runs_dir
from engine.service.draft_look import Look, rows_key
from engine.service.drafting import look_under, measure, spread
from engine.service.drafts import Draft
from engine.service.jobs import Ended, Job, Jobs
from engine.service.plan_protocol import PlanDraft, Planned
from engine.service.planner import Planner
from engine.service.sources import Sources
from engine.tokens.encoded import Truncation
from engine.tokens.measure import Int64
from engine.tokens.prepare import refuse_refused

FIRST_ROWS = 256
"""Rows that are tokenized for the first answer, where none was yet."""
_KEPT = 6
_WAIT_S = 0.01
_keys = count(1)


def plan_draft(sources: Sources, jobs: Jobs, request: PlanDraft, job: Job) -> Planned:
    """The plan of a draft, more and more exact. A newer request for the same draft ends this one.

    Raises LuthierError where there is nothing to plan, or the model cannot be built.
    """
    draft = sources.drafts.get(request.draft)
    jobs.claim(job, "plan", draft.key)
    planner = sources.drafts.planner
    planner.start()
    run = draft.base.run_file(request.changes)
    look = _look(draft, run, jobs, job)
    if not look.seen:
        rows = spread(look.train_rows)
        measure(look, rows[:: max(1, len(rows) // FIRST_ROWS)], job)
    said: Planned | None = None
    tested = _test_rows(look)
    while True:
        question, sequences = _question(draft, look, request)
        for reply in _replies(planner, question, sequences, job):
            said = _planned(request, look, reply, question.last)
            if not said.final:
                job.say(said)
        if question.last:
            assert said is not None, "a question ends with a reply"
            return said
        measure(look, tested, job)


def _look(draft: Draft, run: RunFile, jobs: Jobs, job: Job) -> Look:
    """The rows of the run file: those of the draft, or those that it is about to have. Raises LuthierError, Ended."""
    while True:
        look = draft.look
        assert look is not None, "a draft is announced with a look"
        if look.rows_key == rows_key(run):
            return look.under(run)
        job.check()
        if not jobs.at_work("draft", draft.key):
            return look_under(draft, run, job)
        time.sleep(_WAIT_S)


def _question(draft: Draft, look: Look, request: PlanDraft) -> tuple[Question, dict[int, MaskBytes]]:
    path, seen = look.laid.path, look.seen
    if look.complete and seen == len(look.train_rows):
        problems = [(look.laid.rows[row][1].origin, text) for row, text in sorted(look.measures.problems.items())]
        refuse_refused(problems, len(look.laid.rows), look.run)
    tested, cut = _test_rows(look), path.encoder.truncation
    sequences = dict([train := _sequences(draft, look, look.train_rows, cut, "train")])
    test = UNKNOWN if len(look.unmeasured(tested)) else 0
    if len(tested) and test != UNKNOWN:
        found = _sequences(draft, look, tested, cut or "split", "test")
        sequences |= dict([found])
        test = found[0]
    return Question(
        id=0,
        draft=draft.number,
        run=look.run.model_dump(mode="json"),
        folder=str(look.folder.path),
        train=train[0],
        test=test,
        share=len(look.train_rows) / max(1, seen),
        whole=look.complete,
        max_length=path.max_length,
        new_rows=len(path.new_tokens.tokens) if path.new_tokens else 0,
        device=request.device,
        timed=request.timed,
        last=test != UNKNOWN,
        runs=request.runs or str(runs_dir()),
    ), sequences


def _test_rows(look: Look) -> Int64:
    """The held-out rows that an evaluation may look at."""
    rows: Int64 = np.array(look.laid.test_rows, dtype=np.int64)
    return rows


def _sequences(draft: Draft, look: Look, rows: Int64, cut: Truncation | None, part: str) -> tuple[int, MaskBytes]:
    """(a number, the sequences of those rows that were measured). Raises DataError where there is none to train on."""
    measures, path = look.measures, look.laid.path
    key = (part, id(measures.known), int(measures.known[rows].sum()), path.max_length, cut)
    found = draft.counted.get(key)
    if found is None:
        outcome = measures.of(rows, path.max_length, cut)
        if part == "train" and not len(outcome.sequence_rows):
            raise DataError(
                "No row gives a token to train on, so there is nothing to plan. The findings of Tokens say why."
            )
        owners = np.array(look.laid.owners, dtype=np.int64)[outcome.sequence_rows]
        masks = packed(outcome.sequence_lengths, owners, measures.stretches(outcome))
        found = draft.counted[key] = next(_keys), masks, measures.known
        while len(draft.counted) > _KEPT:
            draft.counted.popitem(last=False)
    return found[0], found[1]


def packed(lengths: Int64, sources: Int64, stretches: Sequence[Int64]) -> MaskBytes:
    """Sequences as they travel."""
    arrays = (lengths, sources, np.concatenate(stretches))
    return MaskBytes(*(np.asarray(each, dtype="<i4").tobytes() for each in arrays))


def _replies(planner: Planner, question: Question, sequences: dict[int, MaskBytes], job: Job) -> Iterator[Reply]:
    """What the planner answers. Raises ModelError, Ended."""

    def check() -> None:
        if job.over:
            raise Ended

    with planner.asked(question, sequences, check) as replies:
        while True:
            try:
                reply = replies.get(timeout=_WAIT_S)
            except queue.Empty:
                job.check()
                job.progress("planning" if planner.warm else "loading libraries", 0, 0)
                continue
            if reply is None:
                raise ModelError("The planner ended before it answered. Change anything, and another one is started.")
            if reply.error:
                more = " This is a mistake of Luthier's." if reply.bug else ""
                raise ModelError(f"{reply.error.removeprefix('--device: ')}{more}")
            yield reply
            if reply.final:
                return


def _planned(request: PlanDraft, look: Look, reply: Reply, last: bool) -> Planned:
    assert reply.plan is not None, "a reply without an error has a plan"
    return Planned(
        draft=request.draft,
        plan=reply.plan,
        exact=reply.exact,
        final=reply.final and last,
        rows_known=look.seen,
        rows=len(look.train_rows) if look.complete else 0,
    )
