"""The run that a run is best compared with: the nearest earlier one with the same model and data. And what differs.

Run files are read when asked for, and remembered until they change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.runs.differences import changes, read_table, shown
from engine.runs.store import Run

if TYPE_CHECKING:
    from collections.abc import Sequence


def earlier_like(run: Run, others: Iterable[Run]) -> Run | None:
    """The newest run that began before `run` with the same model and the same data; None where there is none."""
    began, alike = run.view.started_t, _alike(run)
    if began is None or alike is None:
        return None
    before = [
        other
        for other in others
        if other is not run and (other.view.started_t or began) < began and _alike(other) == alike
    ]
    return max(before, key=lambda other: other.view.started_t or 0.0, default=None)


def _alike(run: Run) -> tuple[str, Sequence[str]] | None:
    view = run.view
    if view.model is None or view.data is None:
        return None
    return view.model.path, [str(source.get("path", "")) for source in view.data.sources]


@dataclass
class Earlier:
    """Reads what differs between two runs' files, once."""

    _tables: dict[str, tuple[float, dict[str, Any] | None]] = field(default_factory=dict)

    def differing(self, run: Run, other: Run) -> list[str]:
        """Such as "lora.rank 8 -> 16", from the other run to this one; empty where a run file cannot be read."""
        before, after = self._table(other), self._table(run)
        if before is None or after is None:
            return []
        return [f"{change.key} {shown(change.before)} -> {shown(change.after)}" for change in changes(before, after)]

    def _table(self, run: Run) -> dict[str, Any] | None:
        try:
            stamp = run.dir.config.stat().st_mtime
        except OSError:
            return None
        known = self._tables.get(run.dir.name)
        if known is None or known[0] != stamp:
            known = (stamp, read_table(run))
            self._tables[run.dir.name] = known
        return known[1]
