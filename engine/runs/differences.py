"""What is different between runs: their run files, their data, the versions of the libraries, the machine, the outcome.

Everything is read from the run directories: the resolved run file and the journal. A value that a run does not tell is
"" and differs from one that is told only where another run tells it: an old journal is not a difference in itself. Light.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from engine.runs.foreign import imported_from
from engine.runs.store import Run

if TYPE_CHECKING:
    from engine.config.differences import Difference

Group = Literal["run file", "data", "versions", "machine", "outcome"]
GROUPS: tuple[Group, ...] = ("run file", "data", "versions", "machine", "outcome")
UNREADABLE = "cannot be read"
UNKNOWN = "?"
"""A key of a run file that cannot be read, or that an imported log does not tell."""


@dataclass(frozen=True)
class Fact:
    """One thing that is known of runs: `values` has a text for each run, "" where a run does not tell."""

    group: Group
    key: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs that tell it tell different things; of run files a missing key is different, too.

        The name does not count: every table has it above its columns. Of a source that not all have its path counts.
        """
        if (self.group, self.key) == ("run file", "name"):
            return False
        whole = self.group == "run file" and not _of_source(self.key)
        told = [value for value in self.values if value != UNKNOWN and (whole or value)]
        return len(set(told)) > 1


def differences(runs: Sequence[Run], everything: bool = False) -> list[Fact]:
    """What differs between runs whose journals were read; `everything` gives what is equal, too.

    The order is that of `GROUPS`; within the run file, that of its keys.
    """
    tables = [read_table(run) for run in runs]
    facts = _of_run_files([None if imported_from(run.dir) else table for run, table in zip(runs, tables, strict=True)])
    facts = [_filled(fact, runs, tables) for fact in facts]
    told = [{"data": _data(run), "versions": _versions(run), "machine": _machine(run)} for run in runs]
    for group in GROUPS[1:4]:
        facts += _lined_up(group, [one[group] for one in told])
    facts += _lined_up("outcome", [_outcome(run) for run in runs])
    return facts if everything else [fact for fact in facts if fact.differs]


def _filled(fact: Fact, runs: Sequence[Run], tables: Sequence[dict[str, Any] | None]) -> Fact:
    """Of an imported run what its log tells: what else stands in a run file is no fact of it."""
    values = list(fact.values)
    for i, (run, table) in enumerate(zip(runs, tables, strict=True)):
        if fact.group == "run file" and imported_from(run.dir):
            told = dict(_flat(table or {}))
            unread = fact.key == "run.toml"
            values[i] = "" if unread else shown(told[fact.key]) if fact.key in told else UNKNOWN
    return dataclasses.replace(fact, values=tuple(values))


def read_table(run: Run) -> dict[str, Any] | None:
    """The resolved run file of a run as a table; None where it cannot be read."""
    try:
        return tomllib.loads(run.dir.config.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """What one run file says otherwise than another, as `engine.config.differences.differ`, without the name of the run.

    Of a source that only one of them has there is its path alone.
    """
    from engine.config.differences import differ

    counts = _sources(before), _sources(after)
    return [
        change
        for change in differ(before, after)
        if change.key != "name" and not (_of_source(change.key) and _number(change.key) >= min(counts))
    ]


def _of_source(key: str) -> bool:
    """Whether it is a key of a source other than its path."""
    return key.startswith("data[") and not key.endswith("].path")


def _number(key: str) -> int:
    return int(key[5 : key.index("]")])


def _sources(table: dict[str, Any]) -> int:
    found = table.get("data")
    return len(found) if isinstance(found, list) else 0


def shown(value: Any) -> str:
    """A value of a run file as one would type it, without quotes; "none" for a key without a value."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {shown(item)}" for key, item in value.items()) + "}"
    return str(value)


def _of_run_files(tables: Sequence[dict[str, Any] | None]) -> list[Fact]:
    """Of the first readable file every key; of the others what they say differently."""
    from engine.config.differences import differ

    readable = [table for table in tables if table is not None]
    if not readable:
        return []
    base = readable[0]
    differing = [{change.key: change for change in differ(base, table)} for table in readable]
    values = {key: shown(value) for key, value in _flat(base)}
    before = {change.key: shown(change.before) for known in differing for change in known.values()}
    order = _merged([list(values), *(list(known) for known in differing)])
    facts = []
    if len(readable) < len(tables):
        facts.append(Fact("run file", "run.toml", tuple("" if table is not None else UNREADABLE for table in tables)))
    for key in order:
        mine = before.get(key, values.get(key, ""))
        told = iter(
            [
                ""
                if _of_source(key) and _number(key) >= _sources(table)
                else shown(known[key].after)
                if key in known
                else mine
                for known, table in zip(differing, readable, strict=True)
            ]
        )
        facts.append(Fact("run file", key, tuple(UNKNOWN if table is None else next(told) for table in tables)))
    return facts


def _flat(table: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Keys with dots and their values; tables within a list get its index."""
    flat: list[tuple[str, Any]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            flat += _flat(value, f"{name}.")
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for i, item in enumerate(value):
                flat += _flat(item, f"{name}[{i}].")
        else:
            flat.append((name, value))
    return flat


def _merged(orders: Sequence[Sequence[str]]) -> list[str]:
    """All keys once: a key that only later lists have comes after the one that it follows there."""
    merged: list[str] = []
    known: set[str] = set()
    for order in orders:
        at = 0
        for key in order:
            if key in known:
                at = merged.index(key) + 1
            else:
                merged.insert(at, key)
                known.add(key)
                at += 1
    return merged


def _lined_up(group: Group, told: Sequence[dict[str, str]]) -> list[Fact]:
    keys = _merged([list(one) for one in told])
    facts = [Fact(group, key, tuple(one.get(key, "") for one in told)) for key in keys]
    return [fact for fact in facts if any(fact.values)]


def _data(run: Run) -> dict[str, str]:
    data = run.view.data
    if data is None:
        return {}
    told: dict[str, str] = {"fingerprint": data.fingerprint[:12]}
    for i, source in enumerate(data.sources):
        name = f"source {i + 1}" if len(data.sources) > 1 else "source"
        for key in ("path", "sha256", "format", "template", "rows", "weight"):
            value = source.get(key)
            if value not in (None, ""):
                text = shown(value)
                told[name if key == "path" else f"{name} {key}"] = text[:12] if key == "sha256" else text
    told["sequences"] = f"{data.train_examples:,}"
    told["held out"] = f"{data.test_examples:,}"
    told["tokens"] = f"{data.train_tokens:,}"
    told["trained tokens"] = f"{data.supervised_tokens:,}"
    return told


def _versions(run: Run) -> dict[str, str]:
    hello = run.view.hello
    return dict(sorted(hello.versions.items())) if hello else {}


def _machine(run: Run) -> dict[str, str]:
    hello, model, plan = run.view.hello, run.view.model, run.view.plan
    told = {"host": hello.host} if hello else {}
    if model:
        told |= {"device": model.device, "attention": model.attention, "quantization": model.quantization}
        told |= {"adapter": model.adapter, "trained parameters": f"{model.trainable_parameters:,}"}
    if plan and run.view.micro_batch_size:
        told["micro-batch"] = f"{run.view.micro_batch_size} of {plan.batch_size}"
    return told


def _outcome(run: Run) -> dict[str, str]:
    view = run.view
    told = {"outcome": run.state, "steps": f"{view.step:,} of {view.total_steps:,}" if view.total_steps else ""}
    told["resumed"] = f"{view.resumes} times" if view.resumes else "never"
    told["warnings"] = ", ".join(sorted({warning.code for warning in view.warnings}))
    return told
