"""What Compare shows while no run was chosen: what it is for, and two ways to choose."""

from __future__ import annotations

from tui.rows import Row
from tui.text import wrap
from tui.widgets.painted import Painted

_WAYS = (
    ("p", "pick runs", "choose them here, from a list that can be filtered"),
    ("1", "or on Runs", "mark runs with the space bar, then c; c alone compares a run with the one before it"),
)


class CompareEmpty(Painted):
    """A few centred lines."""

    def paint(self, width: int, height: int) -> list[Row]:
        """The lines, in the middle of the screen."""
        size = min(68, max(20, width - 8))
        rows: list[Row] = [[("Runs side by side.", "title")], []]
        intro = (
            "Their curves on one chart, by step, tokens or time; what they came to, with the best of each; and what is "
            "different about them: settings, data, versions, machine."
        )
        rows += [[(line, "muted")] for line in wrap(intro, size)] + [[], []]
        there = len(self.luthier.link.order)
        if self.luthier.link.listed and there < 2:
            text = (
                "There is no run yet: 1 leads to the runs, n there starts one."
                if not there
                else "There is one run yet."
            )
            rows += [[(line, "text")] for line in wrap(text, size)] + [[]]
        for key, name, text in _WAYS:
            lines = wrap(text, size - 16)
            rows.append([(f" {key}  ", "key"), (name.ljust(12), "text"), (lines[0], "muted")])
            rows += [[(" " * 16, ""), (line, "muted")] for line in lines[1:]] + [[]]
        left, top = max(0, (width - size) // 2), max(0, (height - len(rows)) * 2 // 5)
        return [[] for _ in range(top)] + [[(" " * left, ""), *row] for row in rows]
