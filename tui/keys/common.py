"""Keys of lists, of the help screen and of dialogs."""

from __future__ import annotations

from tui.keys.key import Key

COMMON: tuple[Key, ...] = (
    Key("list_down", "list", "j,down", "j ↓", "down", "One row down.", 0, False),
    Key("list_up", "list", "k,up", "k ↑", "up", "One row up.", 0, False),
    Key("list_g", "list", "g", "g g", "top", "To the first row.", 0, False),
    Key("list_start", "list", "home", "home", "top", "To the first row.", 0, False),
    Key("list_end", "list", "G,end", "G end", "end", "To the last row; a log follows again.", 0, False),
    Key("list_page_down", "list", "ctrl+d,pagedown", "ctrl+d", "page down", "A page down.", 0, False),
    Key("list_page_up", "list", "ctrl+u,pageup", "ctrl+u", "page up", "A page up.", 0, False),
    Key("find", "search", "slash", "/", "find", "Find rows of this list that hold what you type.", 60, False),
    Key("find_next", "search", "n", "n", "next match", "To the next row that was found; around the end.", 0, False),
    Key("find_previous", "search", "N", "N", "match before", "To the row that was found before this one.", 0, False),
    Key(
        "toggle_regex", "search", "ctrl+r", "ctrl+r", "regex", "Read it as a regular expression, or as words.", 0, False
    ),
    Key("search", "help", "slash", "/", "search", "Show only keys whose name or help holds what you type.", 1),
    Key("accept", "dialog", "enter", "⏎", "yes", "Do it.", 1, False),
    Key("cancel", "dialog", "escape", "esc", "no", "Close the dialog; nothing is done.", 2, False),
    Key("change_back", "form", "left", "←", "change", "The choice before this one.", 0, False),
    Key("change", "form", "right", "→", "change", "The next choice.", 0, False),
    Key(
        "help",
        "dialog",
        "question_mark,f1",
        "F1 ?",
        "help",
        "What the dialog is, and all keys; in a field F1.",
        0,
        False,
    ),
    Key("complete", "dialog", "tab", "tab", "complete", "Complete the path as far as it is clear.", 3, False),
)
