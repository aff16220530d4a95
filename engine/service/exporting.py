"""`export`: rows of a view as JSON Lines, written beside their place and put there whole."""

from __future__ import annotations

import numpy as np

from engine.data.export import RowFiles, target_of
from engine.data.rows import BadLine
from engine.errors import DataError
from engine.service.jobs import Job, Jobs
from engine.service.protocol import Answer, Export, Exported
from engine.service.sources import Source, Sources
from engine.service.views import Numbers


def export(sources: Sources, jobs: Jobs, request: Export, job: Job) -> Answer:
    """Write rows of a view; lines of JSON Lines files byte for byte.

    Raises DataError when the file is there and may not be replaced, when it is one that is being read, and when it cannot be
    written.
    """
    source = sources.get(request.source)
    reading = [path for one in sources.all() for path in one.table.paths]
    target = target_of(request.path, request.overwrite, reading)
    jobs.claim(job, "export", source.number, alone=False)
    with source.use():
        rows = _rows(source, request, job)
        with RowFiles(target, request.overwrite, job.id) as files:
            _write(source, rows, files, job)
        return Exported(path=str(target), rows=files.written, unreadable=files.unreadable)


def _write(source: Source, rows: Numbers | None, files: RowFiles, job: Job) -> None:
    for block in source.walk(job, rows):
        for row, record in block:
            files.write(source.line(row, record), isinstance(record, BadLine))
        total = len(rows) if rows is not None else source.expected
        job.progress("writing", block.upto, max(total, block.upto))
    files.settle()
    job.check()
    files.put_in_place()


def _rows(source: Source, request: Export, job: Job) -> Numbers | None:
    """The rows to write; None for all of them."""
    if request.rows:
        if min(request.rows) < 1 or not source.wait_for(max(request.rows) - 1, job):
            wrong = min(request.rows) if min(request.rows) < 1 else max(request.rows)
            raise DataError(f"{source.facts.name} has rows 1 to {source.known:,}; there is no row {wrong:,}.")
        return np.array(request.rows, dtype=np.int32) - 1
    if request.view:
        view = source.views.get(request.view)
        if not view.complete:
            raise DataError(f"View {request.view} is still growing. Wait until it is complete, or cancel its filter.")
        return view.rows()
    return None
