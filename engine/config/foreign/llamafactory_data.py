"""The datasets of a LLaMA-Factory configuration: names that a dataset_info.json explains."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from engine.config.foreign.report import Reading, leaves
from engine.config.foreign.values import located, names, number, read_mapping, split_of, whole, yes

INFO = "dataset_info.json"
_TEMPLATES = {"alpaca": "alpaca", "llama3": "llama3", "mistral": "mistral", "chatml": "chatml", "qwen": "chatml"}
_ALPACA = {"prompt": "instruction", "query": "input", "response": "output"}
_ROLES = {"prompt": "prompt", "query": "context", "response": "answer", "system": "system", "tools": "tools"}
_TAGS = {
    "role_tag": ("from", "role"),
    "content_tag": ("value", "content"),
    "user_tag": ("human", "user"),
    "assistant_tag": ("gpt", "assistant"),
    "system_tag": ("system",),
    "observation_tag": ("observation", "tool"),
    "function_tag": ("function_call", "tool_call"),
}
NO = {
    "columns": "rows of this kind have no such column here",
    "tags": "speakers and fields of turns are known by their usual names",
    "ranking": "it is of training by preferences",
    "num_samples": "max_rows takes a part",
    "folder": "name the folder in file_name",
    "script_url": "a dataset's own code is never run",
    "ms_hub_url": "datasets come from this disk or from the Hugging Face hub",
    "om_hub_url": "datasets come from this disk or from the Hugging Face hub",
    "cloud_file_name": "datasets come from this disk or from the Hugging Face hub",
}


def read_data(reading: Reading, folder: Path, stage: str) -> dict[str, Any]:
    """Read every source; returns what the dataset_info.json says of them, as values of their own."""
    place = Path(str(reading.get("dataset_dir", "data")))
    beside = [place if place.is_absolute() else folder / place, folder, Path.cwd() / place]
    home = next((item for item in beside if os.path.isfile(item / INFO)), None)
    info = read_mapping(home / INFO) if home is not None else {}
    wanted = names(reading.get("dataset", []))
    used: dict[str, Any] = {}
    if home is None and wanted:
        reading.notes.append(
            f"There is no {INFO} beside {reading.source}, so the datasets are taken as paths or hub ids."
        )
    for index, name in enumerate(wanted):
        entry = info.get(name)
        reading.put(f"data[{index}].path", name, "dataset")
        if isinstance(entry, dict):
            key = f"{INFO}.{name}"
            said = {f"{key}.{path}": value for path, value in leaves(entry)}
            used |= said
            _entry(reading, index, entry, home or folder, stage, _Info(reading, key, said))
        elif entry is None:
            reading.put(f"data[{index}].path", located(name, folder), "dataset")
        if stage == "pt":
            reading.put(f"data[{index}].format", "text", "stage")
        else:
            _template(reading, index)
        if (rows := whole(reading.get("max_samples"))) is not None:
            reading.put(f"data[{index}].max_rows", rows, "max_samples")
        if yes(reading.get("streaming")):
            _stream(reading, index)
    _mix(reading, len(wanted))
    _held_out(reading, info, home or folder)
    reading.same("streaming", "rows are stored, and read from there")
    return used


class _Info:
    """The entry of one dataset, whose values are accounted for beside those of the configuration."""

    def __init__(self, reading: Reading, key: str, said: dict[str, Any]) -> None:
        self.reading, self.key = reading, key
        reading.leaves.update(said)

    def put(self, to: str, value: Any, *names: str, said: str = "") -> None:
        """Set a key of the run file from values of the entry."""
        self.reading.put_from(to, value, [f"{self.key}.{name}" for name in names], said)

    def same(self, name: str, why: str) -> None:
        """A value that says what holds anyway."""
        self.reading.same(f"{self.key}.{name}", why)

    def no(self, name: str, why: str) -> None:
        """A value that cannot be mapped."""
        self.reading.no(f"{self.key}.{name}", why)


def _entry(reading: Reading, index: int, entry: dict[str, Any], home: Path, stage: str, info: _Info) -> None:
    to = f"data[{index}]"
    if entry.get("hf_hub_url") and not entry.get("file_name"):
        info.put(f"{to}.path", str(entry["hf_hub_url"]), "hf_hub_url")
    elif entry.get("file_name"):
        info.put(f"{to}.path", str((home / str(entry["file_name"])).absolute()), "file_name")
        info.no("hf_hub_url", "the file is taken")
    if entry.get("subset"):
        info.put(f"{to}.subset", str(entry["subset"]), "subset")
    if entry.get("split"):
        split, rows = split_of(str(entry["split"]))
        info.put(f"{to}.split", split, "split")
        if rows:
            info.put(f"{to}.max_rows", rows, "split")
    if (count := whole(entry.get("num_samples"))) is not None:
        info.put(f"{to}.max_rows", count, "num_samples")
    columns, tags = entry.get("columns") or {}, entry.get("tags") or {}
    if str(entry.get("formatting", "alpaca")) == "sharegpt":
        _chat(to, columns, tags, info)
    elif stage == "pt":
        info.same("formatting", "running text has no form")
        name = columns.get("prompt", "text")
        info.put(f"{to}.columns", {} if name == "text" else {"text": str(name)}, "columns.prompt")
    else:
        info.put(f"{to}.format", "alpaca", "formatting")
        named = {role: str(columns[name]) for name, role in _ROLES.items() if columns.get(name)}
        usual = {_ROLES[name]: column for name, column in _ALPACA.items()}
        given = {role: column for role, column in named.items() if usual.get(role) != column}
        if columns:
            used = [f"columns.{name}" for name in _ROLES if columns.get(name)]
            info.put(f"{to}.columns", given, *used)
            info.no("columns.history", "earlier turns in a column of their own are not read")
    for name, why in NO.items():
        value = entry.get(name)
        info.same(name, "off") if value in (None, False, {}, []) else info.no(name, why)


def _chat(to: str, columns: dict[str, Any], tags: dict[str, Any], info: _Info) -> None:
    plain = tags.get("role_tag", "from") == "role"
    taken = [f"tags.{name}" for name, usual in _TAGS.items() if tags.get(name) in usual]
    info.put(f"{to}.format", "messages" if plain else "sharegpt", "formatting", *taken)
    roles = {"messages": "messages", "system": "system", "tools": "tools"}
    usual = {"messages": "messages" if plain else "conversations", "system": "system", "tools": "tools"}
    given = {roles[name]: str(column) for name, column in columns.items() if name in roles and column != usual[name]}
    if columns:
        info.put(f"{to}.columns", given, *(f"columns.{name}" for name in columns if name in roles))


def _template(reading: Reading, index: int) -> None:
    name = reading.get("template")
    if name is None:
        return
    found = _TEMPLATES.get(str(name))
    said = "" if found else "the model's own chat template"
    if str(name) == "qwen":
        said = "without the system text that Qwen adds"
    reading.put(f"data[{index}].template", found or "tokenizer", "template", said=said)


def _stream(reading: Reading, index: int) -> None:
    steps = whole(reading.get("max_steps"))
    batch = (whole(reading.get("per_device_train_batch_size")) or 8) * (
        whole(reading.get("gradient_accumulation_steps")) or 1
    )
    if steps is None or steps < 1:
        reading.no("streaming", "a stream needs max_steps, to know how many rows to take")
        return
    reading.put(f"data[{index}].streaming", True, "streaming")
    if "max_rows" not in reading.table["data"][index]:
        reading.put(f"data[{index}].max_rows", steps * batch, "max_steps", said="one row a sequence")


def _mix(reading: Reading, count: int) -> None:
    strategy = str(reading.get("mix_strategy", "concat"))
    shares = [number(item) for item in names(reading.get("interleave_probs", []))]
    if strategy.startswith("interleave") and len(shares) == count and all(share and share > 0 for share in shares):
        for index, share in enumerate(shares):
            reading.put(f"data[{index}].weight", share, "interleave_probs", "mix_strategy")
    elif strategy.startswith("interleave") and count > 1:
        for index in range(count):
            reading.put(f"data[{index}].weight", 1.0, "mix_strategy")
    reading.same("mix_strategy", "sources are read one after another and shuffled together")
    reading.no("interleave_probs", "there is not one share above 0 for each dataset, or nothing is interleaved")


def _held_out(reading: Reading, info: dict[str, Any], home: Path) -> None:
    wanted = names(reading.get("eval_dataset", []))
    if not wanted:
        return
    entry = info.get(wanted[0])
    file = entry.get("file_name") if isinstance(entry, dict) else None
    path = located(str(file or wanted[0]), home)
    if len(wanted) > 1 or not path.endswith((".jsonl", ".json", ".csv", ".parquet")):
        reading.no("eval_dataset", "one file can be held out, of one source: data.held_out")
    else:
        reading.put("data[0].held_out", path, "eval_dataset", said="read in the format of the first source")
