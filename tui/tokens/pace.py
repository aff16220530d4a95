"""How long a token takes, by what a run with the same model has needed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tui.tokens.model import Draft

if TYPE_CHECKING:
    from tui.link import Link


def seconds_per_cell(link: Link, draft: Draft) -> float | None:
    """Seconds for each token that is computed, padding among them; None where no run tells.

    The newest run of the same model counts, by its newest step.
    """
    facts = draft.facts
    if facts is None:
        return None
    folder = os.path.abspath(facts.tokenizer)
    for name in link.order:
        run = link.runs.get(name)
        step = run.view.last_step if run is not None else None
        if run is None or step is None or run.view.model is None or step.cells <= 0 or step.seconds <= 0:
            continue
        if os.path.abspath(run.view.model.path) == folder:
            return step.seconds / step.cells
    return None
