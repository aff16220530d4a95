"""Keys of the list of runs."""

from __future__ import annotations

from tui.keys.key import Key

HOME: tuple[Key, ...] = (
    Key("open_run", "home", "enter", "⏎", "open", "Watch the selected run.", 1),
    Key("open_data", "home", "o", "o", "open data", "Open a dataset and look at its rows.", 7),
    Key(
        "new_run",
        "home",
        "n",
        "n",
        "new run",
        "Start a run from a run file. While the list is filtered: the next run that fits.",
        6,
    ),
    Key("demo", "home", "d", "d", "demo", "Open the demo: nothing is downloaded, nothing is needed.", 8),
    Key("stop", "home", "S", "S", "stop", "Save a checkpoint, then end the run. A second time: kill it. Both ask.", 2),
    Key("kill", "home", "X", "X", "kill", "End the run at once; what it did since its checkpoint is lost. Asks first."),
    Key("resume", "home", "r", "r", "resume", "Go on from the newest checkpoint of the run.", 2),
    Key("cancel_queued", "home", "x", "x", "do not start", "Take the waiting run out of the queue. Asks first.", 2),
    Key("compare", "home", "c", "c", "compare", "The marked runs, or the selected one, on one chart.", 3),
    Key("mark", "home", "space", "space", "mark", "Mark the run, or not: acts are about all marked ones.", 4),
    Key("mark_all", "home", "asterisk", "*", "mark all", "Mark all runs that are shown, or none."),
    Key(
        "filter",
        "home",
        "slash",
        "/",
        "filter",
        "Words, tag:x, state:failed, model:x, data:x, note:x; - before one: not. ctrl+r: a regular expression.",
        5,
    ),
    Key("previous_match", "home", "N", "N", "fit before", "While the list is filtered: the run before that fits."),
    Key(
        "sort", "home", "s", "s", "sort", "Sort by the next column; at the end again by what lives and what is newest."
    ),
    Key("reverse", "home", "R", "R", "reverse", "The other way round."),
    Key("clone", "home", "C", "C", "clone", "A new run file from that of the run, to be changed and started."),
    Key("card", "home", "i", "i", "name, note", "Give the run a name, tags and a note. Its folder stays as it is."),
    Key("tags", "home", "number_sign", "#", "tags", "Tags of the run, or of all marked ones."),
    Key("archive", "home", "A", "A", "archive", "Put the run away, or bring it back. Nothing is deleted."),
    Key("show_archived", "home", "H", "H", "archived", "Show the archived runs, too, or hide them."),
    Key("delete", "home", "D,delete", "D", "delete", "Move the run to the trash. Asks once; living runs are refused."),
    Key("undelete", "home", "u", "u", "undelete", "Bring back what was deleted last."),
    Key("earlier", "home", "left_curly_bracket", "{", "earlier", "Let the waiting run start before the one before it."),
    Key("later", "home", "right_curly_bracket", "}", "later", "Let the waiting run start after the next one."),
    Key("tokens", "home", "t", "t", "tokens", "The rows of the selected run as the tokens that it is trained on."),
    Key("copy", "home", "y", "y", "copy path", "Copy the folder of the run, or those of all marked ones."),
    Key(
        "copy_command", "home", "Y", "Y", "copy command", "Copy the command that watches, resumes or tells of the run."
    ),
)
