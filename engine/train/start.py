"""Starting and resuming runs: everything is checked before anything is written."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.config.load import dump, load
from engine.config.runfile import RunFile
from engine.data.conversation import Conversation
from engine.data.split import Part, divide
from engine.errors import RunError, TemplateError
from engine.runs.devices import devices, read_launched, require_device
from engine.runs.foreign import refuse_imported
from engine.runs.launcher import launch
from engine.runs.paths import RunDir
from engine.runs.queue import enqueue
from engine.runs.store import Run, create_run
from engine.runs.ticket import Ticket
from engine.templates import Template, make
from engine.templates.chat_file import read_chat_template
from engine.tokens.folder import context_length, model_folder
from engine.tokens.path import asked, resolve_max_length
from engine.tokens.prepare import read_sources, refuse_conversations, refuse_refused
from engine.track.tensorboard import require_package
from engine.train.earlier import read_earlier, require_fit
from engine.train.same_run import newest_state, require_same_run


@dataclass(frozen=True, slots=True)
class Started:
    """A run whose worker has said hello."""

    dir: RunDir
    process: subprocess.Popen[bytes]


def check(run: RunFile) -> RunFile:
    """Find what can be wrong with a run without importing torch: model folder, data, columns, templates, lengths, split.

    Returns the run file with the commits of datasets of the hub and the date, so that a resumed run sees the same tokens.
    Raises LuthierError.
    """
    require_package(run)
    folder, config = model_folder(run.model)
    if run.lora.start_from is not None:
        require_fit(read_earlier(run.lora.start_from), folder, run.quantization.bits)
    resolve_max_length(run.tokens.max_length, context_length(config))
    if run.model.chat_template is not None:
        read_chat_template(Path(run.model.chat_template))
    sources = read_sources(run)
    if run.tokens.packing == "wrapped":
        refuse_conversations(sources)
    divide([Part(source.conversations, source.held_out, source.sha256) for source in sources], run.split)
    problems: list[tuple[str, str]] = []
    for source in sources:
        if source.section.template in ("auto", "tokenizer"):
            continue  # these need the tokenizer, which only the worker loads
        template = make(source.section.template, None, source.section)
        if run.eval.samples and source is sources[0]:
            template.prompt(asked(run.eval.samples[0]))
        problems += _refused(template, source.conversations, run)
    refuse_refused(problems, sum(len(source.conversations) for source in sources), run)
    pinned = [
        section.model_copy(update={"revision": source.commit}) if source.commit else section
        for section, source in zip(run.data, sources, strict=True)
    ]
    model = run.model.model_copy(update={"date": run.model.date or date.today()})
    return run.model_copy(update={"data": pinned, "model": model})


def _refused(template: Template, conversations: Sequence[Conversation], run: RunFile) -> Iterator[tuple[str, str]]:
    for conversation in conversations:
        try:
            template.render(conversation, run.tokens.supervise)
        except TemplateError as error:
            yield conversation.origin, str(error)


def start_run(config: Path, runs: Path, overrides: Sequence[str] = (), device: str = "") -> Started:
    """Check the run file, make a run directory under `runs` and start its worker, on `device` where one is named.

    Nothing is written before the checks have passed. Raises LuthierError.
    """
    run = check(load(config, overrides))
    require_device(device)
    run_dir = make_run(run, runs)
    return Started(run_dir, launch(run_dir, device=device))


def queue_run(config: Path, runs: Path, overrides: Sequence[str] = (), device: str = "") -> tuple[RunDir, Ticket]:
    """Check the run file, make a run directory under `runs` and put it at the end of the queue.

    What it reads is pinned now, as for a run that starts at once. Raises LuthierError.
    """
    run = check(load(config, overrides))
    require_device(device)
    run_dir = make_run(run, runs)
    return run_dir, enqueue(runs, run_dir.path, device)


def make_run(run: RunFile, runs: Path) -> RunDir:
    """The directory of a checked run, with its resolved run file. Raises RunError where it cannot be written."""
    run_dir = create_run(runs, run.name)
    try:
        run_dir.config.write_text(dump(run), encoding="utf-8")
    except OSError as error:
        raise RunError(f"{run_dir.config} cannot be written: {error.strerror}.") from error
    return run_dir


def resume_run(run_dir: RunDir, device: str = "") -> Started:
    """Start a worker that goes on from the newest whole checkpoint, on `device`, or on the one that it had.

    Raises RunError when there is nothing to go on with, or when its run file would make another run of it.
    """
    refuse_imported(run_dir)
    run = Run(run_dir).load()
    if run.state == "succeeded":
        raise RunError(f"{run_dir.name} is finished: {run.reason or f'all {run.view.total_steps} steps are done.'}")
    if run.state == "queued":
        raise RunError(f"{run_dir.name} waits in the queue and starts by itself; `luthier queue` shows its place.")
    if run.alive and run.view.phase is not None and run.view.phase.name == "paused":
        raise RunError(f"{run_dir.name} is paused, not ended: `luthier continue {run_dir.name}` lets it go on.")
    if run.alive:
        raise RunError(f"{run_dir.name} is running. Watch it with `luthier watch {run_dir.name}`.")
    state = newest_state(run_dir.checkpoints)
    if state is not None:
        require_same_run(state, load(run_dir.config), run_dir.config)
    require_device(device)
    had = read_launched(run_dir).device
    return Started(run_dir, launch(run_dir, resume=True, device=device or (had if had in devices() else "")))
