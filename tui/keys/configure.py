"""Keys of the Configure screen."""

from __future__ import annotations

from tui.keys.key import Key

CONFIGURE: tuple[Key, ...] = (
    Key("choose", "configure", "enter", "⏎", "type", "Type a value; of a section: its fields.", 1),
    Key(
        "turn_right",
        "configure",
        "right,l",
        "l →",
        "next value",
        "The next value of the field, or into the fields.",
        0,
        False,
    ),
    Key("turn_left", "configure", "left,h", "h ←", "value before", "The value before this one.", 0, False),
    Key("switch", "configure", "space", "space", "switch", "The next value: on or off, the next choice.", 0, False),
    Key(
        "to_default",
        "configure",
        "d,backspace,delete",
        "d ⌫",
        "default",
        "Take the key out of the file: its default holds.",
        4,
    ),
    Key("take_back", "configure", "x", "x", "as in file", "Make the field what it is in the file."),
    Key("start", "configure", "s", "s", "start", "Start the run: now, in the queue, or as a command line to copy.", 2),
    Key("presets", "configure", "p", "p", "presets", "Ready-made settings with what each would change.", 3),
    Key("queue", "configure", "Q", "Q", "queue", "Put the run into the queue: it starts when its device is free."),
    Key("undo", "configure", "u", "u", "undo", "Take the last change back.", 6),
    Key("redo", "configure", "ctrl+r", "ctrl+r", "redo", "Do again what was taken back."),
    Key("undo_all", "configure", "U", "U", "undo all", "Take everything back that is not written. Asks first."),
    Key(
        "write", "configure", "w", "w", "write", "Write the changes into the run file; what changes is shown first.", 5
    ),
    Key("edit", "configure", "e,f4", "e F4", "editor", "The run file in $EDITOR; the form follows.", 7),
    Key("edit_value", "configure", "E", "E", "edit value", "The value of this field in $EDITOR, for long texts."),
    Key("mistakes", "configure", "m", "m", "mistakes", "All mistakes and unusual values; enter leads to the field.", 8),
    Key("device", "configure", "v", "v", "plan for", "Plan for a GPU with another amount of memory."),
    Key(
        "differences",
        "configure",
        "D",
        "D",
        "differences",
        "What differs from another run, or from the file as written.",
    ),
    Key(
        "find",
        "configure",
        "slash",
        "/",
        "find field",
        "Find a field by its name or by what its help says; n and N go on.",
        9,
    ),
    Key("next_section", "configure", "right_square_bracket", "]", "next section", "To the next section."),
    Key(
        "previous_section", "configure", "left_square_bracket", "[", "section before", "To the section before this one."
    ),
    Key("copy", "configure", "y", "y", "copy --set", "Copy the field as --set key=value."),
    Key("copy_command", "configure", "Y", "Y", "copy command", "Copy the command that starts this run."),
    Key("open_draft", "configure", "o", "o", "open", "Open a run file, a run, or open data.", 10),
    Key("new_file", "configure", "n", "n", "new", "A new run file: asks for a model and for data."),
    Key("import_file", "configure", "i", "i", "import", "Take over a file of Axolotl, LLaMA-Factory or TRL.", 11),
    Key("reload", "configure", "r", "r", "read again", "Read the run file again; unwritten changes stay on top."),
    Key("close_draft", "configure", "C", "C", "close", "Forget this draft. Its file stays as it is."),
    Key("zoom", "configure", "z", "z", "zoom", "The present pane on the whole screen, or all panes again."),
    Key("next_pane", "configure", "tab", "tab", "next pane", "Sections, fields, help, plan, file.", 0, False),
    Key("previous_pane", "configure", "shift+tab", "shift+tab", "pane before", "The other way round.", 0, False),
)
