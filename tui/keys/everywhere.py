"""Keys that work on every screen."""

from __future__ import annotations

from tui.keys.key import Key

EVERYWHERE: tuple[Key, ...] = (
    Key(
        "help",
        "app",
        "question_mark,f1",
        "? F1",
        "help",
        "What has the focus, its keys, and all keys with a search.",
        90,
    ),
    Key(
        "command_line",
        "app",
        "colon",
        ":",
        "command",
        "Type a command: :train FILE, :theme NAME, :set KEY VALUE, any action by its name; tab completes.",
        80,
        False,
    ),
    Key("palette", "app", "ctrl+p", "ctrl+p", "commands", "Find a command or a theme by name and run it.", 0, False),
    Key("show_home", "app", "1", "1", "runs", "The list of runs."),
    Key("show_data", "app", "2", "2", "data", "The data: open files, look at rows, see what is wrong with them."),
    Key(
        "show_tokens", "app", "3", "3", "tokens", "The tokens that are trained: of a run file, of open data, of a run."
    ),
    Key("show_configure", "app", "4", "4", "configure", "The run file: every setting, the memory plan, start."),
    Key("show_monitor", "app", "5", "5", "monitor", "The run that was last looked at."),
    Key("show_compare", "app", "6", "6", "compare", "Several runs on one chart, and what is different about them."),
    Key("show_demo", "app", "9", "9", "demo", "The demo: the whole journey, offline, in a few minutes."),
    Key("pick_theme", "app", "T", "T", "theme", "Choose a theme; it is shown while you move and remembered on enter."),
    Key("back", "app", "escape", "esc", "back", "Back to where you came from; clears a filter first.", 0, False),
    Key(
        "leave",
        "app",
        "q",
        "q",
        "quit",
        "Back, and from the list of runs: quit. Runs go on without Luthier.",
        95,
        False,
    ),
    Key("quit", "app", "ctrl+q", "ctrl+q", "quit", "Quit from anywhere. Runs go on without Luthier."),
    Key(
        "suspend_process",
        "app",
        "ctrl+z",
        "ctrl+z",
        "suspend",
        "Back to the shell for a while; fg leads here again. Runs go on.",
    ),
    Key(
        "redraw", "app", "ctrl+l", "ctrl+l", "redraw", "Send the whole screen anew, after another program wrote on it."
    ),
)
