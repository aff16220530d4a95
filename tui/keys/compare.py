"""Keys of the Compare screen; those of its chart are the same as on Monitor."""

from __future__ import annotations

from tui.keys.chart import chart_keys
from tui.keys.key import Key

COMPARE: tuple[Key, ...] = (
    Key("pick", "compare", "p", "p", "pick runs", "Choose which runs are compared: add some, take some off.", 1),
    Key("open_run", "compare", "enter", "⏎", "monitor", "Watch the run under the cursor closely.", 5),
    Key(
        "turn_line",
        "compare",
        "space",
        "space",
        "hide/show",
        "Hide the line of the run under the cursor, or show it.",
        3,
    ),
    Key("remove", "compare", "r,delete", "r", "take off", "Compare this run no more. The run itself stays.", 6),
    Key(
        "next_metric",
        "compare",
        "m",
        "m",
        "metric",
        "Draw the next metric: losses, learning rate, gradient, speed …",
        2,
    ),
    Key("previous_metric", "compare", "M", "M", "metric before", "Draw the metric before."),
    *chart_keys("compare", 4),
    Key("everything", "compare", "d", "d", "all facts", "What is equal, too, or only what differs."),
    Key("next_pane", "compare", "tab", "tab", "next pane", "To the list, the chart, the differences.", 8, False),
    Key("previous_pane", "compare", "shift+tab", "shift+tab", "pane before", "The other way round.", 0, False),
    Key("zoom_pane", "compare", "z", "z", "zoom pane", "The present pane on the whole screen, or all of them again."),
    Key("write_chart", "compare", "w", "w", "write chart", "Write the chart as SVG or PNG, or the metrics as CSV."),
    Key("copy", "compare", "y", "y", "copy table", "Copy figures and differences as a Markdown table.", 7),
    Key("copy_command", "compare", "Y", "Y", "copy command", "Copy the command that prints the same comparison."),
)
