"""Keys of Monitor and of its log."""

from __future__ import annotations

from tui.keys.chart import chart_keys
from tui.keys.key import Key

MONITOR: tuple[Key, ...] = (
    Key("batch_tokens", "monitor", "enter", "⏎", "batch", "The batch of the step under the crosshair, as tokens.", 6),
    Key("tokens", "monitor", "t", "t", "tokens", "The rows of this run as the tokens that it is trained on."),
    Key("pause", "monitor", "p", "p", "pause", "Hold the run between two steps, everything in memory, or go on.", 1),
    Key("evaluate", "monitor", "e", "e", "evaluate", "Measure the loss on the held-out rows after this step.", 2),
    Key("checkpoint", "monitor", "c", "c", "checkpoint", "Save a checkpoint after the present step.", 3),
    Key("sample", "monitor", "s", "s", "sample", "Answer the prompts of the run file after this step."),
    Key(
        "stop", "monitor", "S", "S", "stop", "Save a checkpoint, then end the run. Again while it ends: kill. Asks.", 4
    ),
    Key("resume", "monitor", "r", "r", "resume", "Go on from the newest checkpoint.", 1),
    *chart_keys("monitor", footer=5),
    Key("less_smooth", "monitor", "left_curly_bracket", "{", "smooth less", "Smooth the train loss less."),
    Key("more_smooth", "monitor", "right_curly_bracket", "}", "smooth more", "Smooth the train loss more."),
    Key(
        "next_pane", "monitor", "tab", "tab", "panes", "To samples, checkpoints, warnings, log, and the chart again.", 7
    ),
    Key("previous_pane", "monitor", "shift+tab", "shift+tab", "pane before", "To the pane before.", 0, False),
    Key("zoom_pane", "monitor", "z", "z", "zoom pane", "The present pane on the whole screen, or all of them again."),
    Key("metrics", "monitor", "m", "m", "metrics", "All small charts on the whole screen, or the loss again."),
    Key("first_newest", "monitor", "b", "b", "first/newest", "Samples: the first answers beside the newest, or all."),
    Key("log_level", "monitor", "v", "v", "level", "Log: everything, warnings and errors, errors, and as usual again."),
    Key("show_log", "monitor", "l", "l", "log", "The whole log of the run."),
    Key("edit_card", "monitor", "i", "i", "name, note", "Give the run a name, tags and a note."),
    Key("clone", "monitor", "C", "C", "clone", "A new draft with the settings of this run, to be changed and started."),
    Key("compare", "monitor", "d", "d", "compare", "This run beside others, on one chart."),
    Key("write_chart", "monitor", "w", "w", "write chart", "Write the chart as SVG or PNG, or the metrics as CSV."),
    Key("copy", "monitor", "y", "y", "copy path", "Copy the folder of the result, the run, or the checkpoint.", 8),
    Key("copy_command", "monitor", "Y", "Y", "copy command", "Copy the command that watches or resumes the run."),
    Key("copy", "log", "y", "y", "copy path", "Copy the path of the worker's log file.", 1),
    Key("log_level", "log", "v", "v", "level", "Everything, warnings and errors, errors, and as usual again.", 2),
)
