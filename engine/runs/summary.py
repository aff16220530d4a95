"""The facts of a run as plain JSON values: what `luthier status --json` and `watch --json` tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from engine.runs import events as e
from engine.runs.eta import Eta

if TYPE_CHECKING:
    from engine.runs.view import RunView


def summary_of(view: RunView) -> dict[str, Any]:
    """The facts as plain JSON values (`luthier status --json`)."""
    best = view.series["eval_loss"].lowest if "eval_loss" in view.series else None
    eta = view.eta if view.finished is None else Eta(0.0, 0.0, None)
    return {
        "run": view.run,
        "step": view.step,
        "total_steps": view.total_steps,
        "epoch": view.last_step.epoch if view.last_step else None,
        "loss": view.last("loss"),
        "eval_loss": view.last("eval_loss"),
        "best_eval_loss": None if best is None else best[1],
        "best_eval_step": None if best is None else int(best[0]),
        "best_checkpoint": next((c.step for c in reversed(view.checkpoints) if c.best), None),
        "learning_rate": view.last("learning_rate"),
        "tokens_per_s": view.last("tokens_per_s"),
        "peak_gib": view.last("peak_gib"),
        "predicted_gib": view.predicted_gib,
        "measured_gib": view.measured_gib,
        "micro_batch_size": view.micro_batch_size or None,
        "eta_s": eta.seconds if eta else None,
        "eta_plus_minus_s": eta.plus_minus if eta else None,
        "eta_error": eta.error if eta else None,
        "paused": view.paused,
        "hardware": _gauges_of(view.hardware),
        "checkpoints": [c.step for c in view.checkpoints],
        "warnings": [w.message for w in view.warnings],
        "marks": [{"step": mark.step, "code": mark.code, "rows": list(mark.rows)} for mark in view.marks],
        "resumes": view.resumes,
        "phase": view.phase.name if view.phase else None,
        "outcome": view.finished.outcome if view.finished else None,
        "reason": view.finished.reason if view.finished else "",
        "pid": view.hello.pid if view.hello else None,
        "host": view.hello.host if view.hello else None,
        "device": view.model.device if view.model else None,
        "started_t": view.started_t,
        "updated_t": view.updated_t,
    }


def _gauges_of(event: e.Hardware | None) -> dict[str, Any] | None:
    if event is None:
        return None
    return {name: value for name, value in msgspec.to_builtins(event).items() if name not in ("type", "v", "seq", "t")}
