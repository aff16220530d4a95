"""card, delete, tensorboard: the verbs that keep the folder of the runs in order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.cli import console
from engine.errors import ConfigError
from engine.runs.card import Card, read_card, write_card
from engine.runs.paths import runs_dir
from engine.runs.queue import ensure_keeper
from engine.runs.store import find_run
from engine.runs.ticket import is_queued
from engine.runs.trash import discard, empty_trash, in_trash, restore, size_of, trash_folder

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be changed on a card; None, or nothing, stays as it is."""

    title: str | None = None
    note: str | None = None
    tags: tuple[str, ...] = ()
    untags: tuple[str, ...] = ()
    archived: bool | None = None

    def on(self, card: Card) -> Card:
        """The card as it is to be."""
        return Card(
            title=card.title if self.title is None else self.title.strip(),
            note=card.note if self.note is None else self.note,
            tags=tuple(tag for tag in (*card.tags, *self.tags) if tag not in self.untags),
            archived=card.archived if self.archived is None else self.archived,
        )


def card(name: str, wanted: Wanted, folder: Path | None, as_json: bool) -> None:
    """Change a card where something is to be changed, and show it. Raises RunError."""
    run = find_run(runs_dir(folder), name)
    if wanted != Wanted():
        write_card(run, wanted.on(read_card(run)))
    now = read_card(run)
    if as_json:
        console.json_line({"run": run.name, **msgspec.to_builtins(now)})
        return
    facts = {"title": now.title, "tags": ", ".join(now.tags), "note": now.note}
    console.say(f"{run.name}{', put away' if now.archived else ''}")
    for key, value in facts.items():
        if value:
            console.say(f"  {key:<6} {value}")


def delete(names: list[str], back: list[str], empty: bool, folder: Path | None, as_json: bool) -> None:
    """Move runs to the trash, bring runs back, empty it, or list it. Raises LuthierError; what was done before stays done."""
    runs = runs_dir(folder)
    if bool(names) + bool(back) + empty > 1:
        raise ConfigError("`luthier delete` does one thing at a time: names, --restore or --empty.")
    if names:
        gone = [discard(find_run(runs, name).path) for name in names]
        _tell(as_json, {"trash": [str(path) for path in gone]}, [f"{p.name} is in the trash." for p in gone])
        return
    if back:
        found = [restore(runs, name) for name in back]
        if any(is_queued(run) for run in found):
            ensure_keeper(runs)
        lines = [f"{run.name} is back{' in the queue' if is_queued(run) else ''}." for run in found]
        _tell(as_json, {"restored": [str(run.path) for run in found]}, lines)
        return
    if empty:
        count, size = empty_trash(runs)
        runs_word = "run is" if count == 1 else "runs are"
        _tell(as_json, {"removed": count, "bytes": size}, [f"{count} {runs_word} gone for good: {size / MB:,.1f} MB."])
        return
    kept = [(run.name, size_of(run.path)) for run in in_trash(runs)]
    lines = [f"{name}  {size / MB:,.1f} MB" for name, size in kept] or [f"Nothing is in {trash_folder(runs)}."]
    _tell(as_json, {"trash": [{"run": name, "bytes": size} for name, size in kept]}, lines)


def _tell(as_json: bool, value: dict[str, object], lines: list[str]) -> None:
    if as_json:
        console.json_line(value)
        return
    for line in lines:
        console.say(line)


def tensorboard(name: str | None, out: Path | None, folder: Path | None, as_json: bool) -> None:
    """Write the figures of a run for TensorBoard. Raises ResourceError where the package is missing."""
    from engine.track.tensorboard import write_journal

    run = find_run(runs_dir(folder), name)
    place = write_journal(run, out)
    _tell(as_json, {"run": run.name, "path": str(place)}, [f"`tensorboard --logdir {place}` shows {run.name}."])
