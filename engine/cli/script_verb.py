"""export-script: a run file as a plain script with transformers and peft, its encoded rows beside it."""

from __future__ import annotations

import os
from pathlib import Path

from engine.cli import console
from engine.config.load import load


def export_script(run_file: Path, out: Path | None, overrides: list[str], as_json: bool) -> None:
    """Write the script. Raises LuthierError."""
    from engine.export.script import refuse_unsayable, write_script

    run = load(run_file, overrides)
    refuse_unsayable(run)  # before anything is read
    if os.path.isdir(run.model.path):
        os.environ["HF_HUB_OFFLINE"] = "1"  # all is here: nothing may be fetched
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    target = out if out is not None else run_file.with_suffix(".py")
    with console.err.status("") as status:

        def progress(name: str, done: int, total: int) -> None:
            status.update(console.safe(f"{name} {done:,} of {total:,}" if total else name))

        made = write_script(run, target, progress)
    files = [made.rows, made.order, *([made.held_out] if made.held_out is not None else [])]
    if as_json:
        console.json_line(
            {
                "script": str(made.path),
                "files": [str(path) for path in files],
                "steps": made.steps,
                "left_out": made.left_out,
            }
        )
    else:
        console.data(str(made.path))
    for line in made.left_out:
        console.say(f"left out: {line}")
    console.say(
        f"{made.path} trains {made.steps:,} steps on the rows in {', '.join(path.name for path in files)} beside it."
    )
