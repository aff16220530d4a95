"""plan: memory, steps, time and disk of a run before it starts, from the functions that the worker plans with."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

from engine.cli import console, plan_page
from engine.config.load import load
from engine.runs.paths import runs_dir
from engine.runs.store import find_run
from engine.tokens.folder import tokenizer_folder
from engine.tokens.prepare import prepare
from engine.tokens.tokenizer import load_tokenizer


def plan(
    run_file: Path, device: str | None, overrides: list[str], runs: Path | None, timed: bool, as_json: bool
) -> None:
    """Plan a run file, or a run by its name, and print the plan. Raises LuthierError."""
    file = (
        run_file if run_file.is_file() or run_file.suffix == ".toml" else find_run(runs_dir(runs), str(run_file)).config
    )
    run = load(file, overrides)
    folder, config, _ = tokenizer_folder(run.model)
    if os.path.isdir(run.model.path):
        os.environ["HF_HUB_OFFLINE"] = "1"  # all is here: nothing may be fetched
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it says that it looks for kernels that nobody asked for

    with console.err.status("") as status:

        def progress(name: str, done: int, total: int) -> None:
            status.update(console.safe(f"{name} {done:,} of {total:,}" if total else name))

        data = prepare(run, load_tokenizer(folder, run.model.trust_remote_code), config, progress)
        progress("loading libraries", 0, 0)
        from engine.plan.device import named_device, this_device
        from engine.plan.run_plan import plan_run

        limit = run.train.memory_limit
        facts = this_device(limit) if device is None else named_device(device, limit)
        progress("planning" if not timed or device is not None else "planning, and timing a few layers", 0, 0)
        made = plan_run(run, data, folder, facts, timed=timed and device is None, runs=runs_dir(runs))
    if as_json:
        console.json_line({**msgspec.to_builtins(made), "fits": made.memory.fits, "peak": made.memory.peak})
    else:
        plan_page.show(made, run)
