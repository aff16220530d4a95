"""The requests and answers about plans; part of `engine.service.protocol`, which says what holds for all. Light."""

from __future__ import annotations

from typing import Any

from engine.plan_facts import RunPlan
from engine.service.envelope import Answer, Request


class PlanDraft(Request, tag="plan_draft"):
    """What a run of a draft would take. Answers: `planned`, perhaps several times, each more exact; the last has `final`.

    The first comes within 200 ms once the service knows the shapes of the model and its rows. A newer request
    for the same draft ends this one with `cancelled`.
    """

    draft: int
    changes: dict[str, Any] = {}
    """Key -> value laid over the run file, as in `draft`."""
    device: str = ""
    """A GPU with so much memory, such as "24GB"; "" for this machine's own device."""
    timed: bool = True
    """Also reckon how long it takes, from a few layers timed once, or from earlier runs; on this machine's own device only."""
    runs: str = ""
    """The folder of earlier runs; "" for the usual one."""


class Planned(Answer, tag="planned"):
    """What it would take."""

    draft: int
    plan: RunPlan
    exact: bool = True
    """False: from the shapes and a sample of the rows only; a better answer follows."""
    final: bool = True
    rows_known: int = 0
    """Training rows whose lengths the plan knows."""
    rows: int = 0
    """All training rows; 0 while they are not all read."""
