"""Whose configuration a file is, and reading it.

A file that could be of two tools is told apart by the keys that only one of them has.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.config.foreign.report import Imported
from engine.errors import ConfigError

TOOLS = {"axolotl": "Axolotl", "llamafactory": "LLaMA-Factory", "trl": "TRL"}
_AXOLOTL = {
    "base_model",
    "micro_batch_size",
    "sequence_len",
    "pretraining_dataset",
    "lora_r",
    "val_set_size",
    "adapter",
}
_LLAMAFACTORY = {
    "stage",
    "finetuning_type",
    "template",
    "cutoff_len",
    "dataset_dir",
    "dataset",
    "lora_rank",
    "lora_target",
}
_TRL = {
    "dataset_name",
    "use_peft",
    "lora_r",
    "dataset_train_split",
    "max_seq_length",
    "assistant_only_loss",
    "datasets",
}


def tool_of(given: Mapping[str, Any]) -> str:
    """ "axolotl", "llamafactory" or "trl", by the keys of a configuration; "" where they are nobody's."""
    if "base_model" in given:
        return "axolotl"
    if "model_name_or_path" not in given:
        return "axolotl" if len(_AXOLOTL & given.keys()) > 2 else ""
    scores = {"llamafactory": len(_LLAMAFACTORY & given.keys()), "trl": len(_TRL & given.keys())}
    return max(scores, key=lambda name: scores[name]) if any(scores.values()) else ""


def read_foreign(path: Path, tool: str = "") -> Imported:
    """The configuration at `path` as a run file; `tool` says whose it is where that is known.

    Raises ConfigError where it cannot be read, is nobody's that is known, or trains in a way that is not offered.
    """
    from engine.config.foreign import axolotl, llamafactory, trl
    from engine.config.foreign.command import flags
    from engine.config.foreign.values import read_mapping

    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise ConfigError(f"{path} {what}; name a YAML file or a shell script.")
    if path.suffix.lower() in (".yaml", ".yml", ".json"):
        given = read_mapping(path)
        tool = tool or tool_of(given)
    else:
        try:
            found, given = flags(path.read_text(encoding="utf-8"), path)
        except UnicodeDecodeError:
            raise ConfigError(f"{path} is no text; name a YAML file or a shell script.") from None
        tool = tool or found
    reader = {"axolotl": axolotl.read, "llamafactory": llamafactory.read, "trl": trl.read}.get(tool)
    if reader is None:
        raise ConfigError(
            f"{path} has none of the keys that tell a configuration of {', '.join(TOOLS.values())}: base_model, or "
            "model_name_or_path with a dataset. Say whose it is with --from."
        )
    return reader({str(key): value for key, value in given.items()}, path)
