"""import: configurations of other tools as run files, and runs of the Trainer of transformers as runs.

The run file goes to stdout, or into a file that is not there yet; what became of each key goes to stderr.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.cli import console
from engine.config.foreign.report import FATES, Imported, brief
from engine.config.use import shortened
from engine.errors import ConfigError


def import_(file: Path, out: Path | None, tool: str, runs: Path | None, name: str, as_json: bool) -> None:
    """Read a foreign file. Raises LuthierError."""
    from engine.runs.foreign import is_trainer_state

    if is_trainer_state(file):
        _run(file, runs, name, as_json)
        return
    from engine.config.foreign.detect import read_foreign

    made = read_foreign(file, tool)
    if out is not None:
        _move_paths(made, out.absolute().parent)
        _write(out, made.text)
    if as_json:
        console.json_line(_json(made, out))
    elif out is None:
        console.data(made.text.rstrip("\n"))
    _tell(made, out)


def _run(file: Path, runs: Path | None, name: str, as_json: bool) -> None:
    from engine.runs.foreign import import_trainer
    from engine.runs.paths import runs_dir

    made = import_trainer(file, runs_dir(runs), name)
    if as_json:
        console.json_line(
            {"run": made.dir.name, "path": str(made.dir.path), "steps": made.steps, "evaluations": made.evals}
        )
    for note in made.notes:
        console.say(note)
    figures = f"{_counted(made.steps, 'step')}, {_counted(made.evals, 'evaluation')}"
    console.say(f"{made.dir.name}: {figures}. `luthier watch {made.dir.name}` draws it.")


def _move_paths(made: Imported, folder: Path) -> None:
    """Absolute paths within the folder of the run file are written relative to it."""
    model = made.table.get("model", {})
    tables = [model, made.table.get("lora", {}), *made.table.get("data", [])]
    for table in tables:
        for key in ("path", "held_out", "chat_template", "start_from"):
            if isinstance(table.get(key), str):
                table[key] = shortened(table[key], folder)


def _write(out: Path, text: str) -> None:
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{out} is there already. Name a file that is not there yet.") from None
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {(error.strerror or str(error)).lower()}.") from None


def _json(made: Imported, out: Path | None) -> dict[str, object]:
    return {
        "tool": made.tool,
        "source": made.source,
        "written": str(out) if out is not None else None,
        "text": made.text,
        "keys": [
            {
                "key": e.key,
                "value": e.value if _plain(e.value) else str(e.value),
                "fate": e.fate,
                "to": list(e.to),
                "said": e.said,
            }
            for e in made.entries
        ],
        "notes": made.notes,
    }


def _plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _tell(made: Imported, out: Path | None) -> None:
    say: Callable[[str], None] = console.say
    counts = {fate: len(made.fated(fate)) for fate in FATES}
    say(
        f"{made.source} ({made.tool}): {len(made.entries)} values: {counts['mapped']} mapped, {counts['same']} say what "
        f"Luthier does anyway, {counts['unmapped']} not mapped."
    )
    for entry in made.fated("unmapped"):
        say(f"  not mapped: {entry.key} = {brief(entry.value)}: {entry.said}")
    for note in made.notes:
        say(f"  {note}")
    if out is not None:
        say(f"{out} is written. `luthier inspect {out}` shows what it would train.")
