"""The verbs that speak with other tools: `import` and `export-script`. Thin, as those in `app`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from engine.cli.arguments import AsJson, Overrides, RunFileArgument, RunsDir


def register(app: typer.Typer) -> None:
    """Give the verbs of this file to the command line."""
    app.command("import")(import_)
    app.command("export-script")(export_script)


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A YAML of Axolotl, LLaMA-Factory or TRL, a script with a `trl sft` command, or the trainer_state.json (or "
            "the folder) of a run of the Trainer.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="RUN.toml", help="Write it there, not to stdout.")
    ] = None,
    tool: Annotated[
        Literal["axolotl", "llamafactory", "trl"] | None,
        typer.Option("--from", help="Whose it is, where that is not seen."),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="N", help="Of a run: its name; without it that of its folder.")
    ] = "",
    runs_dir: RunsDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a run file of another tool's configuration, or a run of another tool's log. Every key is accounted for."""
    from engine.cli import import_verb

    import_verb.import_(file, out, tool or "", runs_dir, name, as_json)


def export_script(
    run_file: RunFileArgument,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="The script; without it beside the run file.")
    ] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Write a plain script with transformers and peft that trains the same, and its encoded rows beside it."""
    from engine.cli import script_verb

    script_verb.export_script(run_file, out, overrides or [], as_json)
