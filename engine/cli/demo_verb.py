"""demo --headless: the story of the starter on a plain terminal."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table
from rich.text import Text

from engine.cli import console
from engine.runs import events as e
from engine.runs.paths import runs_dir, starter_dir
from engine.text import one_line


def demo(folder: Path | None, runs: Path | None, fresh: bool, as_json: bool) -> None:
    """Tell the story on stderr; end with the score on stdout."""
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
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("question", "base", "tuned", "expected"):
        table.add_column(heading)
    for answer in answers[:12]:
        mark = "✓" if answer.tuned_correct else "✗"
        table.add_row(
            one_line(answer.question, 48),
            one_line(answer.base, 28),
            Text(f"{mark} {one_line(answer.tuned, 24)}", style="green" if answer.tuned_correct else "red"),
            one_line(answer.expected, 24),
        )
    return table
