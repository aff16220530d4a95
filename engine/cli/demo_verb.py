"""demo --headless: the story of the starter on a plain terminal."""

from __future__ import annotations

import os
from pathlib import Path

from rich.table import Table
from rich.text import Text

from engine.cli import console
from engine.runs import events as e
from engine.runs.launcher import QUIET_THREADS
from engine.runs.paths import runs_dir, starter_dir
from engine.text import one_line

SHOWN_ANSWERS = 6


def demo(folder: Path | None, runs: Path | None, fresh: bool, as_json: bool) -> None:
    """Tell the story on stderr; end with the score on stdout."""
    for name, value in QUIET_THREADS.items():
        os.environ.setdefault(name, value)
    from engine.starter.story import tell

    answers: list[e.Answer] = []

    def narrate(event: e.Event) -> None:
        match event:
            case e.Chapter():
                console.say(f"\n{event.title}", "bold")
                console.say(event.text)
            case e.Answer():
                answers.append(event)
            case e.Log():
                console.say(event.message, "dim")
            case _:
                pass

    place = starter_dir(folder)
    score = tell(place, runs_dir(runs), fresh, narrate)
    if as_json:
        console.json_line(
            {
                "base_accuracy": score.base_accuracy,
                "tuned_accuracy": score.tuned_accuracy,
                "seconds": round(score.seconds, 1),
            }
        )
        return
    console.show(_table(answers))
    console.data(
        f"Exactly right, of {score.questions} questions about facts that tuning never asked for: "
        f"base {100 * score.base_accuracy:.0f} %, tuned {100 * score.tuned_accuracy:.0f} %. {score.seconds:.0f} s in all."
    )
    console.say(f"The starter is in {place}: a model, an adapter and data to play with.")


def _table(answers: list[e.Answer]) -> Table:
    """The first questions with both answers, and the right one where tuning missed it."""
    table = Table.grid(padding=(0, 1))
    for answer in answers[:SHOWN_ANSWERS]:
        right = answer.tuned_correct
        table.add_row("", Text(one_line(answer.question), style="bold"))
        table.add_row("  base ", Text(one_line(answer.base), style="dim"))
        tuned = f"{'✓' if right else '✗'} {one_line(answer.tuned)}"
        table.add_row("  tuned", Text(tuned, style="green" if right else "red"))
        if not right:
            table.add_row("  right", one_line(answer.expected))
    return table
