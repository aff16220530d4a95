"""What a person can do with a run that ended, in a sentence or two. Light.

Invariant: a resume is only recommended where it can go another way than before. A run that ended itself because of an error
does the steps behind its checkpoint again with the same rows, the same settings and the same result.
"""

from __future__ import annotations

from engine.errors import ExitCode
from engine.runs.crash import meets_the_same_error
from engine.runs.store import Run
from tui import words


def next_steps(run: Run) -> list[str]:
    """The next steps for a run; nothing while it goes on."""
    match run.state:
        case "succeeded":
            where = result_dir(run)
            return [f"The {'adapter' if where.endswith('adapter') else 'model'} is in {where}"] if where else []
        case "queued":
            return ["It starts by itself when its turn comes. { and } change its turn, x takes it out of the queue."]
        case "failed":
            return _after_an_error(run)
        case "stopped" | "crashed":
            return [_resume(run)]
    return []


def result_dir(run: Run) -> str:
    """Where the trained weights are; empty while there are none."""
    return next((str(path) for path in (run.dir.adapter, run.dir.model) if path.is_dir()), "")


def _resume(run: Run) -> str:
    view = run.view
    if not view.checkpoints:
        return "r starts it over; there is no checkpoint yet."
    saved = view.checkpoints[-1].step
    again = view.step - saved
    if again <= 0:
        return f"r resumes from checkpoint {saved}; no step is lost."
    steps = (
        f"the {words.count(again)} steps after it are done again" if again > 1 else "the step after it is done again"
    )
    return f"r resumes from checkpoint {saved}; {steps}."


def _after_an_error(run: Run) -> list[str]:
    finished, view = run.view.finished, run.view
    saved = f"from checkpoint {view.checkpoints[-1].step}" if view.checkpoints else "from the start"
    if meets_the_same_error(view):
        return [
            f"To resume {saved} would most likely meet the same error. C clones it, to be changed; its run file is "
            f"{run.dir.config}"
        ]
    if finished and finished.code == ExitCode.RESOURCES:
        return [
            f"r goes on {saved}, and ends the same way unless there is more room, or a smaller train.batch_size with more "
            f"train.grad_accumulation in {run.dir.config}"
        ]
    return [f"Mend what is named above, then r goes on {saved}. Its run file is {run.dir.config}"]
