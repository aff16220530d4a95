"""The figures of a run as it stands: what a table of several runs shows, and which of them is the best of a row.

Read from the view alone; a figure that is not known is None, never 0. Light.
"""

from __future__ import annotations

import hashlib
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from engine.runs.series import Series
from engine.runs.store import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

Better = Literal["low", "high", ""]
LAST_PART = 20
"""The training loss of a run is the mean over the last 1/20 of its steps: the loss of one batch says little."""
_MOST_SPEEDS = 2000


@dataclass(frozen=True)
class Figures:
    """What one run came to."""

    state: str
    steps: int
    total_steps: int
    """Planned; 0 where unknown."""
    tokens: float | None
    """Read so far, without padding."""
    seconds: float | None
    """From the first step to the last, without the pauses between a stop and its resume."""
    loss: float | None
    """Mean training loss over the last 5 % of the steps, in nats."""
    eval_loss: float | None
    """Of the newest evaluation."""
    best_eval_loss: float | None
    best_eval_step: int | None
    tokens_per_s: float | None
    """Median over the steps."""
    peak_gib: float | None
    data_id: str = ""
    """Stands for the tokens that the losses are of; losses of other tokens are neither better nor worse."""


@dataclass(frozen=True)
class FigureRow:
    """One line of the table: a figure of every run, and the runs that have the best one."""

    key: str
    label: str
    values: tuple[float | str | None, ...]
    best: frozenset[int]
    """Indices of the runs with the best value; empty where nothing is better, all are equal, or losses are of other data."""


ROWS: tuple[tuple[str, str, Better], ...] = (
    ("state", "outcome", ""),
    ("steps", "steps", ""),
    ("tokens", "tokens", ""),
    ("seconds", "time", ""),
    ("loss", "train loss", "low"),
    ("eval_loss", "eval loss", "low"),
    ("best_eval_loss", "best eval", "low"),
    ("best_eval_step", "at step", ""),
    ("tokens_per_s", "tokens/s", "high"),
    ("peak_gib", "peak memory", "low"),
)
"""Field of `Figures`, what a table calls it, and which value is better."""


_LOSSES = ("loss", "eval_loss", "best_eval_loss")
_DIGITS = {"tokens_per_s": 3, "peak_gib": 2}
"""A run that is faster by less than this differs by chance."""


def figures_of(run: Run) -> Figures:
    """The figures of a run whose journal was read."""
    view = run.view
    held_out = view.series.get("eval_loss")
    best = held_out.lowest if held_out is not None else None
    return Figures(
        state=run.state,
        steps=view.step,
        total_steps=view.total_steps,
        tokens=_end(view.x_of("tokens")),
        seconds=_end(view.x_of("time")),
        loss=_late_mean(view.series.get("loss")),
        eval_loss=view.last("eval_loss"),
        best_eval_loss=None if best is None else best[1],
        best_eval_step=None if best is None else int(best[0]),
        tokens_per_s=_middle(view.series.get("tokens_per_s")),
        peak_gib=view.measured_gib,
        data_id=_data_id(run),
    )


def _data_id(run: Run) -> str:
    """Rows, held-out rows and tokens as the worker counted them: another tokenizer or split counts others."""
    data = run.view.data
    if data is None:
        return f"unknown: {run.dir.name}"
    sources = [(source.get("sha256") or source.get("path"), source.get("rows")) for source in data.sources]
    counts = (data.train_examples, data.test_examples, data.train_tokens, data.supervised_tokens)
    return hashlib.sha256(repr((sources, counts)).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def table(figures: Sequence[Figures]) -> list[FigureRow]:
    """The rows of the table for several runs."""
    rows = []
    for key, label, better in ROWS:
        values = tuple(getattr(one, key) for one in figures)
        known = {one.data_id for one, value in zip(figures, values, strict=True) if value is not None}
        comparable = key not in _LOSSES or len(known) < 2
        rows.append(FigureRow(key, label, values, _best(values, better if comparable else "", _DIGITS.get(key, 4))))
    return rows


def _best(values: Sequence[float | str | None], better: Better, digits: int) -> frozenset[int]:
    """What is equal within so many digits is not better."""
    known = {
        i: float(f"{value:.{digits}g}")
        for i, value in enumerate(values)
        if isinstance(value, int | float) and math.isfinite(value)
    }
    if not better or len(known) < 2 or len(set(known.values())) < 2:
        return frozenset()
    first = min(known.values()) if better == "low" else max(known.values())
    return frozenset(i for i, value in known.items() if value == first)


def _end(positions: NDArray[Any]) -> float | None:
    return float(positions[-1]) or None if len(positions) else None  # 0: an imported log that does not tell


def _late_mean(series: Series | None) -> float | None:
    if series is None or not len(series):
        return None
    late = [value for value in series.values[-max(1, len(series) // LAST_PART) :] if math.isfinite(value)]
    return math.fsum(late) / len(late) if late else None


def _middle(series: Series | None) -> float | None:
    if series is None:
        return None
    spread = series.values[:: max(1, len(series) // _MOST_SPEEDS)]
    known = [value for value in spread if math.isfinite(value)]
    return statistics.median(known) if known else None
