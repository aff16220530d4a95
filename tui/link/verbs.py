"""Starting the headless verbs: what the TUI does is what a script does, in another process.

`train` and `resume` answer with one JSON object on stdout, or a paragraph on stderr and an exit code. The demo outlives
whoever started it: own session, output into a file.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.errors import LuthierError
from engine.runs.launcher import worker_environment
from tui.link.tail import DEMO_LOG

_MOST_LINES = 40


class VerbError(LuthierError):
    """A verb refused; its text is what the verb said."""


class Started(msgspec.Struct):
    """The answer of `train --detach` and `resume --detach`."""

    run: str
    path: str = ""


class Queued(msgspec.Struct):
    """The answer of `queue add`."""

    run: str
    path: str = ""
    place: int = 0
    """From 1; 0 where it is being started already."""


async def start_run(run_file: Path, runs_dir: Path, overrides: Sequence[str] = (), device: str = "") -> Started:
    """Start a run from a run file. Takes seconds: the data are checked first. Raises VerbError.

    `overrides` are values of `--set`; `device` is one of this machine, "" for the usual one.
    """
    more = [*_set(overrides), *(["--device", device] if device else [])]
    return await _call("train", str(run_file), "--detach", "--json", "--runs-dir", str(runs_dir), *more)


async def queue_run(run_file: Path, runs_dir: Path, overrides: Sequence[str] = (), device: str = "") -> Queued:
    """Put a run into the queue; it is checked first. `device` "": the first that is free. Raises VerbError."""
    more = [*_set(overrides), *(["--device", device] if device else [])]
    arguments = ("queue", "add", str(run_file), "--json", "--runs-dir", str(runs_dir), *more)
    return _decoded(await _said(*arguments), Queued, arguments[0])


def _set(overrides: Sequence[str]) -> list[str]:
    return [part for value in overrides for part in ("--set", value)]


async def resume_run(name: str, runs_dir: Path) -> Started:
    """Go on with a run from its newest checkpoint. Raises VerbError."""
    return await _call("resume", name, "--detach", "--json", "--runs-dir", str(runs_dir))


async def write_chart(
    name: str, runs_dir: Path, path: Path, axis: str = "step", log_y: bool = False, smooth: bool = True
) -> str:
    """Write the loss of a run to a file: .svg, .png, or all its figures to a .csv. Return what was done. Raises VerbError."""
    how = ["--x", axis, *(["--log-y"] if log_y else []), *([] if smooth else ["--no-smooth"])]
    await _said("chart", name, "--out", str(path), "--runs-dir", str(runs_dir), *how)
    return f"Written: {path}"


async def draw_runs(
    names: Sequence[str], runs_dir: Path, path: Path, metric: str, axis: str, log_y: bool = False
) -> str:
    """Write several runs on one chart, or all their figures, to a file. Return what was done. Raises VerbError."""
    wish = ["--metric", metric, "--x", axis, *(["--log-y"] if log_y else [])]
    said = await _said("chart", *names, "--out", str(path), *wish, "--runs-dir", str(runs_dir))
    return said.decode("utf-8", "replace").strip() or f"Written: {path}"


def start_story(starter_dir: Path, runs_dir: Path, fresh: bool) -> subprocess.Popen[bytes]:
    """Start the demo and return its process. Raises VerbError where it cannot be started."""
    arguments = ["demo", "--headless", "--starter-dir", str(starter_dir), "--runs-dir", str(runs_dir)]
    try:
        starter_dir.mkdir(parents=True, exist_ok=True)
        with (starter_dir / DEMO_LOG).open("wb") as log:
            return subprocess.Popen(
                _command(*arguments, *(["--fresh"] if fresh else [])),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=worker_environment(),
            )
    except OSError as error:
        raise VerbError(f"The demo cannot be started in {starter_dir}: {error.strerror}.") from error


def _command(*arguments: str) -> list[str]:
    # -P: a folder called `engine` where one happens to stand must not be taken for ours.
    return [sys.executable, "-P", "-m", "engine", *arguments]


_T = TypeVar("_T")


async def _call(*arguments: str) -> Started:
    return _decoded(await _said(*arguments), Started, arguments[0])


def _decoded(said: bytes, kind: type[_T], verb: str) -> _T:
    try:
        return msgspec.json.decode(said, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = said.decode("utf-8", "replace")[:200]
        raise VerbError(f"`luthier {verb}` gave an answer that is not understood: {text!r}") from error


async def _said(*arguments: str) -> bytes:
    """What a verb says on stdout. Raises VerbError with what it says on stderr where it refuses."""
    process = await asyncio.create_subprocess_exec(
        *_command(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=worker_environment(),
    )
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        if process.returncode is None:
            process.terminate()
        raise
    if process.returncode:
        text = "\n".join(err.decode("utf-8", "replace").strip().removeprefix("error: ").splitlines()[-_MOST_LINES:])
        raise VerbError(text or f"`luthier {arguments[0]}` ended with code {process.returncode} and said nothing.")
    return out
