"""Which runs are compared, and the sign by which each is known: a mark, a letter and an ink. Knows no widget.

Invariant: a run keeps its sign as long as it is compared, whoever else comes or goes, and no two runs share one: the mark
alone tells them apart, so nothing is lost without colour. The sign comes from the run's name: the same run tends to have the
same one tomorrow.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Axis = Literal["step", "tokens", "time"]

INKS = ("train", "eval", "speed", "rate", "grad", "memory", "text", "muted")
"""Of our colour-blind safe theme these are the eight hues of Okabe and Ito (2008)."""
COLOURED = 6
"""The first inks are colours; the other two, greys, come when these are taken."""
MARKS = "●■▲◆○□△◇"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
MOST = len(MARKS) + len(LETTERS)
"""Runs that can be told apart."""


@dataclass(frozen=True)
class Metric:
    """What is drawn."""

    key: str
    """Of the view's series."""
    label: str
    points: bool = False
    """Few values, each worth a mark."""
    smoothed: bool = False


METRICS = (
    Metric("loss", "train loss", smoothed=True),
    Metric("eval_loss", "eval loss", points=True),
    Metric("learning_rate", "learning rate"),
    Metric("grad_norm", "gradient norm", smoothed=True),
    Metric("tokens_per_s", "tokens/s", smoothed=True),
    Metric("peak_gib", "peak memory, GiB"),
)


@dataclass(frozen=True)
class Sign:
    """How a run is known on the Compare screen."""

    slot: int

    @property
    def ink(self) -> str:
        """Its colour."""
        return INKS[self.slot % len(INKS)]

    def mark(self, ascii_only: bool) -> str:
        """One cell: a shape for the first eight, then letters; in ASCII letters only."""
        if ascii_only:
            return LETTERS[self.slot % len(LETTERS)]
        return MARKS[self.slot] if self.slot < len(MARKS) else LETTERS[self.slot - len(MARKS)]


@dataclass
class Compared:
    """The runs in their order, what is drawn of them, and which lines are hidden."""

    names: list[str] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    metric: Metric = METRICS[0]
    everything: bool = False
    """Whether what is equal is shown, too."""
    signs: dict[str, Sign] = field(default_factory=dict)

    def set(self, names: Iterable[str]) -> None:
        """Compare these; who stays keeps its sign."""
        self.names = list(dict.fromkeys(names))[:MOST]
        self.hidden &= set(self.names)
        self.signs = {name: sign for name, sign in self.signs.items() if name in self.names}
        for name in self.names:
            if name not in self.signs:
                self.signs[name] = Sign(self._free(name))

    def add(self, names: Iterable[str]) -> None:
        """Compare these, too."""
        self.set([*self.names, *names])

    def remove(self, name: str) -> None:
        """Compare it no more."""
        self.set([other for other in self.names if other != name])

    def turn(self, name: str) -> None:
        """Hide its line, or show it again."""
        self.hidden ^= {name}

    def next_metric(self, by: int = 1) -> None:
        """Draw another metric."""
        self.metric = METRICS[(METRICS.index(self.metric) + by) % len(METRICS)]

    @property
    def drawn(self) -> list[str]:
        """The runs whose lines are shown."""
        return [name for name in self.names if name not in self.hidden]

    def _free(self, name: str) -> int:
        taken = {sign.slot for sign in self.signs.values()}
        first = zlib.crc32(name.encode("utf-8", "surrogatepass")) % COLOURED
        near = [(first + i) % COLOURED for i in range(COLOURED)]
        free: list[int] = [slot for slot in (*near, *range(COLOURED, MOST)) if slot not in taken]
        return free[0]
