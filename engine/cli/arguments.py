"""The arguments that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunFileArgument = Annotated[Path, typer.Argument(metavar="RUN.toml", help="The run file; `luthier spec` writes one.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Name of a run, the start of one, or its directory.")]
RunArguments = Annotated[
    list[str] | None, typer.Argument(metavar="RUN…", help="Names of runs, their beginnings, or directories.")
]
NewestRun = Annotated[str | None, typer.Argument(metavar="[RUN]", help="Name of a run; without it the newest.")]
RunsDir = Annotated[Path | None, typer.Option("--runs-dir", metavar="D", help="Folder of the runs.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="K=V", help="Change a key of the run file: --set lora.rank=32.")
]
Device = Annotated[
    str, typer.Option("--device", metavar="D", help='A device by its number, such as "1"; `luthier queue` lists them.')
]
