"""What is left of a crash of the screens: a file with the trace, and a few words about it."""

from __future__ import annotations

import traceback

from engine.runs.paths import state_dir
from engine.text import visible


def report(error: BaseException | None) -> str:
    """Write the trace of `error` to `crash.log` in the folder of states; return what to tell the user."""
    path = state_dir() / "crash.log"
    what = visible(f"{type(error).__name__}: {error}") if error else "an unknown error"
    trace = "".join(traceback.format_exception(error)) if error else ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(trace, "utf-8", "backslashreplace")
        where = f"The trace is in {path}."
    except OSError:
        where = visible(trace)
    return f"Luthier's screens ended with a bug of their own: {what}\n{where} No run was touched by it.\n"
