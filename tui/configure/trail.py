"""The way through a form that undo and redo walk.

The desk keeps the changes of a draft before each change of them, which every screen takes back; values that wait are kept here,
each beside the number of such states at its time. Invariant: one undo takes back one act, the newest, whichever screen it
was made on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tui.tokens.model import Changes, Draft

Waiting = dict[str, str]
Lay = Callable[[Draft, Changes, bool], None]
"""Makes these, and no others, the changes of a draft; whether it is a turn, which is one step with the turns before it."""


@dataclass(frozen=True)
class _Act:
    """An act by which values came to wait, or ceased to."""

    before: Waiting
    depth: int
    """States that the desk held after it."""
    grew: bool
    """Whether it changed what is laid over the draft as well."""


@dataclass(frozen=True)
class _Ahead:
    """What an undo took back."""

    left: tuple[Changes, Waiting]
    """The state that the undo led to: redo leads from no other."""
    to: tuple[Changes, Waiting]


class Trail:
    """Acts of a form on `draft`."""

    def __init__(self, draft: Draft, lay: Lay, undo: Callable[[Draft], bool]) -> None:
        self.draft, self._lay, self._undo = draft, lay, undo
        self._acts: list[_Act] = []
        self._ahead: list[_Ahead] = []

    def _state(self) -> tuple[Changes, Waiting]:
        return dict(self.draft.changes), dict(self.draft.pending)

    def act(self, changes: Changes, waiting: Waiting, turned: bool = False) -> None:
        """Take a new state; `turned`: by turning a value."""
        self._ahead.clear()
        self._go(changes, waiting, turned)

    def _go(self, changes: Changes, waiting: Waiting, turned: bool = False) -> None:
        draft = self.draft
        before, depth = draft.pending, len(draft.past)
        if changes != draft.changes:
            self._lay(draft, changes, turned)
        draft.pending = waiting
        if waiting != before:
            self._acts.append(_Act(before, len(draft.past), len(draft.past) > depth))

    def note(self, before: Waiting) -> None:
        """Values came to wait by themselves, instead of `before`: one undo takes that back as well."""
        self._acts.append(_Act(before, len(self.draft.past), False))

    def undo(self) -> bool:
        """Take the newest act back; return whether there was one."""
        draft, now = self.draft, self._state()
        while self._acts and self._acts[-1].depth > len(draft.past):
            self._acts.pop()  # another screen took that back, or it was written
        if self._acts and self._acts[-1].depth == len(draft.past):
            act = self._acts.pop()
            if act.grew:
                self._undo(draft)
            draft.pending = dict(act.before)
        elif not self._undo(draft):
            return False
        self._ahead.append(_Ahead(self._state(), now))
        return True

    def redo(self) -> bool:
        """Do again what undo took back; return whether there was anything."""
        if not self._ahead:
            return False
        if self._ahead[-1].left != self._state():
            self._ahead.clear()
            return False
        self._go(*self._ahead.pop().to)
        return True
