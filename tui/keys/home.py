"""Keys of the list of runs."""

from __future__ import annotations

from tui.keys.key import Key

HOME: tuple[Key, ...] = (
    Key("open_run", "home", "enter", "⏎", "open", "Watch the selected run.", 1),
    Key("open_data", "home", "o", "o", "open data", "Open a dataset and look at its rows.", 2),
    Key("new_run", "home", "n", "n", "new run", "Start a run from a run file.", 2),
    Key("demo", "home", "d", "d", "demo", "Open the demo: nothing is downloaded, nothing is needed.", 3),
    Key("stop", "home", "S", "S", "stop", "Save a checkpoint, then end the selected run.", 4),
    Key("resume", "home", "r", "r", "resume", "Go on from the newest checkpoint of the selected run.", 4),
    Key("tokens", "home", "t", "t", "tokens", "The rows of the selected run as the tokens that it is trained on."),
    Key("filter", "home", "slash", "/", "filter", "Show only runs whose name or state holds what you type.", 5),
    Key("copy", "home", "y", "y", "copy path", "Copy the folder of the selected run.", 6),
)
