"""Keys of Monitor and of its log."""

from __future__ import annotations

from tui.keys.key import Key

MONITOR: tuple[Key, ...] = (
    Key("batch_tokens", "monitor", "enter", "⏎", "batch", "The batch of the step under the cursor, as tokens.", 5),
    Key("tokens", "monitor", "t", "t", "tokens", "The rows of this run as the tokens that it is trained on."),
    Key("stop", "monitor", "S", "S", "stop", "Save a checkpoint, then end the run. Asks once.", 1),
    Key("resume", "monitor", "r", "r", "resume", "Go on from the newest checkpoint.", 1),
    Key("checkpoint", "monitor", "c", "c", "checkpoint", "Save a checkpoint after the present step.", 2),
    Key("evaluate", "monitor", "e", "e", "evaluate", "Measure the loss on the held-out rows after this step.", 3),
    Key("cursor_left", "monitor", "left", "← →", "values", "Move the cursor and read the values at a step.", 4, False),
    Key("cursor_right", "monitor", "right", "→", "values", "Move the cursor to a later step.", 0, False),
    Key("cursor_far_left", "monitor", "shift+left,left_square_bracket", "[", "far left", "Ten columns left.", 0, False),
    Key(
        "cursor_far_right",
        "monitor",
        "shift+right,right_square_bracket",
        "]",
        "far right",
        "Ten columns right.",
        0,
        False,
    ),
    Key("log_y", "monitor", "x", "x", "log y", "Logarithmic or linear loss axis.", 6),
    Key("full_range", "monitor", "z", "z", "full range", "Show outliers that the axis leaves out, or leave them out."),
    Key("show_log", "monitor", "l", "l", "log", "The whole log of the run.", 5),
    Key("copy", "monitor", "y", "y", "copy path", "Copy the folder of the adapter, or of the run while it goes on.", 7),
    Key("copy_command", "monitor", "Y", "Y", "copy command", "Copy the command that watches or resumes the run."),
    Key("copy", "log", "y", "y", "copy path", "Copy the path of the worker's log file.", 1),
)
