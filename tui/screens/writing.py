"""Writing a draft: what changes is shown, then it goes into its file, or under a name into a new one.

A run's own file is its record, and stays as it is: its changes go into a new file.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.screens.dialogs.changes import Changes as ChangesDialog
from tui.screens.dialogs.changes import planned
from tui.tokens.model import Draft, Origin

if TYPE_CHECKING:
    from tui.app import LuthierApp


async def write_draft(app: LuthierApp, draft: Draft, shown: bool = False) -> Path | None:
    """Show what would change in a draft's file, and write it where that is wanted; return which file was written.

    `shown`: it was shown before, and is asked about only where something else would be lost or is wrong.
    The desk's present draft is the written one then. What is wrong stays with it, unwritten. For a worker.
    """
    origin = draft.origin
    tables = origin.tables if origin.table else None
    copied = str(Path(origin.path) / "run.toml") if origin.run else ""
    path = origin.path if draft.writable else file_for(draft)
    written: Path | None = None
    if shown:
        written = await asyncio.to_thread(_written_at_once, draft, Path(path).absolute(), tables, copied)
    if written is None:
        written = await app.push_screen_wait(
            ChangesDialog(draft.changes, draft.base, path, tables=tables, copied=copied)
        )
    if written is None:
        return None
    drafts, pending = app.drafts, dict(draft.pending)
    if draft.writable:
        drafts.written(draft)
        return written
    row, token = draft.row, draft.token
    if origin.run:
        draft.pending = {}
        drafts.written(draft)
        drafts.open(Origin(str(written))).pending.update(pending)
    else:
        drafts.close(draft)
        fresh = drafts.open(Origin(str(written)))
        fresh.row, fresh.token, fresh.written, fresh.pending = row, token, True, pending
    return written


def _written_at_once(draft: Draft, path: Path, tables: dict[str, Any] | None, copied: str) -> Path | None:
    """Write a draft where that takes nothing else away; None where somebody has to be asked, or something is wrong."""
    from engine.config.use import write
    from engine.errors import LuthierError

    if not draft.writable and path.exists():
        return None
    try:
        plan, _ = planned(path, draft.changes, draft.base, tables, copied)
        if plan.lost_comments:
            return None
        if plan.text != plan.before:
            write(plan)
    except LuthierError:
        return None  # the dialog says it
    return plan.path


def file_for(draft: Draft) -> str:
    """The name that is proposed for the file of a draft that is in none."""
    return f"{stem(draft.origin.title)}.toml"


def stem(name: str) -> str:
    """A name of a file."""
    found = Path(name).stem if "." in name else name
    return "".join(char if char.isalnum() or char in "-_." else "-" for char in found).strip("-.") or "run"
