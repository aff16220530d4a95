"""The lowest evaluation loss so far, and how long nothing was lower: the best checkpoint, and stopping early.

All of it is in the checkpoint's state, so that a resumed run keeps the same step and stops at the same one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from engine.config.runfile import RunFile
from engine.errors import DataError
from engine.runs.events import Log, Warning_
from engine.train import checkpoint
from engine.train.adapters import load_weights


@dataclass(slots=True)
class Best:
    """The step with the lowest evaluation loss; -1 before there was one."""

    step: int = -1
    loss: float = math.inf
    without: int = 0
    """Evaluations in a row that were not lower, those that were asked for in between left out."""

    def see(self, step: int, loss: float, scheduled: bool) -> bool:
        """Take in an evaluation; return whether it is the lowest so far.

        One that somebody asked for never brings the end of the run nearer: only `scheduled` ones are counted.
        """
        if loss < self.loss:
            self.step, self.loss, self.without = step, loss, 0
            return True
        self.without += scheduled
        return False

    def ends(self, patience: int | None) -> bool:
        """Whether so many evaluations in a row were not lower; never without a `patience`."""
        return patience is not None and self.without >= patience

    def reason(self, step: int, steps: int) -> str:
        """Why a run ended after `step` of `steps`, in a sentence."""
        evaluations = "one evaluation was" if self.without == 1 else f"{self.without} evaluations in a row were"
        return (
            f"Stopped early after step {step} of {steps}: {evaluations} not below {self.loss:.4f}, "
            f"that of step {self.step} (train.early_stopping)."
        )

    def state(self) -> dict[str, Any]:
        """As JSON values; exact, since JSON keeps every digit of a float."""
        return {"step": self.step, "loss": self.loss if self.step >= 0 else None, "without": self.without}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Best:
        """What `state` gave; nothing seen for an empty one."""
        if state.get("step", -1) < 0:
            return cls()
        return cls(int(state["step"]), float(state["loss"]), int(state["without"]))


def keeps_best(run: RunFile) -> bool:
    """Whether the checkpoint with the lowest evaluation loss is kept for as long as it is the lowest."""
    return run.train.result == "best" or run.train.early_stopping is not None


def require_held_out(run: RunFile, held_out: int) -> None:
    """Raises DataError when the run needs evaluations and no row is held out."""
    if held_out or not keeps_best(run):
        return
    asked = 'train.result = "best"' if run.train.result == "best" else "train.early_stopping"
    raise DataError(
        f"{asked} needs an evaluation loss, and no rows are held out to evaluate on. Set split.test_size, or `held_out` "
        f"of a source; or remove {asked}."
    )


def load_best(best: Best, model: nn.Module, step: int, checkpoints: Path) -> Log | Warning_:
    """Put the weights with the lowest evaluation loss into `model`, which holds those of `step`; return what to say of it.

    Where their checkpoint is gone or torn, the weights stay as they are.
    """
    if best.step != step:
        found = checkpoint.verify(checkpoint.folder_of(checkpoints, best.step))
        if found is None:
            message = f"the checkpoint of step {best.step}, with the lowest evaluation loss, is gone or torn"
            return Warning_(code="best_lost", message=message, hint=f"the result holds the weights of step {step}")
        load_weights(model, found.path / checkpoint.WEIGHTS)
    if best.step == 0:
        message = f"no evaluation was below that before the first step ({best.loss:.4f}): the result is what training began with"
        return Warning_(code="nothing_learned", message=message, hint="a lower train.learning_rate, or more rows")
    return Log(
        message=f"the result holds the weights of step {best.step}: the lowest evaluation loss ({best.loss:.4f})"
    )
