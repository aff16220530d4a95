"""The one table of keys. Bindings, footers, the help screen and the command palette are made from it.

A key belongs to a place; `app` is everywhere. `footer` ranks what a footer shows: the lowest ranks first, seven at
most. No key that a terminal cannot send or that tmux and screen take for themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Where = Literal["app", "home", "data", "find", "tokens", "monitor", "demo", "list", "log", "help", "dialog", "form"]

PLACES: dict[Where, str] = {
    "app": "Everywhere",
    "home": "Runs",
    "data": "Data",
    "find": "Data: the search line",
    "tokens": "Tokens",
    "monitor": "Monitor",
    "demo": "Demo",
    "list": "Lists and text",
    "log": "Log",
    "help": "Help",
    "dialog": "Dialogs",
    "form": "Dialogs with choices",
}
FOOTER_KEYS = 7


@dataclass(frozen=True)
class Key:
    """One thing a key does. `id` is also the name of the action."""

    id: str
    where: Where
    keys: str
    """Names of keys as Textual knows them, with commas."""
    shown: str
    """The keys as a person reads them."""
    label: str
    """Two words at most, for the footer."""
    help: str
    footer: int = 0
    """Rank in the footer; 0 is not in it."""
    command: bool = True
    """Whether the command palette offers it."""


KEYS: tuple[Key, ...] = (
    Key("help", "app", "question_mark,f1", "? F1", "help", "All keys, with a search.", 90),
    Key(
        "palette",
        "app",
        "ctrl+p,colon",
        ": ctrl+p",
        "commands",
        "Find a command or a theme by name and run it.",
        80,
        False,
    ),
    Key("show_home", "app", "1", "1", "runs", "The list of runs."),
    Key("show_data", "app", "2", "2", "data", "The data: open files, look at rows, see what is wrong with them."),
    Key(
        "show_tokens", "app", "3", "3", "tokens", "The tokens that are trained: of a run file, of open data, of a run."
    ),
    Key("show_monitor", "app", "4", "4", "monitor", "The run that was last looked at."),
    Key("show_demo", "app", "5", "5", "demo", "The demo: the whole journey, offline, in a few minutes."),
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
        "redraw", "app", "ctrl+l", "ctrl+l", "redraw", "Send the whole screen anew, after another program wrote on it."
    ),
    Key("open_run", "home", "enter", "⏎", "open", "Watch the selected run.", 1),
    Key("open_data", "home", "o", "o", "open data", "Open a dataset and look at its rows.", 2),
    Key("new_run", "home", "n", "n", "new run", "Start a run from a run file.", 2),
    Key("demo", "home", "d", "d", "demo", "Open the demo: nothing is downloaded, nothing is needed.", 3),
    Key("stop", "home", "S", "S", "stop", "Save a checkpoint, then end the selected run.", 4),
    Key("resume", "home", "r", "r", "resume", "Go on from the newest checkpoint of the selected run.", 4),
    Key("tokens", "home", "t", "t", "tokens", "The rows of the selected run as the tokens that it is trained on."),
    Key("filter", "home", "slash", "/", "filter", "Show only runs whose name or state holds what you type.", 5),
    Key("copy", "home", "y", "y", "copy path", "Copy the folder of the selected run.", 6),
    Key("choose", "data", "enter", "⏎", "open", "The row in full; of a finding its rows; of a source its rows.", 1),
    Key("search", "data", "slash", "/", "search", "Show only rows that hold what you type.", 2),
    Key("findings", "data", "f", "f", "findings", "What is wrong with the rows, and which rows.", 3),
    Key("statistics", "data", "s", "s", "statistics", "What the columns hold, with histograms.", 4),
    Key("use", "data", "u", "u", "use in run", "Write these sources into a run file, and start it.", 5),
    Key("open_data", "data", "o", "o", "open data", "Open a file, a folder, or a dataset by its name.", 6),
    Key("mapping", "data", "m", "m", "mapping", "Correct the format, the columns, the split, the speaker.", 7),
    Key("view_as", "data", "v", "v", "view as", "The row as fields, or as a conversation with roles.", 8),
    Key("mark", "data", "space", "space", "mark", "Mark the row, or take the mark away.", 9),
    Key(
        "exclude",
        "data",
        "x",
        "x",
        "exclude",
        "Leave the row, the marked rows or a finding's rows out of a run, or take them back.",
        10,
    ),
    Key("marked_only", "data", "M", "M", "marked only", "Show the marked rows only, or all again."),
    Key("clear_marks", "data", "c", "c", "clear marks", "Take all marks away."),
    Key("kept_only", "data", "e", "e", "kept only", "Hide the rows that a run would leave out, or show them again."),
    Key("sort", "data", "S", "S", "sort", "Sort by the column; again: downwards; again: as in the file."),
    Key("column_left", "data", "left,h", "h ←", "column left", "To the column on the left.", 0, False),
    Key("column_right", "data", "right,l", "l →", "column right", "To the column on the right.", 0, False),
    Key("go_to_row", "data", "number_sign,ctrl+g", "# ctrl+g", "go to row", "To a row by its number."),
    Key("copy", "data", "y", "y", "copy row", "Copy the row as JSON; the marked rows as JSON Lines."),
    Key(
        "export", "data", "w", "w", "write rows", "Write the rows that are shown, or the marked ones, to a JSONL file."
    ),
    Key("pager", "data", "p", "p", "pager", "The whole row in $PAGER."),
    Key("next_pane", "data", "tab", "tab", "next pane", "Sources, rows, the pane beside them.", 11, False),
    Key("previous_pane", "data", "shift+tab", "shift+tab", "pane before", "The other way round.", 0, False),
    Key("previous_source", "data", "left_square_bracket", "[", "source before", "To the source before this one."),
    Key("next_source", "data", "right_square_bracket", "]", "next source", "To the next source."),
    Key("reload", "data", "r", "r", "reload", "Open the source anew, after its file changed."),
    Key("close_source", "data", "C", "C", "close source", "Forget the source. The file stays as it is."),
    Key("weight_up", "data", "plus", "+", "more of it", "Give the source more weight in the mixture."),
    Key("weight_down", "data", "minus", "-", "less of it", "Give the source less weight in the mixture."),
    Key("weight", "data", "equals_sign", "=", "weight", "Type the weight of the source; empty: every row once."),
    Key(
        "mixture",
        "data",
        "b",
        "b",
        "mixture",
        "The mixture in full: shares, epochs, repeated and unseen rows for a budget.",
    ),
    Key("examine_all", "data", "a", "a", "examine all", "Examine every row, or stop examining."),
    Key("tokenizer", "data", "t", "t", "tokenizer", "Choose a model whose tokenizer counts the tokens."),
    Key(
        "tokens",
        "data",
        "i",
        "i",
        "tokens",
        "The row as tokens: what of it is learned, what is cut. t chooses whose tokenizer.",
        12,
    ),
    Key(
        "toggle_regex",
        "find",
        "ctrl+r",
        "ctrl+r",
        "regex",
        "Read what you type as a regular expression, or as it is.",
        1,
        False,
    ),
    Key("next_column", "find", "tab", "tab", "column", "Search the next column only, or all again.", 2, False),
    Key(
        "choose",
        "tokens",
        "enter",
        "⏎",
        "choose",
        "Of a batch its row; of a finding the next row; of a way of batching: use it.",
        1,
    ),
    Key("next_finding", "tokens", "n", "n", "next found", "The next row with the chosen finding.", 2),
    Key("previous_finding", "tokens", "N", "N", "found before", "The row with the chosen finding before this one."),
    Key("next_row", "tokens", "right_square_bracket", "]", "next row", "The row behind this one.", 3),
    Key("previous_row", "tokens", "left_square_bracket", "[", "row before", "The row before this one.", 4),
    Key("go_to_row", "tokens", "number_sign,ctrl+g", "# ctrl+g", "go to row", "To a row by its number."),
    Key(
        "token_left",
        "tokens",
        "left,h",
        "h ←",
        "token before",
        "One token to the left; a smaller limit in the lengths.",
        0,
        False,
    ),
    Key(
        "token_right",
        "tokens",
        "right,l",
        "l →",
        "next token",
        "One token to the right; a larger limit in the lengths.",
        0,
        False,
    ),
    Key("view", "tokens", "v", "v", "view", "The tokens as splits, with their ids and labels, or one a line.", 5),
    Key("ids", "tokens", "i", "i", "ids", "The ids and labels below the tokens, or the splits again."),
    Key("limit_up", "tokens", "greater_than_sign", ">", "limit up", "A larger max_length; all numbers follow.", 6),
    Key("limit_down", "tokens", "less_than_sign", "<", "limit down", "A smaller max_length; all numbers follow.", 7),
    Key("limit_double", "tokens", "right_curly_bracket,shift+right", "}", "double", "Twice the max_length."),
    Key("limit_half", "tokens", "left_curly_bracket,shift+left", "{", "half", "Half the max_length."),
    Key("limit", "tokens", "equals_sign", "=", "max_length", "Type a max_length."),
    Key(
        "truncation",
        "tokens",
        "t",
        "t",
        "too long",
        "What happens to rows that are too long: cut right or left, leave out, split, refuse.",
    ),
    Key("supervise", "tokens", "a", "a", "learn", "What is learned: all answers, the last answer, everything."),
    Key("batching", "tokens", "B", "B", "batching", "Batches of random rows, of rows grouped by length, or packed."),
    Key("padding_side", "tokens", "D", "D", "padding", "Padding on the right or on the left."),
    Key("train_on_eos", "tokens", "E", "E", "end token", "Whether the token that ends an answer is learned."),
    Key("batch", "tokens", "b", "b", "batches", "The batches in training order.", 8),
    Key("previous_batch", "tokens", "comma", ",", "batch before", "The batch of the step before."),
    Key("next_batch", "tokens", "full_stop", ".", "next batch", "The batch of the next step."),
    Key("go_to_batch", "tokens", "exclamation_mark", "!", "go to batch", "To the batch of a step by its number."),
    Key("findings", "tokens", "f", "f", "findings", "What is wrong with the rows as tokens, with fixes.", 9),
    Key("lengths", "tokens", "L", "L", "lengths", "How long the rows are, and what the limit cuts.", 10),
    Key("parity", "tokens", "p", "p", "parity", "The trained ids beside those that a generation would be given."),
    Key("compare", "tokens", "c", "c", "compare", "A second tokenizer on the same rows."),
    Key("vocabulary", "tokens", "slash", "/", "vocabulary", "Search the vocabulary: by text, piece, id or bytes."),
    Key("scratch", "tokens", "s", "s", "scratch", "Type a text and see its tokens."),
    Key("template", "tokens", "m", "m", "template", "Choose how rows become text."),
    Key("edit", "tokens", "e", "e", "edit template", "The template in $EDITOR; the row follows."),
    Key("write", "tokens", "w", "w", "write", "Write the changes into the run file; what changes is shown first.", 11),
    Key("undo", "tokens", "u", "u", "undo", "Take the last change back.", 12),
    Key("undo_all", "tokens", "U", "U", "undo all", "Take all changes back that are not written."),
    Key("run", "tokens", "R", "R", "run", "Start a run with this run file. Asks first."),
    Key("open_draft", "tokens", "o", "o", "open", "Open a run file, a run, or a draft that lies open.", 13),
    Key("reload", "tokens", "r", "r", "read again", "Read the run file and its data again."),
    Key("close_draft", "tokens", "C", "C", "close", "Forget this draft. Its file stays as it is."),
    Key(
        "about",
        "tokens",
        "A",
        "A",
        "about",
        "The sources with their templates and why these, what was left out, which tokens are added.",
    ),
    Key("copy", "tokens", "y", "y", "copy ids", "Copy the row's text, ids and labels as JSON."),
    Key("copy_command", "tokens", "Y", "Y", "copy command", "Copy the headless command that prints this row."),
    Key("zoom", "tokens", "z", "z", "zoom", "The present pane on the whole screen, or all panes again."),
    Key("next_pane", "tokens", "tab", "tab", "next pane", "To the next pane or view.", 14, False),
    Key("previous_pane", "tokens", "shift+tab", "shift+tab", "pane before", "The other way round.", 0, False),
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
    Key("fresh", "demo", "f", "f", "tell afresh", "Tell the story from the start, with everything made anew.", 1),
    Key("open_run", "demo", "enter", "⏎", "monitor", "Watch the run of the present chapter closely.", 2),
    Key("copy", "demo", "y", "y", "copy command", "Copy a command that talks to the tuned model's run.", 0),
    Key("list_down", "list", "j,down", "j ↓", "down", "One row down.", 0, False),
    Key("list_up", "list", "k,up", "k ↑", "up", "One row up.", 0, False),
    Key("list_g", "list", "g", "g g", "top", "To the first row.", 0, False),
    Key("list_start", "list", "home", "home", "top", "To the first row.", 0, False),
    Key("list_end", "list", "G,end", "G end", "end", "To the last row; a log follows again.", 0, False),
    Key("list_page_down", "list", "ctrl+d,pagedown", "ctrl+d", "page down", "A page down.", 0, False),
    Key("list_page_up", "list", "ctrl+u,pageup", "ctrl+u", "page up", "A page up.", 0, False),
    Key("copy", "log", "y", "y", "copy path", "Copy the path of the worker's log file.", 1),
    Key("search", "help", "slash", "/", "search", "Show only keys whose name or help holds what you type.", 1),
    Key("accept", "dialog", "enter", "⏎", "yes", "Do it.", 1, False),
    Key("cancel", "dialog", "escape", "esc", "no", "Close the dialog; nothing is done.", 2, False),
    Key("change_back", "form", "left", "←", "change", "The choice before this one.", 0, False),
    Key("change", "form", "right", "→", "change", "The next choice.", 0, False),
    Key("complete", "dialog", "tab", "tab", "complete", "Complete the path as far as it is clear.", 3, False),
)


def keys_of(*places: Where) -> list[Key]:
    """The keys of some places, in the order of the table."""
    return [key for key in KEYS if key.where in places]


def bindings(where: Where, *leave_out: str) -> list[BindingType]:
    """The bindings of a place; a binding's id is `place.action`."""
    return [
        Binding(key.keys, key.id, key.label, id=f"{where}.{key.id}", priority=key.id == "quit")
        for key in keys_of(where)
        if key.id not in leave_out
    ]


def footer_keys(where: Where) -> list[Key]:
    """What a footer may show at a place, most wanted first."""
    return sorted((key for key in keys_of(where, "app") if key.footer), key=lambda key: key.footer)


def matching(keys: list[Key], wanted: str) -> list[Key]:
    """The keys whose name, label or help holds every word of `wanted`."""
    words = wanted.lower().split()

    def text(key: Key) -> str:
        return f"{key.shown} {key.label} {key.help} {PLACES[key.where]}".lower()

    return [key for key in keys if all(word in text(key) for word in words)]
