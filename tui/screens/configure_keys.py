"""What can be done now on the Configure screen, and the keys that move: panes, sections, fields, a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import on

from tui.screens.configure_panes import Pane
from tui.screens.configure_values import ConfigureValues
from tui.widgets.form_fields import FormFields
from tui.widgets.scroller import Picker, Scroller

_OF_A_FIELD = ("turn_left", "turn_right", "switch", "to_default", "take_back", "edit_value", "copy")
_OF_A_FORM = (
    *("presets", "differences", "mistakes", "find", "next_section", "previous_section", "start", "queue"),
    *("copy_command", "next_pane", "previous_pane", "zoom", "redo", "undo", "device"),
)
_HINTS: dict[Pane, tuple[str, ...]] = {
    "fields": ("choose", "start", "presets", "to_default", "mistakes"),
    "sections": ("choose", "start", "presets", "differences", "mistakes"),
    "help": ("next_pane", "zoom", "start", "presets"),
    "plan": ("device", "start", "next_pane", "zoom", "presets"),
    "text": ("edit", "start", "next_pane", "zoom"),
}


class ConfigureKeys(ConfigureValues):
    """The screen with the keys that need no answer."""

    has_own_search = True
    """`/` looks through all sections, wherever the cursor stands."""

    # What can be done now, and what the footer says

    def hints(self) -> Sequence[str]:
        """The keys that matter in the present pane."""
        draft = self.draft
        if draft is None:
            return ("choose", "open_draft", "new_file", "import_file")
        if not self.filling:
            return ("edit", "reload", "open_draft", "close_draft")
        if self.typing:
            return ("choose", "back")
        hints = _HINTS[self.pane]
        return (hints[0], "write", "undo", *hints[1:]) if draft.changes or draft.pending else hints

    def labels(self) -> Mapping[str, str]:
        """What the keys are called now."""
        if self.typing:
            return {"choose": "take it", "back": "leave it"}
        if not self.filling:
            return {"choose": "open"}
        found = {"zoom": "all panes"} if self.zoomed else {}
        field = self.field
        if self.pane == "sections":
            found["choose"] = "its fields"
        elif field is not None and field.kind == "bool":
            found["choose"] = "switch"
        elif field is not None and field.kind == "choice":
            found["choose"] = "choose"
        return found

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now."""
        if not self.is_mounted or not self.composed:
            return True
        draft, filling = self.draft, self.filling
        if action in _OF_A_FIELD:
            return filling and (self.field is not None or action in ("turn_left", "turn_right"))
        if action in _OF_A_FORM:
            return filling
        match action:
            case "undo_all":
                return filling and draft is not None and bool(draft.changes or draft.pending)
            case "write":
                return filling and draft is not None and (bool(draft.changes) or not draft.writable)
            case "edit" | "reload" | "close_draft":
                return draft is not None
            case "new_file":
                return draft is None
        return True

    # Panes and sections

    def action_next_pane(self, by: int = 1) -> None:
        """To the next pane."""
        panes = self.panes
        here = panes.index(self.pane) if self.pane in panes else 0
        self.go(panes[(here + by) % len(panes)])

    def action_previous_pane(self) -> None:
        """To the pane before."""
        self.action_next_pane(-1)

    def action_zoom(self) -> None:
        """One pane on the whole screen, or all of them."""
        self.zoomed = not self.zoomed
        self.go(self.pane)

    def action_next_section(self, by: int = 1) -> None:
        """To the next section."""
        form = self.form
        if form is None:
            return
        keys = [group.key for group in form.groups]
        self.show_section(keys[(keys.index(self.section) + by) % len(keys)])

    def action_previous_section(self) -> None:
        """To the section before."""
        self.action_next_section(-1)

    def show_section(self, key: str) -> None:
        """To a section; the cursor goes to its first field."""
        self.section = key
        self.show_form()

    @on(Picker.Moved, "#sections")
    def _section_moved(self, event: Picker.Moved) -> None:
        form = self.form
        if form is not None and not isinstance(event, Picker.Chosen):
            self.show_section(form.groups[event.picker.cursor].key)

    @on(Picker.Chosen, "#sections")
    def _section_chosen(self) -> None:
        self.go("fields")

    @on(Picker.Moved, "#fields")
    def _field_moved(self) -> None:
        self.show_field()
        self.refresh_bars()

    def action_back(self) -> None:
        """Out of the line, out of a search, out of the zoom, back to the fields, out of the screen: one at a time."""
        focused = self.focused
        if self.fields.typing:
            self.fields.end_typing()
            self.show_field()
            self.refresh_bars()
        elif self.filling and (
            self.fields.clear_search() or (isinstance(focused, Scroller) and focused.clear_search())
        ):
            self.refresh_bars()
        elif self.zoomed:
            self.action_zoom()
        elif self.filling and self.pane in ("help", "plan", "text"):
            self.go("fields")
        else:
            self.app.pop_screen()

    # Finding

    def action_find(self) -> None:
        """Find a field in all sections."""
        self.go("fields")
        self.luthier.find_in(self.fields)

    @on(FormFields.Sought)
    def _sought(self, event: FormFields.Sought) -> None:
        self.go_to_field(event.key)
