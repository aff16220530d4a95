"""The keys of the Configure screen that change values: turned, typed, chosen, taken out, taken back; and copying one."""

from __future__ import annotations

from textual import on

from engine.config.form import Field
from tui.configure.command import as_option
from tui.link import copy
from tui.link.editor import edited
from tui.screens.configure_panes import ConfigurePanes
from tui.widgets.form_fields import FormFields, turnable
from tui.widgets.scroller import Picker


class ConfigureValues(ConfigurePanes):
    """The screen with the keys that change values."""

    @property
    def typing(self) -> bool:
        """While a value is typed."""
        return self.composed and self.fields.typing

    # Values

    def _changed(self) -> None:
        self.luthier.drafts.tell("drafts")
        self.show_form()

    def _turn(self, key: str, by: int) -> None:
        form = self.form
        if form is None or key not in form.fields:
            return
        before = form.text(key)
        form.turn(key, by)
        if form.text(key) == before and form.fields[key].kind in ("int", "float"):
            self.luthier.tell(f"{before or 'This'} is as far as it goes: {form.fields[key].bounds}.", key)
        self._changed()

    def _turn_here(self, by: int) -> None:
        field = self.field
        if self.pane == "sections":
            if by > 0:
                self.go("fields")
        elif self.pane == "fields" and field is not None:
            if turnable(field):
                self._turn(field.key, by)
            elif by > 0:
                self.luthier.tell("enter types it, E opens it in $EDITOR.", field.key)
            elif self.roomy:
                self.go("sections")
        elif by < 0 and self.pane in ("help", "plan", "text"):
            self.go("fields")

    def action_turn_right(self) -> None:
        """The next value."""
        self._turn_here(1)

    def action_turn_left(self) -> None:
        """The value before."""
        self._turn_here(-1)

    def action_switch(self) -> None:
        """On or off; the next choice."""
        field = self.field
        if field is not None and field.kind in ("bool", "choice"):
            self._turn(field.key, 1)

    @on(FormFields.Turned)
    def _turned(self, event: FormFields.Turned) -> None:
        self._turn(event.key, event.by)

    def action_to_default(self) -> None:
        """Take the key out of the file."""
        form, field = self.form, self.field
        if form is None or field is None:
            return
        if form.origin(field.key) == "default":
            self.luthier.tell("It is at its default already.", field.key)
            return
        form.to_default(field.key)
        self._changed()

    def action_take_back(self) -> None:
        """What it is in the file."""
        form, field = self.form, self.field
        if form is not None and field is not None and form.origin(field.key) in ("changed", "wrong"):
            form.take_back(field.key)
            self._changed()

    # Typing

    def action_choose(self) -> None:
        """What enter does in the present pane."""
        focused = self.focused
        if not self.filling:
            self.choose_welcome()
        elif self.pane == "sections":
            self.go("fields")
        elif self.pane == "fields" and self.field is not None and not self.typing:
            self.choose_field(self.field)
        elif isinstance(focused, Picker):
            focused.choose()

    def choose_welcome(self) -> None:
        """Open what is chosen, where nothing is open yet."""
        raise NotImplementedError

    def choose_field(self, field: Field) -> None:
        """Type a value, or choose one."""
        form = self.form
        if form is None:
            return
        if field.kind == "bool":
            self._turn(field.key, 1)
        elif field.kind == "choice":
            self.choose_value(field)
        elif field.kind == "lines":
            self.action_edit_value()
        else:
            self.fields.type_into(field.key, form.text(field.key))
            self.refresh_bars()

    def choose_value(self, field: Field) -> None:
        """Choose one of several values from a list."""
        raise NotImplementedError

    @on(Picker.Chosen, "#fields")
    def _field_chosen(self) -> None:
        if self.field is not None:
            self.choose_field(self.field)

    @on(FormFields.Typed)
    def _typed(self, event: FormFields.Typed) -> None:
        form = self.form
        if form is None or event.key not in form.fields:
            return
        if not event.done:
            same = event.text == form.text(event.key)
            self.show_field(trial=None if same else form.try_text(event.key, event.text))
            return
        if event.text != form.text(event.key):
            form.put_text(event.key, event.text)
        self._changed()
        if event.move:
            self.fields.step(event.move)

    def action_edit_value(self) -> None:
        """The value in the editor."""
        form, field = self.form, self.field
        if form is None or field is None:
            return
        before = form.text(field.key)
        text, problem = edited(self.app, f"{field.key}.txt", before + "\n" if before else "")
        if problem:
            self.luthier.complain(problem)
        elif text is not None and text.rstrip("\n") != before:
            form.put_text(field.key, text.rstrip("\n"))
            self._changed()

    # Back and forth

    def action_undo(self) -> None:
        """Take the last change back."""
        form = self.form
        if form is not None:
            said = form.undo()
            written = ": the last changes are written." if form.draft.written else "."
            self.luthier.tell(said or f"Nothing to undo{written}")
            self._changed()

    def action_redo(self) -> None:
        """Do again what was taken back."""
        form = self.form
        if form is not None:
            self.luthier.tell(form.redo() or "Nothing to do again.")
            self._changed()

    # Copying

    async def action_copy(self) -> None:
        """The field as an option of the command line."""
        form, field = self.form, self.field
        if form is not None and field is not None:
            option = as_option(field.key, form.value(field.key))
            where = await copy(self.app, option)
            self.luthier.tell(where, option)
