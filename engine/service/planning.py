"""Plans of drafts: what a run would take, asked again with every change of the form."""

from __future__ import annotations

from engine.errors import ModelError
from engine.service.jobs import Job, Jobs
from engine.service.plan_protocol import PlanDraft, Planned
from engine.service.sources import Sources


def plan_draft(sources: Sources, jobs: Jobs, request: PlanDraft, job: Job) -> Planned:
    """The plan of a draft. Raises LuthierError."""
    raise ModelError("not yet")
