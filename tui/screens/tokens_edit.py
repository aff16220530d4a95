"""The keys of the Tokens screen that change files: the template of a source, and the run file itself.

Nothing is written before what changes was shown. A run's own file is its record: its changes go into a new file.
"""

from __future__ import annotations

import os
from pathlib import Path

from textual import work

from engine.service import protocol as p
from tui.link.editor import edited
from tui.screens.dialogs.ask import Ask
from tui.screens.dialogs.confirm import Confirm
from tui.screens.dialogs.template import EDIT, Template
from tui.screens.tokens_keys import TokensKeys
from tui.screens.writing import write_draft
from tui.tokens.model import Changes, Draft
from tui.tokens.template_text import joined, parted_again

_SUFFIXES = {"custom": "template.txt", "jinja": "template.jinja"}


class TokensEdit(TokensKeys):
    """The screen with the keys that change files."""

    # The run file

    @work(group="ask")
    async def action_write(self) -> None:
        """Show what would change, and write it."""
        if (draft := self.draft) is not None:
            await self.write_draft(draft)

    async def write_draft(self, draft: Draft) -> None:
        """Show what would change in its file, and write it where that is wanted. For a worker."""
        if (
            not (draft.writable and not draft.changes)
            and (written := await write_draft(self.luthier, draft)) is not None
        ):
            self.luthier.tell(f"Written to {written.name}. R starts a run with it.", str(written.parent))

    # Templates

    def _source(self, draft: Draft) -> int:
        """Index of the source whose row is looked at."""
        row = draft.shown
        return row.source if row is not None else 0

    @work(group="ask")
    async def action_template(self) -> None:
        """Choose the template of the row's source."""
        draft = self.draft
        facts = draft.facts if draft is not None else None
        if draft is None or facts is None or not facts.sources:
            return
        index = self._source(draft)
        source = facts.sources[index]
        key = f"data[{index}].template"
        current = str(draft.value(key) or "auto")
        name: str | None = await self.app.push_screen_wait(
            Template(source.name if len(facts.sources) > 1 else "", current, source.template, source.reason)
        )
        if name == EDIT:
            await self._edit(draft, index)
        elif name == "custom":
            await self._edit(draft, index, custom=True)
        elif name is not None and name != current:
            words = [f"data[{index}].{part}" for part in ("prompt", "completion")]  # read with a custom template only
            self.change({key: name, **{word: None for word in words if draft.value(word) is not None}})

    @work(group="ask")
    async def action_edit(self) -> None:
        """The template of the row's source in the editor."""
        if (draft := self.draft) is not None:
            await self._edit(draft, self._source(draft))

    async def _edit(self, draft: Draft, index: int, custom: bool = False) -> None:
        """Have a template edited, and lay what came of it over the draft. `custom`: it becomes the user's own words."""
        found = await self.luthier.drafts.ask(p.TemplateText(id=0, draft=draft.id, source=index))
        if not isinstance(found, p.TemplateFound):
            return
        if found.kind == "none":
            self.luthier.tell(found.note or "There is nothing to edit in this template.")
            return
        if custom and found.kind != "custom":
            self.luthier.tell(
                "A custom template holds one question and one answer, and these rows are conversations: e edits their chat "
                "template instead."
            )
            return
        before = joined(found) if found.kind == "custom" else found.jinja
        after, problem = edited(self.app, _SUFFIXES.get(found.kind, "template.txt"), before)
        if problem:
            self.luthier.complain(problem)
        elif after is None:
            self.luthier.tell("The template was not changed.")
        elif found.kind == "custom":
            parts = parted_again(after)
            if parts is None:
                self.luthier.complain("The lines that part prompt and completion are gone; nothing is changed.")
                return
            self.change(_custom(draft, index, *parts))
        else:
            await self._keep_jinja(draft, index, after)

    async def _keep_jinja(self, draft: Draft, index: int, text: str) -> None:
        """Put a chat template into a file that the run file names."""
        before = draft.value("model.chat_template")
        asked = (
            "A chat template is a file of its own, which the run file names (model.chat_template). Where shall it be?"
        )
        start = before if isinstance(before, str) and before else _jinja_beside(draft)
        answer = await self.app.push_screen_wait(Ask("keep the template", asked, start, _wrong_file, paths=True))
        if answer is None:
            return
        path = Path(os.path.abspath(os.path.expanduser(answer)))
        there = f"{path} is there already. What it holds is replaced."
        if path.exists() and not await self.app.push_screen_wait(Confirm("replace the file", there, "replace it")):
            return
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            self.luthier.complain(f"{path} cannot be written: {(error.strerror or str(error)).lower()}.")
            return
        changes = {"model.chat_template": str(path), f"data[{index}].template": "tokenizer"}
        if all(draft.changes.get(key) == value for key, value in changes.items()):
            self.luthier.drafts.reopen(draft)  # the same file with another text
        else:
            self.change(changes)


def _custom(draft: Draft, index: int, prompt: str, completion: str) -> Changes:
    """The change to a template of the user's own words: it names columns itself, so that nothing else may say what they are."""
    changes: Changes = {"template": "custom", "prompt": prompt, "completion": completion}
    for key in ("format", "columns"):
        if draft.value(f"data[{index}].{key}") not in (None, "auto", {}):
            changes[key] = None
    return {f"data[{index}].{key}": value for key, value in changes.items()}


def _jinja_beside(draft: Draft) -> str:
    path = Path(draft.origin.path)
    return str(path.with_suffix(".jinja")) if draft.writable else f"{path.stem or 'template'}.jinja"


def _wrong_file(text: str) -> str:
    if not text:
        return "Name a file."
    path = Path(os.path.abspath(os.path.expanduser(text)))
    if path.is_dir():
        return f"{path} is a folder; name a file in it."
    return "" if path.parent.is_dir() else f"There is no folder {path.parent}."
