"""Which request is answered by whom. Quick ones share a small pool; long ones get a thread each and say how far they are.

What the first page of a file does not need is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from engine.service.browsing import close, detail, interpret, open_source, page
from engine.service.filtering import filter_rows
from engine.service.jobs import Job, Jobs
from engine.service.protocol import (
    Answer,
    Close,
    CloseDraft,
    Compare,
    Detail,
    Divide,
    Draft,
    Examine,
    Export,
    Filter,
    Interpret,
    Mix,
    NextRow,
    Open,
    Page,
    Parity,
    PlanDraft,
    Request,
    Resplit,
    TemplateText,
    TokenBatch,
    TokenRow,
    Vocabulary,
    Warm,
)
from engine.service.sources import Sources

Handler: TypeAlias = Callable[[Sources, Jobs, Any, Job], Answer | None]
"""Returns the final answer; None where it gave it itself."""


def _later(module: str, name: str) -> Handler:
    def handler(sources: Sources, jobs: Jobs, request: Any, job: Job) -> Answer | None:
        answer: Answer | None = getattr(import_module(f"engine.service.{module}"), name)(sources, jobs, request, job)
        return answer

    return handler


QUICK: dict[type[Request], Handler] = {
    Page: page,
    Detail: detail,
    Interpret: interpret,
    Close: close,
    TokenRow: _later("token_looks", "token_row"),
    NextRow: _later("token_looks", "next_row"),
    CloseDraft: _later("drafting", "close_draft"),
}
LONG: dict[type[Request], Handler] = {
    Open: open_source,
    Filter: filter_rows,
    Examine: _later("examining", "examine"),
    Export: _later("exporting", "export"),
    Mix: _later("blending", "mix"),
    Divide: _later("blending", "divide"),
    Warm: _later("drafting", "warm"),
    Draft: _later("drafting", "open_draft"),
    TokenBatch: _later("token_looks", "token_batch"),
    Compare: _later("token_tools", "compare"),
    Resplit: _later("token_tools", "resplit"),
    Vocabulary: _later("token_tools", "vocabulary"),
    Parity: _later("token_tools", "compare_ids"),
    TemplateText: _later("token_tools", "template_text"),
    PlanDraft: _later("planning", "plan_draft"),
}
