"""Values of other tools in Luthier's words: numbers, optimisers, schedules, templates, paths.

YAML 1.1 reads 2e-4 as a text; a number is a number here however it is written.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path
from typing import Any

from engine.config.hub_id import looks_like_hub_id
from engine.errors import ConfigError

REMOTE_CODE = (
    "model.trust_remote_code = true lets code that comes with the model run on this machine, with all your rights; set it "
    "to false where the model needs none."
)
OPTIMIZERS = {
    "adamw": "adamw",
    "adamw_torch": "adamw",
    "adamw_torch_fused": "adamw",
    "adamw_hf": "adamw",
    "adamw_bnb_8bit": "adamw_8bit",
    "adamw_8bit": "adamw_8bit",
    "paged_adamw_32bit": "paged_adamw",
    "paged_adamw": "paged_adamw",
    "paged_adamw_8bit": "paged_adamw_8bit",
    "lion": "lion",
    "lion_32bit": "lion",
    "lion_pytorch": "lion",
    "lion_8bit": "lion_8bit",
    "paged_lion_32bit": "lion",
    "paged_lion_8bit": "lion_8bit",
    "adafactor": "adafactor",
}
SCHEDULERS = {
    "constant": "constant",
    "constant_with_warmup": "constant",
    "linear": "linear",
    "cosine": "cosine",
    "cosine_with_min_lr": "cosine",
    "warmup_stable_decay": "wsd",
}
INITS = {
    "true": "default",
    "default": "default",
    "gaussian": "gaussian",
    "orthogonal": "orthogonal",
    "olora": "olora",
    "pissa": "pissa",
    "loftq": "loftq",
    "eva": "eva",
}
MOST_VALUES = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SLICE = re.compile(r"(\w+)\[:(\d+)\]")


def number(value: Any) -> float | None:
    """A number, however it is written; None where it is none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(str(value).replace("_", ""))
    except ValueError:
        return None
    return found if abs(found) < 1e300 else None


def whole(value: Any) -> int | None:
    """A whole number, however it is written; None where it is none."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def yes(value: Any) -> bool | None:
    """True or false, however it is written; None where it is neither."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    return True if text in ("true", "yes", "on", "1") else False if text in ("false", "no", "off", "0") else None


def names(value: Any) -> list[str]:
    """A list of texts, or one with commas between them; empty where it is something else."""
    items = value if isinstance(value, list) else [value]
    if any(item is None or isinstance(item, dict | list) for item in items):
        return []
    if not isinstance(value, list):
        items = str(value).split(",")
    return [str(item).strip() for item in items if str(item).strip()]


def every(steps: Any, total_epochs: float | None) -> int | str | None:
    """Steps of a Trainer: a number of them, or a share of the whole run."""
    found = number(steps)
    if found is None or found <= 0:
        return None
    if found >= 1:
        return int(found)
    return f"{found * total_epochs:.6g} epochs" if total_epochs else None


def per_epoch(times: Any) -> str | None:
    """So many times an epoch."""
    found = number(times)
    return (
        None if found is None or found <= 0 else "1 epoch" if found == 1 else f"{1 / found:.6f}".rstrip("0") + " epochs"
    )


def run_name(text: Any) -> str | None:
    """The end of a text, where it can be the name of a run."""
    name = os.path.basename(str(text).rstrip("/"))
    return name if _NAME.fullmatch(name) else None


def located(text: str, folder: Path) -> str:
    """A path that lies beside the configuration or in the current folder, absolute; anything else as it stands."""
    if text.startswith(("/", "~")):
        return text
    for base in (folder, Path.cwd()):
        with contextlib.suppress(OSError, ValueError):  # too long for a path, or with a NUL in it
            if (base / text).exists():
                return str((base / text).resolve())
    return text


def is_hub_id(text: str, folder: Path) -> bool:
    """Whether a text names something on the hub rather than a path."""
    return located(text, folder) == text and looks_like_hub_id(text) and not text.startswith((".", "/"))


def split_of(text: str) -> tuple[str, int | None]:
    """ "train[:1000]" as split and number of rows."""
    found = _SLICE.fullmatch(text)
    return (found[1], int(found[2])) if found else (text, None)


def first_row(path: str) -> dict[str, Any]:
    """The first row of a .jsonl or .json file on this disk, to see its columns; {} where there is none."""
    if not path.endswith((".jsonl", ".json")) or not os.path.isfile(path):
        return {}
    try:
        with open(path, encoding="utf-8-sig") as file:
            head = file.read(1 << 20)
        text = head.lstrip()
        if text.startswith("["):
            return _object(text[1:].lstrip())
        return _object(text)
    except (OSError, ValueError):
        return {}


def _object(text: str) -> dict[str, Any]:
    found, _ = json.JSONDecoder().raw_decode(text)
    return found if isinstance(found, dict) else {}


def _larger_than(value: Any, most: int) -> bool:
    """Whether a value has more parts than that: anchors can make a few lines endless."""
    waiting, count = [value], 0
    while waiting and count <= most:
        item = waiting.pop()
        count += 1
        if isinstance(item, dict | list):
            waiting += list(item.values()) if isinstance(item, dict) else item
    return count > most


def read_mapping(path: Path) -> dict[str, Any]:
    """A YAML or JSON file as a table. Raises ConfigError where it is none."""
    import yaml

    from engine.config.foreign.strict_yaml import StrictLoader

    try:
        value = yaml.load(path.read_text(encoding="utf-8-sig"), StrictLoader)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no UTF-8 text (byte {error.start}).") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        at = f" (line {line + 1})" if line is not None else ""
        raise ConfigError(f"{path} is no YAML{at}: {getattr(error, 'problem', None) or error}.") from None
    if _larger_than(value, MOST_VALUES):
        raise ConfigError(f"{path} holds more than {MOST_VALUES:,} values, so it is no configuration.")
    if not isinstance(value, dict):
        raise ConfigError(f"{path} holds no keys with values, so it is no configuration.")
    return value
