"""A tokenized row, or a part of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.templates.base import Rendered

IGNORE = -100
Int32 = npt.NDArray[np.int32]
Truncation = Literal["right", "left", "drop", "split", "error"]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One sequence of one row.

    `ids` and `labels` have shape [T]; `spans` has shape [T, 2], the first and the one-past-last character of the rendered
    text, (0, 0) for tokens that the tokenizer added and in rows that come as tokens; `segments` has shape [T], indices into
    `rendered.segments`, -1 for added tokens.
    """

    origin: str
    rendered: Rendered
    ids: Int32
    labels: Int32
    spans: Int32
    segments: Int32
    start: int
    """Which token of the whole row is the first here; with a BOS that was kept, the first behind it."""
    stop: int
    """Which token of the whole row is the first that is not here any more."""
    cut: int
    """Tokens of the row that are in no sequence because of max_length; said once a row, by its first sequence."""
    findings: tuple[str, ...]
    problem: str = ""
    """Why there are no tokens, where the template refused the row."""

    @property
    def supervised_tokens(self) -> int:
        """Number of tokens the loss is computed on."""
        return int((self.labels != IGNORE).sum())

    def with_finding(self, rule: str) -> Encoded:
        """The same with one more finding."""
        return replace(self, findings=(*self.findings, rule))


def refused(origin: str, problem: str) -> Encoded:
    """A row that its template cannot write."""
    nothing = np.zeros(0, dtype=np.int32)
    empty = Rendered((), False, False)
    spans = np.zeros((0, 2), dtype=np.int32)
    return Encoded(origin, empty, nothing, nothing, spans, nothing, 0, 0, 0, ("template_refused",), problem)
