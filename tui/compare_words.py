"""Final figures in the words of the Compare screen, and the whole comparison as a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence

from engine.runs.differences import GROUPS, Fact
from engine.runs.figures import FigureRow
from engine.text import one_line
from tui import words

BEST = "★"
"""In Markdown."""


def figure(key: str, value: float | str | None) -> str:
    """One figure, short; "-" where it is not known."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return words.state(value)
    match key:
        case "seconds":
            return words.duration(value)
        case "tokens" | "tokens_per_s":
            return words.short_count(value)
        case "peak_gib":
            return words.gib(value)
        case "loss" | "eval_loss" | "best_eval_loss":
            return words.loss(value)
    return words.count(value)


def markdown(heads: Sequence[str], figures: Sequence[FigureRow], facts: Sequence[Fact]) -> str:
    """Figures, and below them what differs, as one Markdown table; what would end a cell is escaped."""
    lines = ["| | " + " | ".join(_cell(head) for head in heads) + " |", "|---|" + "---:|" * len(heads)]
    for row in figures:
        cells = [figure(row.key, value) + (f" {BEST}" if i in row.best else "") for i, value in enumerate(row.values)]
        lines.append(f"| {row.label} | " + " | ".join(map(_cell, cells)) + " |")
    for group in GROUPS:
        own = [fact for fact in facts if fact.group == group]
        if own:
            lines.append(f"| **{group}** |" + " |" * len(heads))
        lines += [
            f"| {_cell(fact.key)} | " + " | ".join(_cell(value or "-") for value in fact.values) + " |" for fact in own
        ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
