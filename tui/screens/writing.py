"""Writing a draft: what changes is shown, then it goes into its file, or under a name into a new one.

A run's own file is its record, and stays as it is: its changes go into a new file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui.screens.dialogs.changes import Changes as ChangesDialog
from tui.tokens.model import Draft, Origin

if TYPE_CHECKING:
    from tui.app import LuthierApp


async def write_draft(app: LuthierApp, draft: Draft) -> Path | None:
    """Show what would change in a draft's file, and write it where that is wanted; return which file was written.

    The desk's present draft is the written one then. What is wrong stays with it, unwritten. For a worker.
    """
    origin = draft.origin
    tables = origin.tables if origin.table else None
    copied = str(Path(origin.path) / "run.toml") if origin.run else ""
    path = origin.path if draft.writable else f"{stem(origin.title)}.toml"
    written: Path | None = await app.push_screen_wait(
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


def stem(name: str) -> str:
    """A name of a file."""
    found = Path(name).stem if "." in name else name
    return "".join(char if char.isalnum() or char in "-_." else "-" for char in found).strip("-.") or "run"
