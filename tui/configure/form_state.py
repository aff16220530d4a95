"""A draft as a form that is filled in: what becomes of what is typed, and the way back.

Invariant: laying a change over the draft never adds a mistake to it; what would do so waits, as it was typed, and is laid over as
soon as it does not any more. The service is never told of it. Nothing here asks or paints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.config.differences import same
from engine.config.form import parse, turn
from tui.configure.form_reading import FormReading
from tui.tokens.model import Changes


class FormState(FormReading):
    """The form of a draft."""

    # Changing

    def put(self, values: Mapping[str, Any]) -> None:
        """Take values; None takes a key away. Those that would be mistakes wait."""
        self._act(values, {})

    def put_text(self, key: str, text: str) -> None:
        """Take what was typed into a field; where it is wrong it waits."""
        try:
            if (key, text) in self._refused:
                raise ValueError
            value = parse(self.fields[key], text)
        except ValueError:
            self._act({}, {key: text})
        else:
            self._act({key: value}, {})

    def turn(self, key: str, by: int) -> None:
        """The next value of a field, or the one before. What was wrong in it goes."""
        value = turn(self.fields[key], self.value(key), by)
        if key in self.draft.pending or not same(value, self.value(key)):
            self._act({key: value}, {}, turned=True)

    def to_default(self, key: str) -> None:
        """Take a key out of the file, so that its default holds."""
        if self.origin(key) != "default":
            self._act({key: None}, {})

    def take_back(self, key: str) -> None:
        """Make a field what it is in the file."""
        self._act({key: self.of_file(key)}, {})

    def _act(self, values: Mapping[str, Any], texts: Mapping[str, str], turned: bool = False) -> None:
        """One act, which one undo takes back: lay over what is right, and let the rest wait."""
        draft = self.draft
        waiting = {key: text for key, text in draft.pending.items() if key not in values} | dict(texts)
        wanted = self._with(values)
        if values and self._new_mistakes(wanted):
            wanted = dict(draft.changes)
            for key, value in values.items():
                alone = self._with_these(wanted, key, value)
                if self._new_mistakes(alone):
                    waiting[key] = self.shown(self.fields[key], value) if key in self.fields else str(value)
                else:
                    wanted = alone
        for key, text in list(waiting.items()):  # what waited may be right beside the new values
            field = self.fields.get(key)
            if key in values or key in texts or field is None or (key, text) in self._refused:
                continue
            wanted, cured = self._with_waiting(wanted, key, text)
            if cured:
                del waiting[key]
        self.trail.act(wanted, waiting, turned)
        self.refresh(force=True)

    def _with_these(self, changes: Changes, key: str, value: Any) -> Changes:
        kept = {name: old for name, old in changes.items() if name != key}
        laid = self._with({key: value})
        return {**kept, key: laid[key]} if key in laid else kept

    def _with_waiting(self, changes: Changes, key: str, text: str) -> tuple[Changes, bool]:
        try:
            wanted = self._with_these(changes, key, parse(self.fields[key], text))
        except ValueError:
            return changes, False
        return (changes, False) if self._new_mistakes(wanted) else (wanted, True)

    # Back and forth

    def undo(self) -> str:
        """Take the last act back; return in words what it was, "" where there was none."""
        return self._moved(self.trail.undo)

    def redo(self) -> str:
        """Do again what was taken back last; "" where nothing was."""
        return self._moved(self.trail.redo)

    def undo_all(self) -> None:
        """Take everything back that is not written, wrong values too; that can be undone as well."""
        self.trail.act({}, {})
        self.refresh(force=True)

    def _moved(self, move: Callable[[], bool]) -> str:
        before = {key: self.text(key) for key in self.fields}
        if not move():
            return ""
        self.refresh(force=True)
        keys = [key for key in self.fields if self.text(key) != before.get(key, "")]
        if len(keys) == 1:
            return f"{keys[0]} is {self.text(keys[0]) or 'not set'} again."
        return f"{len(keys)} fields are as they were." if keys else "The form is as it was."
