"""compare: several runs side by side, their final figures and what is different about them. A verb that only tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table
from rich.text import Text

from engine.cli import console
from engine.cli.progress import duration
from engine.cli.watch_page import state_word
from engine.errors import RunError
from engine.runs.card import read_card
from engine.runs.differences import GROUPS, Fact, differences
from engine.runs.figures import FigureRow, figures_of, table
from engine.runs.paths import runs_dir
from engine.runs.store import Run, find_run

BEST = "★"


def compare(names: Sequence[str], folder: Path | None, everything: bool, as_json: bool) -> None:
    """Figures and differences of two or more runs. Raises RunError for one that is not there, or where there is only one."""
    place = runs_dir(folder)
    found = {(directory := find_run(place, name)).path: directory for name in names}
    if len(found) < 2:
        raise RunError(
            f"To compare takes two runs or more; {', '.join(names)} {'is' if len(names) == 1 else 'are'} one."
        )
    runs = [Run(directory).load() for directory in found.values()]
    figures = [figures_of(run) for run in runs]
    facts = differences(runs, everything)
    if as_json:
        console.json_line(
            {
                "runs": [
                    {"run": run.dir.name, "title": read_card(run.dir).title, "path": str(run.dir.path), **asdict(one)}
                    for run, one in zip(runs, figures, strict=True)
                ],
                "differences": [
                    {"group": fact.group, "key": fact.key, "values": list(fact.values), "differs": fact.differs}
                    for fact in facts
                ],
            }
        )
        return
    heads = [console.safe(run.dir.name) for run in runs]
    console.show(_figures(heads, table(figures)))
    console.show(Text())
    if facts:
        console.show(_differences(heads, facts, everything))
    else:
        console.data("Nothing differs: same settings, same data, same versions, same machine.")


def _figures(heads: Sequence[Text], rows: Sequence[FigureRow]) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    shown.add_column("", style="dim")
    for head in heads:
        shown.add_column(head, justify="right", overflow="fold")
    for row in rows:
        cells = []
        for i, value in enumerate(row.values):
            best = i in row.best
            cells.append(Text(f"{written(row.key, value)} {BEST if best else ' '}", style="bold green" if best else ""))
        shown.add_row(row.label, *cells)
    return shown


def _differences(heads: Sequence[Text], facts: Sequence[Fact], everything: bool) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    shown.add_column("what differs" if not everything else "what is known", style="dim", overflow="fold")
    for head in heads:
        shown.add_column(head, overflow="fold")
    for group in GROUPS:
        own = [fact for fact in facts if fact.group == group]
        if own:
            shown.add_row(Text(group, style="bold"))
        for fact in own:
            style = "yellow" if everything and fact.differs else ""
            shown.add_row(console.safe(f"  {fact.key}"), *(console.safe(value or "-", style) for value in fact.values))
    return shown


def written(key: str, value: float | str | None) -> str:
    """A figure with its unit."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return state_word(value)
    if key == "seconds":
        return duration(value)
    if key == "peak_gib":
        return f"{value:.2f} GiB"
    if key in ("loss", "eval_loss", "best_eval_loss"):
        return f"{value:.4f}"
    return f"{value:,.0f}"
