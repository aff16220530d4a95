"""What Home shows while there is no run: what this is, and three ways to begin."""

from __future__ import annotations

from tui.rows import Row
from tui.text import plain, wrap
from tui.widgets.painted import Painted

_WAYS = (
    ("d", "demo", "the whole journey offline, in a few minutes: nothing to download, nothing to set up"),
    ("o", "open data", "look at a dataset: its rows, its columns, what is wrong with it"),
    ("4", "configure", "make a run file: presets, every setting explained, the memory it will take, start"),
    ("n", "new run", "start a run from a run file; `luthier spec` prints one"),
    ("?", "help", "all keys; : finds a command by its name"),
)


class Welcome(Painted):
    """A few centred lines."""

    def paint(self, width: int, height: int) -> list[Row]:
        """The lines, in the middle of the screen."""
        size = min(68, max(20, width - 8))
        rows: list[Row] = [[("Fine-tune a language model from here.", "title")], []]
        intro = "Start a run, watch its loss fall, close the laptop, come back to it tomorrow."
        rows += [[(line, "muted")] for line in wrap(intro, size)] + [[], []]
        for key, name, text in _WAYS:
            lines = wrap(text, size - 14)
            rows.append([(f" {key}  ", "key"), (name.ljust(10), "text"), (lines[0], "muted")])
            rows += [[(" " * 14, ""), (line, "muted")] for line in lines[1:]] + [[]]
        rows += [[], [(plain(f"Runs are kept in {self.luthier.link.runs_dir}", size), "faint")]]
        left, top = max(0, (width - size) // 2), max(0, (height - len(rows)) * 2 // 5)
        return [[] for _ in range(top)] + [[(" " * left, ""), *row] for row in rows]
