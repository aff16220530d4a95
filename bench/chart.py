"""Drawing a loss curve: our braille chart against plotext, the library behind the usual plot widgets of Textual."""

from __future__ import annotations

import numpy as np

from bench.timing import in_turns, report
from tui.plot import Curve, draw

WIDTH, HEIGHT = 116, 30


def main() -> None:
    """Draw the same curve with both, at several lengths."""
    import plotext

    generator = np.random.default_rng(0)
    for count in (1_000, 10_000, 100_000):
        x = np.arange(count, dtype=np.float64)
        y = 2 + 3 * np.exp(-x / count * 5) + generator.normal(0, 0.05, count)

        def ours(x: object = x, y: object = y) -> object:
            return draw([Curve(x, y, "train")], WIDTH, HEIGHT)  # type: ignore[arg-type]

        def peer(x: object = x.tolist(), y: object = y.tolist()) -> object:
            plotext.clear_figure()
            plotext.plotsize(WIDTH, HEIGHT)
            plotext.plot(x, y, marker="braille")
            return plotext.build()

        report(f"chart of {count:,} points", *in_turns(ours, peer, 3), "plotext")
