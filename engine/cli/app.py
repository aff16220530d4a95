"""The verbs. Each is a thin layer over the engine; errors become one paragraph and an exit code here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

import engine
from engine.cli import console, foreign_app, run_app
from engine.cli.arguments import AsJson, Device, NewestRun, Overrides, RunArgument, RunFileArgument, RunsDir
from engine.errors import ExitCode, LuthierError

app = typer.Typer(
    name="luthier",
    help="Fine-tune language models from a terminal. Without a verb, `luthier` opens the TUI.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.command()
def train(
    run_file: RunFileArgument,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and come back at once.")] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="Let it wait until a device is free; come back at once.")
    ] = False,
    device: Device = "",
    overrides: Overrides = None,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Start a run and watch it. It goes on when this command or the terminal ends; Ctrl-C stops it and saves."""
    from engine.cli import queue_verbs, run_verbs

    if queue:
        queue_verbs.add(run_file, overrides or [], runs_dir, device, as_json)
    else:
        run_verbs.train(run_file, overrides or [], runs_dir, device, detach, as_json)


@app.command()
def resume(
    run: RunArgument,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and come back at once.")] = False,
    device: Device = "",
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a stopped, failed or crashed run from its newest whole checkpoint."""
    from engine.cli import run_verbs

    run_verbs.resume(run, runs_dir, device, detach, as_json)


@app.command()
def stop(
    run: NewestRun = None,
    now: Annotated[
        bool, typer.Option("--now", help="Kill it: what was done since its newest checkpoint is lost.")
    ] = False,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Ask a run to finish its step, save a checkpoint and end; wait until it has."""
    from engine.cli import run_verbs

    if now:
        run_verbs.stop_now(run, runs_dir, as_json)
    else:
        run_verbs.stop(run, runs_dir, as_json)


foreign_app.register(app)  # import, export-script
run_app.register(app)  # pause, continue, ask, queue, card, delete, tensorboard


@app.command()
def watch(run: NewestRun = None, runs_dir: RunsDir = None, as_json: AsJson = False) -> None:
    """Watch a run until it ends. Ctrl-C leaves the watching, never the run."""
    from engine.cli import run_verbs

    run_verbs.watch(run, runs_dir, as_json)


@app.command()
def status(run: NewestRun = None, runs_dir: RunsDir = None, as_json: AsJson = False) -> None:
    """Say how a run is doing, and where and why it ended."""
    from engine.cli import status_verbs

    status_verbs.status(run, runs_dir, as_json)


@app.command()
def runs(runs_dir: RunsDir = None, as_json: AsJson = False) -> None:
    """List all runs, the newest first."""
    from engine.cli import status_verbs

    status_verbs.runs(runs_dir, as_json)


@app.command()
def chart(
    names: Annotated[list[str], typer.Argument(metavar="RUN…", help="Names of runs, all on one picture.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Ends in .svg or .png, or in .csv for all figures.")
    ],
    metric: Annotated[str, typer.Option("--metric", metavar="NAME", help="loss, eval_loss, learning_rate, …")] = "loss",
    axis: Annotated[Literal["step", "tokens", "time"], typer.Option("--x", help="What the curve runs over.")] = "step",
    log_y: Annotated[bool, typer.Option("--log-y", help="A logarithmic scale for the values.")] = False,
    smooth: Annotated[bool, typer.Option("--smooth/--no-smooth", help="With the smoothed course.")] = True,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Draw the curves of runs into an SVG or PNG file, or write all their figures as CSV."""
    from engine.cli import chart_verb

    chart_verb.chart(names, out, metric, axis, log_y, smooth, runs_dir, as_json)


@app.command()
def compare(
    names: Annotated[list[str], typer.Argument(metavar="RUN RUN…", help="Names of two runs or more.")],
    everything: Annotated[bool, typer.Option("--all", help="What is equal, too.")] = False,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Put runs side by side: final figures, and what differs in settings, data, versions and machine."""
    from engine.cli import compare_verb

    compare_verb.compare(names, runs_dir, everything, as_json)


@app.command()
def data(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH…", help="Files, folders, hub ids, names of presets, or one RUN.toml.")
    ],
    sample: Annotated[int, typer.Option("--sample", metavar="N", min=0, help="Show the first N rows, too.")] = 0,
    findings: Annotated[bool, typer.Option("--findings", help="Explain each finding, with rows and evidence.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="FINDING", help="With --export: only rows with this finding.")
    ] = None,
    export: Annotated[
        str | None, typer.Option("--export", metavar="FILE", help="Write the rows as JSON Lines.")
    ] = None,
    tokenizer: Annotated[str, typer.Option("--tokenizer", metavar="FOLDER", help="Count tokens with it.")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Look at the first 2,000 rows only.")] = False,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A key of [[data]], such as format=alpaca.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what data hold: format, columns, bad lines, findings, statistics, mixture. Files are never changed."""
    from engine.cli import data_verb

    wanted = data_verb.Wanted(sample, findings, quick, tokenizer, only or (), export, as_json)
    data_verb.data(paths, overrides or [], wanted)


@app.command()
def inspect(
    run_file: Annotated[Path, typer.Argument(metavar="RUN.toml", help="The run file, or the name of a run.")],
    row: Annotated[int | None, typer.Option("--row", metavar="N", min=1, help="The Nth row, from 1.")] = None,
    batch: Annotated[
        int | None,
        typer.Option("--batch", metavar="N", min=1, help="The batch of step N; of a run, against its journal."),
    ] = None,
    stats: Annotated[
        bool, typer.Option("--stats", help="Lengths, what other limits would cut, what each way of batching costs.")
    ] = False,
    findings: Annotated[
        bool, typer.Option("--findings", help="Explain each finding, with rows and what mends it.")
    ] = False,
    overrides: Overrides = None,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Show exactly what is trained: ids, labels, pieces and findings of a row, of a batch, or of all the data."""
    from engine.cli import inspect_verb

    asked = inspect_verb.Asked(row, batch, stats, findings)
    inspect_verb.inspect(run_file, asked, overrides or [], runs_dir, as_json)


@app.command()
def plan(
    run_file: Annotated[Path, typer.Argument(metavar="RUN.toml", help="The run file, or the name of a run.")],
    device: Annotated[
        str | None, typer.Option("--device", metavar="SIZE", help='A GPU with so much memory, such as "24GB".')
    ] = None,
    no_time: Annotated[bool, typer.Option("--no-time", help="Do not time a few layers on this machine.")] = False,
    overrides: Overrides = None,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Say what a run will take before it starts: memory, steps, time, disk; and what would make it smaller."""
    from engine.cli import plan_verb

    plan_verb.plan(run_file, device, overrides or [], runs_dir, not no_time, as_json)


@app.command()
def spec(
    as_json: Annotated[bool, typer.Option("--json", help="The JSON Schema instead of a commented run file.")] = False,
) -> None:
    """Print a run file with every key explained."""
    from engine.cli import status_verbs

    status_verbs.spec(as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check this machine: packages, device, disk, terminal."""
    from engine.cli import doctor_verb

    doctor_verb.doctor(as_json)


@app.command()
def paths(runs_dir: RunsDir = None, as_json: AsJson = False) -> None:
    """Print every place that is read or written: runs, settings, themes, state, cache; and whether it is there."""
    from engine.cli import paths_verb

    paths_verb.paths(runs_dir, as_json)


@app.command()
def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Tell the story on this terminal, without the TUI.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Train the base anew even if it is there.")] = False,
    starter_dir: Annotated[
        Path | None, typer.Option("--starter-dir", metavar="D", help="Folder of the starter.")
    ] = None,
    runs_dir: RunsDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON line (with --headless).")] = False,
) -> None:
    """The whole journey offline: a base model from scratch, QLoRA, and an exam for both."""
    from engine.cli import demo_verb

    if not headless:
        console.say("This is the headless half of the demo; with a terminal, `luthier demo` tells it in the TUI.")
    demo_verb.demo(starter_dir, runs_dir, fresh, as_json)


def _version(asked: bool) -> None:
    if asked:
        console.data(f"luthier {engine.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Fine-tune language models from a terminal. Without a verb, `luthier` opens the TUI.

    The TUI takes --theme NAME, --ascii, --no-mouse, --config FILE, --runs-dir D and --starter-dir D; ? in it shows its keys.
    """


def main(argv: list[str] | None = None) -> None:
    """Run a verb and exit with its code. Raises SystemExit."""
    console.prepare_streams()
    try:
        app(args=argv, prog_name="luthier")
    except LuthierError as error:
        console.complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except OSError as error:
        if error.errno not in (28, 122):
            raise
        console.complain(f"No space left: {error}. Make room and try again; a run that goes on is not touched.")
        sys.exit(ExitCode.RESOURCES)
