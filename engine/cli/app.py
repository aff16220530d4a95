"""The verbs. Each is a thin layer over the engine; errors become one paragraph and an exit code here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import engine
from engine.cli import console
from engine.errors import ExitCode, LuthierError

app = typer.Typer(
    name="luthier",
    help="Fine-tune language models from a terminal. Without a verb, `luthier` opens the TUI.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

RunFileArgument = Annotated[Path, typer.Argument(metavar="RUN.toml", help="The run file; `luthier spec` writes one.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Name of a run, the start of one, or its directory.")]
NewestRun = Annotated[str | None, typer.Argument(metavar="[RUN]", help="Name of a run; without it the newest.")]
RunsDir = Annotated[Path | None, typer.Option("--runs-dir", metavar="D", help="Folder of the runs.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="K=V", help="Change a key of the run file: --set lora.rank=32.")
]


@app.command()
def train(
    run_file: RunFileArgument,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and come back at once.")] = False,
    overrides: Overrides = None,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Start a run and watch it. It goes on when this command or the terminal ends; Ctrl-C stops it and saves."""
    from engine.cli import run_verbs

    run_verbs.train(run_file, overrides or [], runs_dir, detach, as_json)


@app.command()
def resume(
    run: RunArgument,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and come back at once.")] = False,
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a stopped, failed or crashed run from its newest whole checkpoint."""
    from engine.cli import run_verbs

    run_verbs.resume(run, runs_dir, detach, as_json)


@app.command()
def stop(run: NewestRun = None, runs_dir: RunsDir = None, as_json: AsJson = False) -> None:
    """Ask a run to finish its step, save a checkpoint and end; wait until it has."""
    from engine.cli import run_verbs

    run_verbs.stop(run, runs_dir, as_json)


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
    """Print where runs, settings, themes and the starter are."""
    from engine.cli import status_verbs

    status_verbs.paths(runs_dir, as_json)


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
    """Fine-tune language models from a terminal. Without a verb, `luthier` opens the TUI."""


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
