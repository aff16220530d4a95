"""The verbs about runs that are there: pause, continue, ask, queue, card, delete, tensorboard. Thin, as those in `app`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from engine.cli.arguments import (
    AsJson,
    Device,
    NewestRun,
    Overrides,
    RunArgument,
    RunArguments,
    RunFileArgument,
    RunsDir,
)

queue_app = typer.Typer(
    name="queue", help="Runs that wait and start one after another on each device.", rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Give the verbs of this file to the command line."""
    app.command()(pause)
    app.command("continue")(continue_)
    app.command()(ask)
    app.add_typer(queue_app)
    app.command()(card)
    app.command()(delete)
    app.command()(tensorboard)


def pause(run: NewestRun = None, runs_dir: RunsDir = None, as_json: AsJson = False) -> None:
    """Let a run wait between two steps, with everything in memory, until `luthier continue`; wait until it does."""
    from engine.cli import asking_verbs

    asking_verbs.pause(run, runs_dir, as_json)


def continue_(run: NewestRun = None, runs_dir: RunsDir = None, as_json: AsJson = False) -> None:
    """Let a paused run go on. One that has ended is resumed with `luthier resume`."""
    from engine.cli import asking_verbs

    asking_verbs.unpause(run, runs_dir, as_json)


def ask(
    run: RunArgument,
    what: Annotated[Literal["evaluate", "checkpoint", "sample"], typer.Argument(help="What it does after its step.")],
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Ask a run to evaluate, to save a checkpoint or to write sample generations, once, after the step at hand."""
    from engine.cli import asking_verbs

    asking_verbs.ask(run, what, runs_dir, as_json)


@queue_app.callback(invoke_without_command=True)
def queue(context: typer.Context, runs_dir: RunsDir = None, as_json: AsJson = False) -> None:
    """List what waits and what runs, by device. Starts the queue's process again where it has died."""
    from engine.cli import queue_verbs

    if context.invoked_subcommand is None:
        queue_verbs.show(runs_dir, as_json)


@queue_app.command("add")
def queue_add(
    run_file: RunFileArgument,
    device: Device = "",
    overrides: Overrides = None,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Check a run file and put the run at the end of the queue."""
    from engine.cli import queue_verbs

    queue_verbs.add(run_file, overrides or [], runs_dir, device, as_json)


@queue_app.command("move")
def queue_move(
    run: RunArgument,
    where: Annotated[Literal["up", "down", "first", "last"], typer.Argument(help="Where to.")],
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Change the place of a run that waits."""
    from engine.cli import queue_verbs

    queue_verbs.move(run, where, runs_dir, as_json)


@queue_app.command("cancel")
def queue_cancel(run: RunArgument, runs_dir: RunsDir = None, as_json: AsJson = False) -> None:
    """Take a run out of the queue, into the trash: `luthier delete --restore` queues it again."""
    from engine.cli import queue_verbs

    queue_verbs.cancel(run, runs_dir, as_json)


def card(
    run: RunArgument,
    title: Annotated[str | None, typer.Option("--title", help="A name for people.")] = None,
    note: Annotated[str | None, typer.Option("--note", help="What is to be remembered of it.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Add a tag.")] = None,
    untag: Annotated[list[str] | None, typer.Option("--untag", help="Remove a tag.")] = None,
    archive: Annotated[
        bool | None, typer.Option("--archive/--unarchive", help="Put it away from the lists, or back.")
    ] = None,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Show or change what people say of a run: title, note, tags, and whether it is put away."""
    from engine.cli import card_verbs

    wanted = card_verbs.Wanted(title, note, tuple(tag or ()), tuple(untag or ()), archive)
    card_verbs.card(run, wanted, runs_dir, as_json)


def delete(
    runs: RunArguments = None,
    restore: Annotated[
        list[str] | None, typer.Option("--restore", metavar="NAME", help="Bring a run back from the trash.")
    ] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Remove for good what is in the trash.")] = False,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Move runs to the trash (.trash in the folder of the runs). Without a name, list what is in it."""
    from engine.cli import card_verbs

    card_verbs.delete(runs or [], restore or [], empty, runs_dir, as_json)


def tensorboard(
    run: NewestRun = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="DIR", help="Folder for the files; else that of the run.")
    ] = None,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Write the figures of a run as TensorBoard event files, from its journal."""
    from engine.cli import card_verbs

    card_verbs.tensorboard(run, out, runs_dir, as_json)
