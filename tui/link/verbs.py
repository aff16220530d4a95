"""Starting the headless verbs: what the TUI does is what a script does, in another process.

`train` and `resume` answer with one JSON object on stdout, or a paragraph on stderr and an exit code. The demo outlives
whoever started it: own session, output into a file.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

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


async def start_run(run_file: Path, runs_dir: Path) -> Started:
    """Start a run from a run file. Takes seconds: the data are checked first. Raises VerbError."""
    return await _call("train", str(run_file), "--detach", "--json", "--runs-dir", str(runs_dir))


async def resume_run(name: str, runs_dir: Path) -> Started:
    """Go on with a run from its newest checkpoint. Raises VerbError."""
    return await _call("resume", name, "--detach", "--json", "--runs-dir", str(runs_dir))


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


async def _call(*arguments: str) -> Started:
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
    try:
        return msgspec.json.decode(out, type=Started)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        said = out.decode("utf-8", "replace")[:200]
        raise VerbError(f"`luthier {arguments[0]}` gave an answer that is not understood: {said!r}") from error
