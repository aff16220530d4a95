"""The panes of the Configure screen: which are there, which are shown, and what they show.

Where the terminal is wide: sections, fields with the help below, and the plan above the file. Where it is narrow: sections and
fields, help and plan below, and the plan and the file alone behind tab. Nothing here changes a draft.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set
from typing import Literal

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from engine.config.form import Field
from tui.configure.form_state import FormState
from tui.screens.frame import SHORT, WIDE, Frame
from tui.tokens.asking import News
from tui.tokens.model import Draft
from tui.widgets.draft_list import entries
from tui.widgets.form_fields import FormFields
from tui.widgets.form_help import FormHead, FormHelp, Trial
from tui.widgets.form_plan import PlanLines
from tui.widgets.form_sections import FormSections
from tui.widgets.form_text import FormText
from tui.widgets.form_welcome import FormBroken, FormWelcome
from tui.widgets.plan_pane import PlanPane
from tui.working import begin

Pane = Literal["sections", "fields", "help", "plan", "text"]
PANES: tuple[Pane, ...] = ("sections", "fields", "help", "plan", "text")
ROOMY = 72
"""Columns from which sections stand beside the fields."""


class ConfigurePanes(Frame):
    """The screen without its keys."""

    where = "configure"
    here = "configure"
    CSS_PATH = "configure.tcss"
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.pane: Pane = "fields"
        self.zoomed = False
        self.section = ""
        """Key of the section that is shown."""
        self.composed = False
        self._shown: FormState | None = None

    def body(self) -> ComposeResult:
        """Head; sections, fields and help, plan and file; what is shown while nothing is open, or the file is no TOML."""
        yield FormHead(id="form-head")
        with Horizontal(id="form-panes"):
            yield FormSections(id="sections")
            with Vertical(id="form-middle"):
                yield FormFields(id="fields")
                yield FormHelp(id="help")
                yield PlanLines(id="plan-lines")
            with Vertical(id="form-right"):
                yield PlanPane(id="plan")
                yield FormText(id="text")
        yield FormBroken(id="broken")
        yield FormWelcome(id="welcome")

    # What is there

    @property
    def draft(self) -> Draft | None:
        """The draft that is filled in."""
        return self.luthier.drafts.current

    @property
    def form(self) -> FormState | None:
        """Its form."""
        return self.luthier.form_of(self.draft) if self.draft is not None else None

    @property
    def fields(self) -> FormFields:
        """The fields of the present section."""
        return self.query_one("#fields", FormFields)

    @property
    def field(self) -> Field | None:
        """The field under the cursor."""
        return self.fields.current if self.filling else None

    @property
    def filling(self) -> bool:
        """Whether there is a form to fill in."""
        form = self.form if self.composed else None
        return form is not None and form.broken is None

    @property
    def single(self) -> bool:
        """Whether one pane is shown at a time beside the form."""
        return self.zoomed or self.app.size.width < WIDE

    # Life

    def on_mount(self) -> None:
        """What lies open; what could be opened, where nothing does."""
        self.composed = True
        super().on_mount()
        self.show_form()
        self.lay_out(focus=True)
        begin(self, self.fill_welcome, "welcome")
        self.luthier.settle()

    async def fill_welcome(self) -> None:
        """List what can be opened."""
        app = self.luthier
        found = await asyncio.to_thread(entries, "", list(app.drafts.drafts), app.offered_sources(), app.link.runs_dir)
        if self.is_mounted:
            self.query_one("#welcome", FormWelcome).fill(found)

    def news(self, names: set[str]) -> None:
        """Time went by."""
        self.refresh_bars()

    def news_of_tokens(self, what: Set[News]) -> None:
        """Another screen changed the draft, or the service said something of it."""
        if self.composed and "drafts" in what:
            self.show_form()

    def _catch_up(self) -> None:
        super()._catch_up()
        self._repaint()

    # Showing

    def show_form(self) -> None:
        """Paint what holds now, in all panes."""
        if not self.composed or not self.query("#fields"):
            return
        form = self.form
        if form is not None:
            form.refresh()
        section, key = form.place if form is not None and form is not self._shown else ("", "")
        if form is not self._shown:
            self._shown = form
            self.fields.end_typing()
            self.lay_out(focus=True)
            self.section = section or self.section
        self.query_one(FormHead).show(form)
        self.query_one(FormBroken).show(form if form is not None and form.broken is not None else None)
        if self.filling and form is not None:
            keys = [group.key for group in form.groups]
            if self.section not in keys:
                self.section = keys[min(1, len(keys) - 1)]
            number = keys.index(self.section)
            self.query_one(FormSections).show(form, number)
            self.fields.show(form, form.groups[number])
            if key:
                self.fields.go(key)
        self.lay_out()
        self.show_field()
        self.show_plan(ask=True)
        self.refresh_bars()

    def show_field(self, trial: Trial | None = None) -> None:
        """What follows the cursor: the help, and the line of the file. `trial`: what is to be said of what is typed."""
        form, field = self.form if self.filling else None, self.field
        if form is not None and form is self._shown and field is not None:
            form.place = (self.section, field.key)
        group = self.fields.group if self.filling and (self.pane == "sections" or field is None) else None
        self.query_one(FormHelp).show(form, None if group is not None else field, trial, group)
        self.query_one(FormText).show(form, field.key if field is not None else "")

    def show_plan(self, ask: bool = False) -> None:
        """The plan, as far as it is known; `ask`: have it made for what holds now."""
        draft = self.draft
        if draft is None or not self.composed:
            return
        planning = self.luthier.planning
        if ask and self.filling:
            planning.want(draft)
        self.query_one(PlanPane).show(planning, draft)
        self.query_one(PlanLines).show(planning)

    def go_to_field(self, key: str) -> None:
        """The cursor on a field of any section; of a section's own name its first."""
        form = self.form
        if form is None:
            return
        group = next((g for g in form.groups if g.key == key or any(field.key == key for field in g.fields)), None)
        if group is None:
            group = next((g for g in form.groups if key.startswith((f"{g.key}.", f"{g.key}["))), None)
        if group is None:
            return
        self.section = group.key
        self.show_form()
        self.fields.go(key)
        self.show_field()
        self.go("fields")

    # Which panes are shown

    def widget_of(self, pane: Pane) -> Widget:
        """The widget of a pane."""
        return self.query_one(f"#{pane}")

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes that tab goes through."""
        return PANES if self.roomy or self.zoomed else ("fields", "help", "plan", "text")

    @property
    def roomy(self) -> bool:
        """Whether the sections have a column of their own."""
        return self.app.size.width >= ROOMY

    def lay_out(self, focus: bool = False) -> None:
        """Show the panes that there is room for; `focus`: put the cursor into the present one."""
        if not self.composed or not self.query("#fields"):
            return
        filling, single, pane = self.filling, self.single, self.pane
        if pane not in self.panes:
            pane = self.pane = "fields"
        alone = single and (self.zoomed or pane in ("plan", "text"))
        low = self.app.size.height < SHORT

        def shows(name: Pane) -> bool:
            return pane == name if alone else True

        shown = {
            "#form-head": self.form is not None,
            "#form-panes": filling,
            "#broken": self.form is not None and not filling,
            "#welcome": self.form is None,
            "#sections": shows("sections") and (self.roomy or pane == "sections"),
            "#form-middle": not alone or pane in ("fields", "help"),
            "#fields": shows("fields"),
            "#help": shows("help"),
            "#plan-lines": single and not alone and not low,
            "#form-right": not single or pane in ("plan", "text"),
            "#plan": not single or pane == "plan",
            "#text": not single or pane == "text",
        }
        for name, display in shown.items():
            self.query_one(name).display = display
        self.set_class(alone, "-alone").set_class(not single, "-three").set_class(low, "-little")
        self.set_class(pane == "help" and not alone, "-help")
        if focus or self.focused is None or not self.focused.display:
            self.take_focus()

    def take_focus(self) -> None:
        """The cursor into what is shown."""
        if self.form is None:
            self.set_focus(self.query_one("#welcome"))
        elif not self.filling:
            self.set_focus(self.query_one("#broken"))
        elif not self.fields.typing:
            widget = self.widget_of(self.pane)
            self.set_focus(widget if widget.can_focus else None)

    def go(self, pane: Pane) -> None:
        """To a pane."""
        self.pane = pane
        self.lay_out(focus=True)
        self.call_after_refresh(self._repaint)

    def _repaint(self) -> None:
        if self.is_mounted and self.composed and self.luthier.is_shown(self):
            self.show_form()

    def on_resize(self, event: events.Resize) -> None:
        """More or less room."""
        super().on_resize(event)
        self.lay_out()
        self.call_after_refresh(self._repaint)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane that has the focus is the present one."""
        if event.widget.id in PANES and self.pane != event.widget.id:
            self.pane = event.widget.id
            self.lay_out()
            self.show_field()
        self.refresh_bars()
