"""Tags of one run or of several: what is typed narrows the known ones or is a new one; the space bar turns one on and off.

A tag that only some of the runs have stays as it is until one turns it. Tags hold no blanks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tui import words
from tui.keys import bindings
from tui.rows import Row
from tui.screens.dialogs.ask import Said
from tui.screens.dialogs.base import Dialog
from tui.text import plain
from tui.widgets.scroller import Picker
from tui.widgets.turning_input import TurningInput

MOST_TAG = 40
"""Characters of a tag."""
_MOVES = {"up": -1, "down": 1, "pageup": -8, "pagedown": 8}


@dataclass(frozen=True)
class TagsWanted:
    """The answer: tags that every run gets, and tags that none keeps."""

    on: tuple[str, ...]
    off: frozenset[str]

    def of(self, tags: Sequence[str]) -> tuple[str, ...]:
        """The tags of a run that had `tags`."""
        return tuple(dict.fromkeys([*(tag for tag in tags if tag not in self.off), *self.on]))


class TagList(Picker):
    """The known tags, each with whether the runs have it."""

    framed = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.known: Counter[str] = Counter()
        self.has: dict[str, bool | None] = {}
        """True: all runs have it; None: some do."""
        self.tags: list[str] = []
        self.typed = ""

    def narrow(self, typed: str) -> None:
        """Those that hold what is typed; what is typed comes as a new one where it is none of them."""
        self.typed = typed
        every = sorted({*self.known, *self.has}, key=lambda tag: (tag not in self.has, -self.known[tag], tag.lower()))
        self.tags = [tag for tag in every if typed.lower() in tag.lower()]
        if typed and typed not in every:
            self.tags.append(typed)
        self.cursor = self.tags.index(typed) if typed in self.tags else 0
        self.top = 0
        self.repaint()

    def turn(self) -> bool:
        """Turn the tag under the cursor; return whether there is one."""
        if not self.tags:
            return False
        tag = self.tags[self.cursor]
        self.has[tag] = self.has.get(tag, False) is not True
        self.repaint()
        return True

    def count(self, width: int) -> int:
        """The tags."""
        return len(self.tags)

    def empty(self, width: int) -> list[Row]:
        """No tag yet."""
        return [[("No tag yet. Type one, and the space bar gives it.", "muted")]]

    def line(self, index: int, width: int) -> Row:
        """Box, tag, how many runs have it."""
        tag = self.tags[index]
        state = self.has.get(tag, False)
        box = "[x]" if state else "[-]" if state is None else "[ ]"
        new = tag not in self.known and tag not in self.has
        count = "new" if new else f"{words.count(self.known[tag])} runs" if self.known[tag] != 1 else "1 run"
        ink = "accent" if state else "muted"
        return [(f"{box} ", ink), (plain(tag, width - 18), "text"), (f"  {count}", "faint")]


class Tags(Dialog[TagsWanted]):
    """Answers with the tags that are wanted."""

    BINDINGS = bindings("dialog", "accept", "complete")
    AUTO_FOCUS = "#tag"

    def __init__(self, about: str, present: Sequence[Sequence[str]], known: Counter[str]) -> None:
        """`present` has the tags of each run, `known` those of all runs with their number."""
        super().__init__()
        self._about, self._present, self._known = about, present, known

    def compose(self) -> ComposeResult:
        """Field and list."""
        with Vertical(id="tags-box") as box:
            box.border_title = "tags"
            box.border_subtitle = "space turn   enter keep   esc close"
            yield Said(f"tags of {self._about}", "muted", id="tags-about")
            yield TurningInput(placeholder="a tag", id="tag", compact=True, max_length=MOST_TAG)
            yield TagList(id="known-tags")

    def on_mount(self) -> None:
        """What they have comes first."""
        tags = self.query_one(TagList)
        tags.can_focus = False
        tags.known = self._known
        counts = Counter(tag for one in self._present for tag in set(one))
        tags.has = {tag: True if count == len(self._present) else None for tag, count in counts.items()}
        tags.narrow("")

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the list while one types."""
        if event.key in _MOVES:
            self.query_one(TagList).step(_MOVES[event.key])
        elif event.key != "tab":
            return
        event.stop()
        event.prevent_default()

    @on(TurningInput.Turned)
    def _turn(self) -> None:
        field = self.query_one(Input)
        if self.query_one(TagList).turn() and field.value:
            field.value = ""

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        text = "".join(event.value.split())
        if text != event.value:
            event.input.value = text  # pasted with blanks
        else:
            self.query_one(TagList).narrow(text)

    @on(Picker.Chosen)
    def _chosen(self) -> None:
        self._turn()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        tags = self.query_one(TagList)
        if event.value and (not tags.tags or tags.has.get(tags.tags[tags.cursor], False) is not True):
            tags.turn()
        on_all = tuple(tag for tag, state in tags.has.items() if state)
        self.dismiss(TagsWanted(on_all, frozenset(tag for tag, state in tags.has.items() if state is False)))
