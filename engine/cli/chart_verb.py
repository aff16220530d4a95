"""chart: the curves of runs as a picture, or their figures as a table."""

from __future__ import annotations

from pathlib import Path

from engine.cli import console
from engine.errors import RunError
from engine.runs.columns import Axis
from engine.runs.paths import runs_dir
from engine.runs.store import Run, find_run

_MOST = 24
"""Runs on one picture: more cannot be told apart."""


def chart(
    names: list[str], out: Path, metric: str, axis: Axis, log_y: bool, smooth: bool, folder: Path | None, as_json: bool
) -> None:
    """Write the file and say where it is. Raises RunError."""
    place = runs_dir(folder)
    found = [find_run(place, name) for name in names]
    if not out.parent.is_dir():
        raise RunError(f"{out} cannot be written: there is no folder {out.parent}.")
    facts: dict[str, object] = {"out": str(out.absolute()), "runs": [run.name for run in found]}
    if out.suffix.lower() == ".csv":
        from engine.runs.table import write_csv

        facts["rows"] = write_csv(found, out)
        console.say(f"{facts['rows']:,} steps of {', '.join(run.name for run in found)}")
    else:
        from engine.export.picture import Wish, write_picture

        if len(found) > _MOST:
            raise RunError(f"{len(found)} runs on one picture cannot be told apart; {_MOST} are the most.")
        write_picture([Run(run).load() for run in found], out, Wish(metric, axis, log_y, smooth))
        facts |= {"metric": metric, "x": axis}
    if as_json:
        console.json_line(facts)
    else:
        console.data(str(out))
