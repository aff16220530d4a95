"""Reading a run file: TOML, then overrides, then validation, and all errors at once in words.

Relative paths in the file are looked up beside the file, those typed with `--set` in the current folder.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w

from engine.config.data import PACKED, READABLE
from engine.config.explain import placed
from engine.config.hub_id import looks_like_hub_id
from engine.config.mistakes import mistakes
from engine.config.runfile import NAME_PATTERN, RunFile
from engine.errors import ConfigError

Table = dict[str, Any]
_NAME = re.compile(NAME_PATTERN)


def load(path: Path, overrides: Sequence[str] = ()) -> RunFile:
    """Read and check the run file at `path`, with `overrides` such as "lora.rank=32" applied.

    Raises ConfigError with one line per mistake: file, line, key, value and the cure.
    """
    text = read_text(path)
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: this is not valid TOML: {error}.") from error
    if _NAME.fullmatch(path.stem):
        table.setdefault("name", path.stem)
    anchor_paths(table, path.absolute().parent)
    changed: Table = {}
    for override in overrides:
        apply_override(changed, override, table)
    anchor_paths(changed, Path.cwd())
    try:
        merge(table, changed)
    except (AttributeError, TypeError) as error:
        raise ConfigError(f"--set {' --set '.join(overrides)}: the run file has no such table to change.") from error
    typed = [_shown(override.partition("=")[0].strip()) for override in overrides]
    return validate(table, str(path), text, typed)


def _shown(key: str) -> str:
    """A key of the command line as errors name it: "data.path" and "data.0.path" are data[0].path."""
    first, _, rest = key.partition(".")
    if first != "data" or not rest:
        return key
    index, _, name = rest.partition(".")
    return f"data[{index}].{name}" if index.isdecimal() else f"data[0].{rest}"


def validate(table: Table, where: str, text: str = "", typed: Sequence[str] = ()) -> RunFile:
    """Return the run file that `table` declares; `typed` are the keys of the command line.

    Raises ConfigError that lists every mistake.
    """
    run, wrong, _ = mistakes(table)
    if run is not None and not wrong:
        return run
    lines = [placed(item.sentence, where, text, item.loc, item.keys, typed) for item in wrong]
    head = f"{where}: {len(lines)} mistakes\n" if len(lines) > 1 else ""
    raise ConfigError(head + "\n".join(lines))


def read_text(path: Path) -> str:
    """Return the text of a run file. Raises ConfigError when it is not there or is no UTF-8 text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        others = (
            sorted(p.name for p in path.absolute().parent.glob("*.toml"))
            if os.path.isdir(path.absolute().parent)
            else []
        )
        hint = (
            f" Run files there: {', '.join(others[:6])}."
            if others
            else " `luthier spec > run.toml` writes one to start from."
        )
        raise ConfigError(f"There is no run file {path}.{hint}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path} is a folder; a run file is a .toml file.") from None
    except OSError as error:
        raise ConfigError(f"The run file {path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no UTF-8 text (byte {error.start}); a run file is a .toml file.") from None


def apply_override(changed: Table, override: str, table: Table) -> None:
    """Put one "section.key=value" into `changed`. The value is read as TOML, or as a string where it is none.

    "data.KEY" means the only source of `table`; with several, "data.0.KEY" says which.
    Raises ConfigError when there is no "=" or the path leads nowhere.
    """
    key, found, value = override.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not found or not all(parts):
        raise ConfigError(f"--set {override!r}: write it as section.key=value, for example --set lora.rank=32.")
    if parts[0] == "data":
        parts = ["data", *_data_index(parts, override, table)]
    node: Table = changed
    for part in parts[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise ConfigError(f"--set {override!r}: {part} is a value, not a section.")
    node[parts[-1]] = _toml_value(value.strip())


def _data_index(parts: list[str], override: str, table: Table) -> list[str]:
    sources = table.get("data")
    count = len(sources) if isinstance(sources, list) else 0
    rest = parts[1:]
    if rest and rest[0].isdecimal():
        if int(rest[0]) >= count:
            raise ConfigError(f"--set {override!r}: the run file has {count} [[data]] tables, counted from 0.")
        return rest
    if count != 1 or not rest:
        raise ConfigError(f"--set {override!r}: the run file has {count} [[data]] tables; say data.0.key=value.")
    return ["0", *rest]


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def merge(table: Table, changed: Table) -> None:
    """Lay `changed` over `table` in place; digits lead into lists."""
    for key, value in changed.items():
        below = table.get(key)
        if isinstance(value, dict) and isinstance(below, list):
            for index, item in value.items():
                merge(below[int(index)], item)
        elif isinstance(value, dict) and isinstance(below, dict):
            merge(below, value)
        else:
            table[key] = value


def anchor_paths(table: Table, folder: Path) -> None:
    """Make relative paths of files absolute, in place. What is not there and looks like a hub id stays as it is."""
    model = table.get("model")
    if isinstance(model, dict) and isinstance(model.get("path"), str):
        text = model["path"]
        found = _anchored(text, folder)
        if text.startswith(("/", ".", "~")) or os.path.exists(found):
            model["path"] = found
    if isinstance(model, dict) and isinstance(model.get("chat_template"), str):
        model["chat_template"] = _anchored(model["chat_template"], folder)
    lora = table.get("lora")
    if isinstance(lora, dict) and isinstance(lora.get("start_from"), str) and lora["start_from"]:
        lora["start_from"] = _anchored(lora["start_from"], folder)
    data = table.get("data")
    sources = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for source in sources:
        if not isinstance(source, dict):
            continue
        text = source.get("path")
        if isinstance(text, str) and text:
            found = _anchored(text, folder)
            if text.startswith(("/", ".", "~")) or os.path.exists(found) or not looks_like_hub_id(text):
                source["path"] = found
        held_out = source.get("held_out")
        if isinstance(held_out, str) and held_out.lower().endswith((*READABLE, *PACKED)):  # else the name of a split
            source["held_out"] = _anchored(held_out, folder)


def _anchored(text: str, folder: Path) -> str:
    return os.path.normpath(os.path.join(folder, os.path.expanduser(text)))


def dump(run: RunFile) -> str:
    """Return the resolved run file as TOML: every key with its value; keys without a value are left out."""
    return tomli_w.dumps(run.model_dump(exclude_none=True))
