"""Model folders, checked before any library opens them.

A folder is data from outside: pickled weights and code that comes along are refused, shards must be there and whole. Only
`safetensors` and JSON are ever read.
"""

from __future__ import annotations

import json
import os
import re
import struct
from pathlib import Path
from typing import Any

from engine.config.model import ModelSection
from engine.errors import ModelError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
_DESCRIPTIONS = ("config.json", "tokenizer_config.json", "processor_config.json")
_HEADER_LIMIT = 100 << 20


def model_folder(model: ModelSection) -> tuple[Path, dict[str, Any]]:
    """Return the checked folder of a model and its config; a hub id is looked up in the cache and downloaded if it is not there.

    Raises ModelError when it is missing, incomplete or not safe.
    """
    path = Path(os.path.expanduser(model.path))
    if not os.path.isdir(path):
        if os.path.exists(path):
            raise ModelError(_no_folder(path))
        if model.path.startswith(("/", ".", "~")) or not _HUB_ID.fullmatch(model.path):
            raise ModelError(f"There is no model folder {path}.{_near(path)}")
        path = _from_hub(model)
    return path, check_folder(path, model.trust_remote_code)


def tokenizer_folder(model: ModelSection) -> tuple[Path, dict[str, Any], bool]:
    """Return (folder, config, whether it holds weights) of what can be looked at: a model, or a tokenizer alone.

    The config is empty where there is none. Raises ModelError as `model_folder` does, for all but missing weights.
    """
    path = Path(os.path.expanduser(model.path))
    if not os.path.isdir(path) or any(path.glob("*.safetensors*")):
        return *model_folder(model), True
    for name in _DESCRIPTIONS:
        _refuse_code(path / name, model.trust_remote_code)
    _need_tokenizer(path)
    return path, _read_json(path / "config.json") if (path / "config.json").is_file() else {}, False


def _need_tokenizer(path: Path) -> None:
    if not any((path / name).exists() for name in _TOKENIZER_FILES):
        raise ModelError(f"{path} has no tokenizer (tokenizer.json). Copy it there from the model's origin.")


def _no_folder(path: Path) -> str:
    if path.suffix == ".gguf":
        return f"{path} is a GGUF file, which cannot be trained; name the Hugging Face folder that it was made from."
    return f"{path} is a file; a model is a folder with config.json, safetensors files and a tokenizer."


def _near(path: Path) -> str:
    parent = path.parent
    if not os.path.isdir(parent):
        return f" Neither is there a folder {parent}."
    folders = sorted(p.parent.name for p in parent.glob("*/config.json"))
    return f" Models there: {', '.join(folders[:6])}." if folders else ""


def _from_hub(model: ModelSection) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    wanted = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
    if model.trust_remote_code:
        wanted.append("*.py")
    try:
        return Path(snapshot_download(model.path, revision=model.revision, allow_patterns=wanted))
    except (LocalEntryNotFoundError, OSError, ValueError) as error:
        first = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise ModelError(
            f"model.path = {model.path!r} is no folder here, and it could not be had from the hub: {first} "
            "If it is a folder, check its name; if it is gated, accept its terms on its page and log in with `hf auth login`."
        ) from error


def check_folder(path: Path, trust_remote_code: bool = False) -> dict[str, Any]:
    """Check a model folder and return its config.

    Raises ModelError: no config, an adapter instead of a model, pickled weights, missing or torn shards, code that comes
    along without being allowed, weights that are quantised already, no tokenizer.
    """
    config = _config_of(path)
    for name in _DESCRIPTIONS:
        _refuse_code(path / name, trust_remote_code)
    quantised = config.get("quantization_config")
    if isinstance(quantised, dict):
        raise ModelError(
            f"{path} is quantised already ({quantised.get('quant_method', 'unknown method')}). "
            "Name the folder of the original 16-bit weights; Luthier quantises them itself."
        )
    _check_weights(path)
    _need_tokenizer(path)
    return config


def _config_of(path: Path) -> dict[str, Any]:
    file = path / "config.json"
    if not file.is_file():
        if (path / "adapter_config.json").is_file():
            raise ModelError(f"{path} is an adapter, not a model. Name the model that it belongs to.")
        raise ModelError(f"{path} is no model folder: it has no config.json.{_near(path / 'x')}")
    config = _read_json(file)
    if not ("model_type" in config or "architectures" in config):
        raise ModelError(f"{file} names neither model_type nor architectures, so it describes no model.")
    return config


def _read_json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise ModelError(f"{file} cannot be read: {error}. Copy it again from the model's origin.") from error
    if not isinstance(value, dict):
        raise ModelError(f"{file} is no JSON object. Copy it again from the model's origin.")
    return value


def _refuse_code(file: Path, trusted: bool) -> None:
    if trusted or not file.is_file():
        return
    if "auto_map" in _read_json(file):
        raise ModelError(
            f"{file} asks for Python code that comes with the model (auto_map). Read that code; if you trust it, set "
            "model.trust_remote_code = true for this model."
        )


def _check_weights(path: Path) -> None:
    index = path / "model.safetensors.index.json"
    if index.is_file():
        shards = sorted({str(v) for v in _read_json(index).get("weight_map", {}).values()})
        absent = [s for s in shards if "/" in s or not (path / s).is_file()]
        if absent or not shards:
            raise ModelError(
                f"{path} lacks {', '.join(absent[:4]) or 'the shards'} that its index names. Copy it again."
            )
        files = [path / s for s in shards]
    else:
        files = sorted(path.glob("*.safetensors"))
    if not files:
        pickles = sorted(p.name for p in path.iterdir() if p.suffix in _PICKLES)
        if pickles:
            raise ModelError(
                f"{path} has its weights as pickle ({', '.join(pickles[:3])}), a format that can run code when it is opened. "
                "Luthier never opens it. Take the safetensors version of this model, or convert it on a machine you can lose."
            )
        raise ModelError(f"{path} has a config but no weights (*.safetensors). Copy them from the model's origin.")
    for file in files:
        _check_safetensors(file)


def _check_safetensors(file: Path) -> None:
    """Raise ModelError unless the header is sane and the file is as long as it says."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else -1
        if not 2 <= length <= min(_HEADER_LIMIT, size - 8):
            raise ModelError(
                f"{file} is no whole safetensors file ({size} bytes). Copy it again from the model's origin."
            )
        try:
            header = json.loads(stream.read(length))
            end = max((t["data_offsets"][1] for k, t in header.items() if k != "__metadata__"), default=0)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            raise ModelError(
                f"{file} has a broken safetensors header. Copy it again from the model's origin."
            ) from error
    if 8 + length + end != size:
        raise ModelError(
            f"{file} should be {8 + length + end} bytes and is {size}: it was not copied whole. Copy it again."
        )


def context_length(config: dict[str, Any]) -> int | None:
    """The longest sequence the model was made for, in tokens; None where its config does not say."""
    return _number(config, "max_position_embeddings", "n_positions", "n_ctx")


def vocabulary_size(config: dict[str, Any]) -> int | None:
    """The number of tokens the model has embeddings for; None where its config does not say."""
    return _number(config, "vocab_size")


def _number(config: dict[str, Any], *keys: str) -> int | None:
    nested = config.get("text_config")
    for table in (config, nested if isinstance(nested, dict) else {}):
        for key in keys:
            if isinstance(table.get(key), int):
                return int(table[key])
    return None
