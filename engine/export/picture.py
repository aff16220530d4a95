"""Curves of runs as a picture for a page or a paper: SVG or PNG, drawn by matplotlib, which is loaded here only.

The same runs give the same bytes: no dates, no names of machines, letters as paths. Runs are told apart by the kind of their
line, by a mark and by their name, not by colour alone. A long run is drawn of the smallest and largest values of 1,500
parts, so that no spike is lost and the file stays small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import RunError
from engine.runs.card import read_card
from engine.runs.columns import Axis
from engine.runs.series import MovingAverage, beta_for
from engine.runs.store import Run
from engine.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

FORMATS = (".svg", ".png")
_PARTS = 1500
_SIZE_INCHES, _DOTS = (8.0, 4.5), 160
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito: told apart by people who do not see all colours, too."""
_LINES = ("-", "--", "-.", ":")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_AXES: dict[Axis, str] = {"step": "step", "tokens": "tokens trained on", "time": "hours of work"}
_UNITS = {
    "loss": "loss (nats per token)",
    "eval_loss": "evaluation loss (nats per token)",
    "learning_rate": "learning rate",
    "grad_norm": "gradient norm",
    "tokens_per_s": "tokens per second",
    "peak_gib": "peak memory (GiB)",
    "gpu_percent": "GPU (%)",
    "gpu_celsius": "GPU (°C)",
    "gpu_gib": "GPU memory (GiB)",
    "cpu_percent": "CPU (%)",
    "host_gib": "memory of the machine (GiB)",
    "process_gib": "memory of the worker (GiB)",
}


@dataclass(frozen=True)
class Wish:
    """What to draw."""

    metric: str = "loss"
    axis: Axis = "step"
    log_y: bool = False
    smooth: bool = True
    """With the smoothed course; what was measured stays behind it, fainter."""


def write_picture(runs: Sequence[Run], out: Path, wish: Wish) -> None:
    """Draw the runs, whose journals were read, into a file. Its name says the format.

    Raises RunError for another format, for a metric that no run has, and where the file cannot be written.
    """
    if out.suffix.lower() not in FORMATS:
        raise RunError(f"{out.name}: a picture ends in .svg or .png, and the figures of a run in .csv.")
    drawn = [run for run in runs if wish.metric in run.view.series]
    if not drawn:
        known = sorted({name for run in runs for name in run.view.series})
        there = f"There are {', '.join(known)}." if known else "No step was done yet."
        raise RunError(f"No value of {wish.metric!r} was measured in {_names(runs)}. {there}")
    import matplotlib
    from matplotlib.figure import Figure

    settings: Any = {
        "svg.hashsalt": "luthier",
        "svg.fonttype": "path",
        "text.parse_math": False,
        "font.family": "DejaVu Sans",
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        for number, run in enumerate(drawn):
            _draw(axes, run, wish, number)
        _frame(axes, wish, len(drawn))
        metadata = {"Date": None, "Creator": None} if out.suffix.lower() == ".svg" else {"Software": None}
        try:
            figure.savefig(out, format=out.suffix.lower()[1:], dpi=_DOTS, metadata=metadata)
        except OSError as error:
            raise RunError(f"{out} cannot be written: {error.strerror or error}.") from error


def _names(runs: Sequence[Run]) -> str:
    return ", ".join(run.dir.name for run in runs)


def _frame(axes: Axes, wish: Wish, count: int) -> None:
    axes.set_xlabel(_AXES[wish.axis])
    axes.set_ylabel(_UNITS.get(wish.metric, wish.metric.replace("_", " ")))
    if wish.axis != "time":
        from matplotlib.ticker import EngFormatter

        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    if wish.log_y:
        axes.set_yscale("log", nonpositive="mask")
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if count > 1 or axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=9)


def _draw(axes: Axes, run: Run, wish: Wish, number: int) -> None:
    import numpy as np

    view = run.view
    style: dict[str, Any] = {"color": _COLOURS[number % len(_COLOURS)], "linestyle": _LINES[number % len(_LINES)]}
    steps, values = view.series[wish.metric].numpy()
    own = len(steps) == view.points and wish.metric not in ("eval_loss",)
    x = view.x_of(wish.axis) if own else view.x_at(wish.axis, steps)
    x = x / 3600 if wish.axis == "time" else np.asarray(x, dtype=np.float64)
    name = visible(read_card(run.dir).title or run.dir.name)
    mark: dict[str, Any] = {"marker": _MARKS[number % len(_MARKS)], "markersize": 5}
    smooth = wish.smooth and own and len(values) > 2
    px, py = _outline(x, values)
    if smooth:
        axes.plot(px, py, color=style["color"], linewidth=0.7, alpha=0.3)
        px, py = _outline(x, _smoothed(values))
    every = max(1, len(px) // 9)
    axes.plot(px, py, label=name, linewidth=1.6, markevery=(number * every // 4, every), **style, **mark)
    held_out = view.series.get("eval_loss")
    if wish.metric == "loss" and held_out is not None and len(held_out):
        at, losses = held_out.numpy()
        there = view.x_at(wish.axis, at) / (3600 if wish.axis == "time" else 1)
        label = f"{name}, evaluations"
        axes.plot(
            there,
            losses,
            linestyle="",
            marker="D",
            markersize=5,
            markerfacecolor="white",
            color=style["color"],
            label=label,
        )


def _smoothed(values: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    average = MovingAverage(beta_for(len(values)))
    return np.fromiter(map(average.push, values.tolist()), dtype=np.float64, count=len(values))


def _outline(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """A line through the smallest and the largest value of each part, in their order; gaps stay gaps."""
    import numpy as np

    if len(x) <= 2 * _PARTS:
        return x, y
    chosen: set[int] = {0, len(x) - 1}
    for part in np.array_split(np.arange(len(x)), _PARTS):
        values = y[part]
        finite = np.isfinite(values)
        chosen.update(part[~finite][:1].tolist())
        if finite.any():
            chosen.add(int(part[np.where(finite, values, np.inf).argmin()]))
            chosen.add(int(part[np.where(finite, values, -np.inf).argmax()]))
    places = sorted(chosen)
    return x[places], y[places]
