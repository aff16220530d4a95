"""Keys of the demo."""

from __future__ import annotations

from tui.keys.key import Key

DEMO: tuple[Key, ...] = (
    Key("fresh", "demo", "f", "f", "tell afresh", "Tell the story from the start, with everything made anew.", 1),
    Key("open_run", "demo", "enter", "⏎", "monitor", "Watch the run of the present chapter closely.", 2),
    Key(
        "copy",
        "demo",
        "y",
        "y",
        "copy command",
        "Copy the command that says how the run of the present chapter did.",
        0,
    ),
)
