"""Choosing how the rows of a source become text: a template by its name, or the text of the present one in $EDITOR."""

from __future__ import annotations

from typing import get_args

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.base import Dialog
from tui.text import pad, plain, wrap
from tui.widgets.painted import Painted
from tui.widgets.scroller import Picker

EDIT = "edit"
"""The answer of one who wants to edit the present template."""
ABOUT = {
    "auto": "what fits: the tokenizer's chat template, else one for the format of the rows",
    "qa": "### Question: and ### Answer:, for one question and one answer",
    "alpaca": "### Instruction:, ### Input: and ### Response:, as Stanford Alpaca had them",
    "plain": "prompt and completion as they are, with nothing between them",
    "chatml": "<|im_start|>role, the text, <|im_end|>: conversations of any length",
    "llama3": "<|start_header_id|>role<|end_header_id|>, the text, <|eot_id|>: the turns of Llama 3",
    "mistral": "[INST] question [/INST] answer: the turns of Mistral",
    "tokenizer": "the chat template that comes with the tokenizer, or the file that model.chat_template names",
    "custom": "your own words around {columns}: the keys prompt and completion of the source",
    EDIT: "its text in $EDITOR; what you save is tried on the row at once",
}


def names() -> list[str]:
    """Names of the templates, as the run file declares them; it is imported in here because it brings pydantic with it."""
    from engine.config.data import TemplateName

    return list(get_args(TemplateName))


class TemplateList(Picker):
    """The names, each with a line of what it does; the last entry edits the present one."""

    framed = False

    def __init__(self, current: str) -> None:
        super().__init__(id="templates")
        self.names = [*names(), EDIT]
        self.chosen = current
        self.cursor = self.names.index(current) if current in self.names else 0

    @property
    def current(self) -> str:
        """The name under the cursor."""
        return self.names[self.cursor]

    def count(self, width: int) -> int:
        """A line a name."""
        return len(self.names)

    def line(self, index: int, width: int) -> Row:
        """Mark, name, what it does."""
        name = self.names[index]
        here = name == self.chosen
        label = max(map(len, self.names)) + 2
        mark = self.glyphs.mark if here else " "
        ink = "accent" if name == EDIT else "title" if here else "text"
        row: Row = [(f"{mark} ", "accent"), (pad(name, label), ink)]
        room = width - label - 2
        return [*row, (plain(ABOUT.get(name, ""), room), "muted")] if room > 8 else row


class TemplateWords(Painted):
    """Below the list: what an entry does in full, and what is in force and why."""

    def __init__(self, used: str, reason: str) -> None:
        super().__init__(id="template-words")
        self.used, self.reason = used, reason
        self.about = ""

    def say(self, about: str) -> None:
        """Speak of another entry."""
        self.about = about
        self.repaint()

    def paint(self, width: int, height: int) -> list[Row]:
        """Wrapped."""
        rows: list[Row] = [[(line, "text")] for line in wrap(self.about, width)]
        if self.used:
            because = f": {self.reason}" if self.reason else ""
            rows += [[(line, "faint")] for line in wrap(f"in force: {self.used}{because}", width, 2)]
        return rows


class Template(Dialog[str]):
    """Answers with the name of a template, or with `EDIT`."""

    BINDINGS = bindings("dialog", "complete")
    AUTO_FOCUS = "#templates"

    def __init__(self, source: str, current: str, used: str = "", reason: str = "") -> None:
        """`current` is what the run file says, `used` what that comes to and `reason` why."""
        super().__init__()
        self.source, self.current, self.used, self.reason = source, current, used, reason

    def compose(self) -> ComposeResult:
        """List and words."""
        with Vertical(id="template-box") as box:
            box.border_title = "template"
            box.border_subtitle = "enter use   esc close"
            yield TemplateList(self.current)
            yield TemplateWords(self.used, f"{self.reason} ({self.source})" if self.source else self.reason)

    def on_mount(self) -> None:
        """As high as the list."""
        listed = self.query_one(TemplateList)
        words = self.query_one(TemplateWords)
        width = min(92, int(self.app.size.width * 0.94)) - 6
        said = max(len(wrap(about, width)) for about in ABOUT.values()) + (2 if self.used else 0)
        height = max(3, min(len(listed.names), self.app.size.height - said - 7))
        listed.styles.height = height
        words.styles.height = said
        self.query_one("#template-box").styles.height = height + said + 5
        words.say(ABOUT.get(listed.current, ""))

    @on(Picker.Moved)
    def _moved(self) -> None:
        self.query_one(TemplateWords).say(ABOUT.get(self.query_one(TemplateList).current, ""))

    @on(Picker.Chosen)
    def _chosen(self) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """Answer with the entry under the cursor."""
        self.dismiss(self.query_one(TemplateList).current)
