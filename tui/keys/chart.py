"""Keys of the charts that one can walk on: the same on every screen that has one (`tui.screens.chart_keys`)."""

from __future__ import annotations

from tui.keys.key import Key, Where


def chart_keys(where: Where, footer: int = 0) -> tuple[Key, ...]:
    """The keys of a chart on a screen; `footer` ranks the crosshair."""
    return (
        Key(
            "cursor_left",
            where,
            "left",
            "← →",
            "values",
            "Move the crosshair and read the values there.",
            footer,
            False,
        ),
        Key("cursor_right", where, "right", "→", "values", "Move the crosshair to the right.", 0, False),
        Key(
            "cursor_far_left",
            where,
            "shift+left,left_square_bracket",
            "[ shift+←",
            "far left",
            "The crosshair ten columns to the left.",
            0,
            False,
        ),
        Key(
            "cursor_far_right",
            where,
            "shift+right,right_square_bracket",
            "] shift+→",
            "far right",
            "The crosshair ten columns to the right.",
            0,
            False,
        ),
        Key(
            "zoom_in",
            where,
            "plus,equals_sign",
            "+",
            "zoom in",
            "Zoom in around the crosshair, else at the newest end.",
        ),
        Key("zoom_out", where, "minus", "-", "zoom out", "Zoom out around the crosshair, else at the newest end."),
        Key("pan_left", where, "less_than_sign", "<", "earlier", "Move the window to the left by a quarter."),
        Key("pan_right", where, "greater_than_sign", ">", "later", "Move the window to the right by a quarter."),
        Key("fit", where, "0,f", "0 f", "fit", "Show the whole course."),
        Key("follow", where, "F", "F", "follow", "Keep the newest step at the right end, at the same zoom."),
        Key("log_y", where, "x", "x", "log y", "Logarithmic or linear loss axis."),
        Key("turn_axis", where, "a", "a", "by step", "Over steps, tokens or time, by turns."),
        Key("full_range", where, "o", "o", "outliers", "Show values that the axis leaves out, or leave them out."),
    )
