"""What people said about runs, and which runs wait: the cards and the queue as they lie on the disk, kept fresh.

`read` runs in a thread and touches files only; `take` runs in the interface and owns what is known. A card is read again when
its file has changed; looking whether it has costs one `stat`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import RunError
from engine.runs.card import Card, card_path, read_card
from engine.runs.paths import RunDir
from engine.runs.queue import ensure_keeper, queue_of
from engine.runs.ticket import QUEUE_FOLDER, Ticket

NO_CARD = Card()
Stamp = tuple[int, int]


@dataclass(frozen=True)
class Found:
    """What a look at the disk found: the cards that changed, those that are gone, and the queue."""

    cards: dict[str, tuple[Stamp, Card]]
    gone: frozenset[str]
    queue: tuple[Ticket, ...]


@dataclass
class Shelf:
    """Cards by the name of the run, and the queue in its order."""

    runs_dir: Path
    cards: dict[str, Card] = field(default_factory=dict)
    queue: tuple[Ticket, ...] = ()
    version: int = 0
    """Grows when anything changed."""
    looked: bool = False
    """Whether the disk was looked at."""
    _stamps: dict[str, Stamp] = field(default_factory=dict)

    def card(self, name: str) -> Card:
        """The card of a run; an empty one where it has none."""
        return self.cards.get(name, NO_CARD)

    def put(self, name: str, card: Card) -> None:
        """Know a card that was just written, before the next look."""
        self.cards[name] = card
        self._stamps.pop(name, None)
        self.version += 1

    def tags(self) -> Counter[str]:
        """Every tag in use, with the number of its runs."""
        return Counter(tag for card in self.cards.values() for tag in card.tags)

    def waiting(self, name: str) -> int | None:
        """The place of a run in the queue, from 0; None for one that does not wait."""
        return next((i for i, ticket in enumerate(self.queue) if ticket.run == name), None)

    def read(self, names: Iterable[str]) -> Found:
        """Look at the disk for these runs. For a thread: touches nothing here."""
        stamps = dict(self._stamps)
        changed: dict[str, tuple[Stamp, Card]] = {}
        gone = set()
        for name in names:
            run = RunDir(self.runs_dir / name)
            stamp = _stamp(card_path(run))
            if stamp is None:
                if name in stamps or name in self.cards:
                    gone.add(name)
            elif stamps.get(name) != stamp:
                changed[name] = (stamp, read_card(run))
        return Found(changed, frozenset(gone), self._read_queue())

    def _read_queue(self) -> tuple[Ticket, ...]:
        """The queue; where something waits and nobody would start it, its process is started again."""
        if not (self.runs_dir / QUEUE_FOLDER).is_dir():
            return ()
        try:
            queue = tuple(queue_of(self.runs_dir))
            if queue:
                ensure_keeper(self.runs_dir)
        except (OSError, RunError):  # the queue is looked at again in a second
            return self.queue
        return queue

    def take(self, found: Found) -> bool:
        """Know what was found; return whether anything is different now."""
        self.looked = True
        different = found.queue != self.queue
        self.queue = found.queue
        for name, (stamp, card) in found.cards.items():
            self._stamps[name] = stamp
            if self.cards.get(name) != card:
                self.cards[name] = card
                different = True
        for name in found.gone:
            self._stamps.pop(name, None)
            different |= self.cards.pop(name, None) is not None
        self.version += different
        return different


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
