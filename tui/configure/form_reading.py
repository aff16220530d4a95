"""What a draft says as a form: the value of each field, where it comes from, what is wrong and what is unusual about it.

The form holds nothing that the draft does not: right values are laid over the draft, wrong ones stay in `draft.pending` as they
were typed. Invariant: `checked` is of the changes that the draft has, and of the file as it was read last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from engine.config.check import Checked, Problem, check
from engine.config.differences import same
from engine.config.form import Field, Group, groups, parse, show
from engine.errors import LuthierError
from tui.configure.places import at
from tui.configure.trail import Lay, Trail
from tui.tokens.model import Changes, Draft

Origin = Literal["default", "file", "changed", "wrong"]
Mistake = tuple[str, str]
"""A key and what is wrong there."""


class FormReading:
    """What a form says. Takes `draft`, how changes are laid over it, and how the last of them is taken back."""

    def __init__(self, draft: Draft, lay: Lay, undo: Callable[[Draft], bool]) -> None:
        self.draft = draft
        self._lay = lay
        self.trail = Trail(draft, lay, undo)
        self.base: Checked
        """The file as it is."""
        self.checked: Checked
        """The file with the changes in it."""
        self.groups: list[Group] = []
        self.fields: dict[str, Field] = {}
        self.wrong: dict[str, list[str]] = {}
        """What is wrong with each value that waits."""
        self._refused: dict[tuple[str, str], str] = {}
        """What the service would not have, as it was typed, and why."""
        self._known: Changes = {}
        """The changes that `checked` was made for."""
        self._stamp: tuple[int, int, int] | None = None
        self.place = ("", "")
        """Section and field where one was last, for who comes back."""
        self.version = 0
        """Counts what changed the form."""
        self.read()

    # Reading

    @property
    def path(self) -> Path | None:
        """The run file, None where there is none yet."""
        origin = self.draft.origin
        if not origin.path:
            return None
        return Path(origin.path) / "run.toml" if origin.run else Path(origin.path)

    def _check(self, changes: Mapping[str, Any]) -> Checked:
        try:
            return check(self.path, self.draft.origin.tables if self.path is None else None, changes)
        except LuthierError as error:
            return Checked(None, [Problem("", str(error))])

    def read(self) -> None:
        """Read the file again."""
        self._stamp = self._stamp_now()
        self.base = self._check({})
        self._refused.clear()
        self.refresh(force=True)

    def _stamp_now(self) -> tuple[int, int, int] | None:
        """What tells one state of the file from another; None where it is not there."""
        try:
            facts = self.path.stat() if self.path is not None else None
        except OSError:
            return None
        return (facts.st_mtime_ns, facts.st_size, facts.st_ino) if facts is not None else None

    def changed_on_disk(self) -> bool:
        """Whether somebody wrote the file since it was read."""
        return self._stamp_now() != self._stamp

    def forget_what_the_file_says(self) -> None:
        """Changes that say what the file says now are none any more."""
        kept = {key: value for key, value in self.draft.changes.items() if not same(value, self.of_file(key))}
        if kept != self.draft.changes:
            self._lay(self.draft, kept, False)
            self.refresh(force=True)

    def refresh(self, force: bool = False) -> bool:
        """Follow the draft, whose changes another screen may have made; return whether anything is new."""
        taken = self._taken_back()
        if not force and not taken and self._known == self.draft.changes:
            return False
        self._known = dict(self.draft.changes)
        self.checked = self._check(self._known) if self._known else self.base
        self._list_fields()
        self.wrong = {key: self._why(key, text) for key, text in self.draft.pending.items()}
        self.version += 1
        return True

    def _taken_back(self) -> bool:
        """The service would not have the last change, and the desk took it back: its values wait as they were typed."""
        draft = self.draft
        if not draft.refused:
            return False
        before = dict(draft.pending)
        lost = {
            key: value for key, value in self._known.items() if key not in draft.changes or draft.changes[key] != value
        }
        for key, value in lost.items():
            field = self.fields.get(key)
            if field is not None and value is not None:
                draft.pending[key] = self.shown(field, value)
                self._refused[key, draft.pending[key]] = draft.refused
        draft.refused = ""
        if draft.pending != before:
            self.trail.note(before)
        return bool(lost)

    def _list_fields(self) -> None:
        sources = self.checked.table.get("data")
        count = max(1, len(sources)) if isinstance(sources, list) else 1
        if not self.groups or count != sum(group.key.startswith("data[") for group in self.groups):
            self.groups = groups(count)
            self.fields = {field.key: field for group in self.groups for field in group.fields}

    @property
    def broken(self) -> Problem | None:
        """Why the file is no table of keys at all, so that there is nothing to fill in."""
        first = self.base.problems[0] if self.base.problems else None
        return first if first is not None and not first.key and not self.base.table else None

    # Values

    def value(self, key: str) -> Any:
        """What is in force: a change, the file's, the default."""
        found = at(self.checked.table, key)
        return self.fields[key].default if found is None and key in self.fields else found

    def of_file(self, key: str) -> Any:
        """What the file itself says; None where it says nothing."""
        return at(self.base.table, key)

    def origin(self, key: str) -> Origin:
        """Where a value comes from."""
        if key in self.draft.pending:
            return "wrong"
        if key in self.draft.changes:
            return "changed"
        return "default" if self.of_file(key) is None else "file"

    def shown(self, field: Field, value: Any) -> str:
        """A value as it can be typed."""
        return "" if value is None else show(field, value)

    def said_of(self, field: Field, value: Any) -> str:
        """A value to be read: of an empty text, list or table that there is none of it."""
        return "none" if value in ("", [], {}) else self.shown(field, value)

    def text(self, key: str) -> str:
        """What stands in a field: a value, or what was typed and is wrong."""
        if key in self.draft.pending:
            return self.draft.pending[key]
        return self.shown(self.fields[key], self.value(key))

    # Mistakes

    def mistakes(self) -> list[Mistake]:
        """All of them, in the order of the form: those of the file with its changes, then what waits."""
        found = [(problem.key, problem.message) for problem in self.checked.problems]
        found += [(key, message) for key, messages in self.wrong.items() for message in messages]
        order = {key: number for number, key in enumerate(self.fields)}
        return sorted(dict.fromkeys(found), key=lambda mistake: order.get(mistake[0], -1))

    def remarks(self) -> list[Mistake]:
        """What is unusual."""
        return [(remark.key, remark.message) for remark in self.checked.remarks]

    def said(self, key: str) -> tuple[list[str], list[str]]:
        """What is wrong with a field, and what is unusual about it."""
        wrong = self.wrong.get(key) or [
            problem.message for problem in self.checked.problems if key == problem.key or key in problem.keys
        ]
        return wrong, [text for name, text in self.remarks() if name == key]

    def marks(self, group: Group) -> tuple[int, int, int]:
        """Mistakes, remarks and changes in a section."""
        wrong = sum(self.is_in(group, key) for key, _ in self.mistakes())
        remarks = sum(self.is_in(group, key) for key, _ in self.remarks())
        return wrong, remarks, sum(self.is_in(group, key) for key in self.draft.changes)

    def is_in(self, group: Group, key: str) -> bool:
        """Whether a key lies in a section; one that the form does not know by where it stands in the file."""
        field = self.fields.get(key)
        if field is not None:
            return field.section == group.key
        return key == group.key or key.startswith((f"{group.key}.", f"{group.key}["))

    def _new_mistakes(self, changes: Mapping[str, Any]) -> list[Problem]:
        """Mistakes that the draft would have with these changes, and has not now."""
        before = {(problem.key, problem.message) for problem in self.checked.problems}
        return [problem for problem in self._check(changes).problems if (problem.key, problem.message) not in before]

    def _why(self, key: str, text: str) -> list[str]:
        """What is wrong with a text in a field; nothing where it will do."""
        if (key, text) in self._refused:
            return [self._refused[key, text]]
        field = self.fields.get(key)
        if field is None:
            return [f"There is no key {key} in this draft any more."]
        try:
            value = parse(field, text)
        except ValueError as error:
            return [str(error)]
        return [problem.message for problem in self._new_mistakes(self._with({key: value}))]

    def try_text(self, key: str, text: str) -> tuple[list[str], list[str]]:
        """What would be wrong with a text while it is typed, and what would be unusual about it."""
        if wrong := self._why(key, text):
            return wrong, []
        found = self._check(self._with({key: parse(self.fields[key], text)}))
        return [], [remark.message for remark in found.remarks if remark.key == key]

    def _with(self, values: Mapping[str, Any]) -> Changes:
        """The draft's changes with others, without those that say what holds anyway."""
        wanted = {**self.draft.changes, **values}
        for key in values:
            ours, default = self.of_file(key), self.fields[key].default if key in self.fields else None
            if same(wanted[key], ours) or (ours is None and same(wanted[key], default)):
                del wanted[key]
        return wanted
