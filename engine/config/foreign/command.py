"""Flags of a training script in a shell command: what was typed, as a table of keys.

Nothing is run and no variable is filled in; a value that holds one is kept as it stands.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.config.foreign.values import read_mapping
from engine.errors import ConfigError

_LF = ("llamafactory-cli", "llamafactory")
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=.*")


def flags(text: str, source: Path) -> tuple[str, dict[str, Any]]:
    """The tool and the flags of the first training command in `text`. Raises ConfigError where there is none."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        found = _start(words)
        if found is not None:
            tool, at = found
            given = _parsed(words[at:])
            config = given.pop("config", None)
            base = read_mapping(source.parent / str(config)) if config is not None else {}
            before = {"launcher": " ".join(words[: at - 1])} if _launched(words[: at - 1]) else {}
            return tool, {**base, **given, **_variables(words), **before}
    raise ConfigError(
        f"{source} has no command that trains: `trl sft --model_name_or_path ...`, `python sft.py ...` or "
        "`llamafactory-cli train --stage sft ...`."
    )


def _start(words: Sequence[str]) -> tuple[str, int] | None:
    """Which tool a command starts, and where its flags begin."""
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        name = word.rpartition("/")[2]
        if name == "trl" and following == "sft":
            return "trl", at + 2
        if name in _LF and following == "train":
            return "llamafactory", at + 2
        if re.fullmatch(r"(run_)?sft\w*\.py|trl\.scripts\.sft", name) or (
            name == "train.py" and "--dataset_name" in words
        ):
            return ("llamafactory" if "--stage" in words else "trl"), at + 1
    return None


def _launched(words: Sequence[str]) -> bool:
    return any(word in ("accelerate", "torchrun", "deepspeed") or word.startswith("--") for word in words)


def _variables(words: Sequence[str]) -> dict[str, Any]:
    """Assignments before the command."""
    out: dict[str, Any] = {}
    for word in words:
        if not _ASSIGNED.fullmatch(word):
            break
        name, _, value = word.partition("=")
        out.setdefault("env", {})[name] = value
    return out


def _parsed(words: Sequence[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word in ("|", "||", "&&", ";", "&", ">", ">>", "2>&1"):
            break
        if not word.startswith("--"):
            given.setdefault("arguments", []).append(word)
            continue
        name, equals, value = word[2:].partition("=")
        values = [value] if equals else []
        while (
            not equals and at < len(words) and not words[at].startswith("--") and words[at] not in ("|", "&&", ">", "&")
        ):
            values.append(words[at])
            at += 1
        key = name.replace("-", "_")
        if not values and key.startswith("no_"):
            given[key[3:]] = False
        else:
            given[key] = (
                True if not values else _value(values[0]) if len(values) == 1 else [_value(item) for item in values]
            )
    return given


def _value(text: str) -> Any:
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    if lowered in ("none", "null"):
        return None
    return int(text) if re.fullmatch(r"-?\d+", text, re.ASCII) else text
