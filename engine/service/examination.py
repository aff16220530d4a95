"""What an examination of a source found, kept as row numbers: for views, for details, and for what a run leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.data.found import RowNumbers, rules_of
from engine.errors import DataError
from engine.service.views import Numbers


class Examination:
    """The rows that each rule found. `exact` says whether all rows were looked at."""

    def __init__(self, found: Mapping[str, RowNumbers], exact: bool) -> None:
        """`found` has row numbers from 1, in order and each once."""
        self.exact = exact
        self._found = dict(found)

    def rows_with(self, rules: Sequence[str]) -> Numbers:
        """Rows, from 0, that any of these rules found. Raises DataError for a rule that was not asked."""
        for rule in rules:
            if rule not in self._found:
                known = ", ".join(sorted(self._found))
                raise DataError(f"There is no finding {rule!r} of this source; it was looked for {known}.")
        found = [self._found[rule] for rule in rules]
        return (np.unique(np.concatenate(found)) - 1).astype(np.int32) if found else np.empty(0, dtype=np.int32)

    def rules_of(self, number: int) -> list[str]:
        """The rules that speak of a row, by its number from 1."""
        return rules_of(self._found, number)

    def marks(self, rules: Sequence[str]) -> bytes:
        """A byte a row, up to the last one found: 0, or the place of the first rule that found it, from 1."""
        found = [self._found.get(rule, np.empty(0, dtype=np.int64)) for rule in rules]
        last = max((int(rows[-1]) for rows in found if len(rows)), default=0)
        marks = np.zeros(last, dtype=np.uint8)
        for place in range(len(rules), 0, -1):
            marks[found[place - 1] - 1] = place
        return marks.tobytes()
