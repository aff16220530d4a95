"""What Monitor shows while there is no run: what it is for, and the ways to one."""

from __future__ import annotations

from tui.rows import Row
from tui.text import wrap
from tui.widgets.painted import Painted

_INTRO = (
    "The loss of a run as it goes on, with a crosshair that leads to the rows of a step; speed and memory, answers, checkpoints, "
    "warnings and the log."
)
_WAYS = (
    ("1", "runs", "n there starts a run from a run file"),
    ("4", "configure", "makes a run file, and starts it"),
    ("9", "demo", "a whole run in a minute: nothing is downloaded, nothing is needed"),
)


class MonitorEmpty(Painted):
    """A few centred lines."""

    def paint(self, width: int, height: int) -> list[Row]:
        """The lines, in the middle of the screen."""
        size = min(68, max(20, width - 8))
        rows: list[Row] = [[("There is no run to watch yet.", "title")], []]
        rows += [[(line, "muted")] for line in wrap(_INTRO, size)] + [[], []]
        for key, name, text in _WAYS:
            lines = wrap(text, size - 16)
            rows.append([(f" {key}  ", "key"), (name.ljust(12), "text"), (lines[0], "muted")])
            rows += [[(" " * 16, ""), (line, "muted")] for line in lines[1:]] + [[]]
        left, top = max(0, (width - size) // 2), max(0, (height - len(rows)) * 2 // 5)
        return [[] for _ in range(top)] + [[(" " * left, ""), *row] for row in rows]
