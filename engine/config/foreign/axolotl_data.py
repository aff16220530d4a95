"""The datasets of an Axolotl configuration: paths, kinds of rows, prompt templates."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from engine.config.foreign.report import Reading
from engine.config.foreign.values import is_hub_id, located, number, split_of, whole, yes

_FILE_KINDS = ("json", "jsonl", "csv", "parquet", "arrow", "text")
_TEMPLATES = {
    "chatml": "chatml",
    "llama3": "llama3",
    "alpaca": "alpaca",
    "mistral_v1": "mistral",
    "mistral_v2v3": "mistral",
    "mistral": "mistral",
    "tokenizer_default": "tokenizer",
}
_LOADERS = {
    "": "alpaca",
    "load": "alpaca",
    "load_concise": "alpaca",
    "load_open_orca": "question_response",
    "load_qa": "question_answer",
}
"""Functions of Axolotl's Alpaca styles that read other columns than its own."""
_PLACE = re.compile(r"\{(instruction|input|output|system)\}")


def read_data(reading: Reading, folder: Path) -> None:
    """Every source of `datasets` and `pretraining_dataset`."""
    pretraining = reading.get("pretraining_dataset")
    if isinstance(pretraining, str):
        reading.put("data[0].path", located(pretraining, folder), "pretraining_dataset")
        reading.put("data[0].format", "text")
        _streamed(reading, 0, "", pretraining, folder)
        number_of = 1
    else:
        sources = pretraining if isinstance(pretraining, list) else []
        for index, source in enumerate(sources):
            if isinstance(source, dict):
                _pretraining(reading, index, f"pretraining_dataset[{index}]", source, folder)
        number_of = len(sources)
    if pretraining is not None:
        reading.put("tokens.supervise", "all")
    data = reading.get("datasets")
    for index, source in enumerate(data if isinstance(data, list) else []):
        if isinstance(source, dict):
            _source(reading, number_of + index, f"datasets[{index}]", source, folder)
    train = yes(reading.get("train_on_inputs"))
    if train is not None:
        reading.put("tokens.supervise", "all" if train else "assistant", "train_on_inputs")
    _held_out(reading, folder)
    _chat_template(reading)


def _pretraining(reading: Reading, index: int, key: str, source: dict[str, Any], folder: Path) -> None:
    to = f"data[{index}]"
    _place(reading, to, key, source, folder)
    reading.put(f"{to}.format", "text", f"{key}.type")
    column = source.get("text_column", source.get("field"))
    if column and column != "text":
        reading.put(f"{to}.columns", {"text": column}, f"{key}.text_column", f"{key}.field")
    reading.same(f"{key}.text_column", "the column is called text anyway")
    _streamed(reading, index, key, str(source.get("path", "")), folder)
    _rest(reading, key)


def _streamed(reading: Reading, index: int, key: str, path: str, folder: Path) -> None:
    """A dataset of the hub that is too large to be stored is streamed, as many rows as the steps need."""
    if not is_hub_id(path, folder):
        return
    steps = whole(reading.get("max_steps")) or 0
    batch = (whole(reading.get("micro_batch_size")) or 1) * (whole(reading.get("gradient_accumulation_steps")) or 1)
    if steps > 0:
        reading.put(f"data[{index}].streaming", True)
        reading.put(
            f"data[{index}].max_rows",
            steps * batch,
            "max_steps",
            said="one row a sequence; raise it where rows are short",
        )
        reading.notes.append(
            f"data[{index}]: a stream needs to know how many rows to take. {steps * batch:,} is a row for each sequence; where "
            "rows are short and packed, more of them fit."
        )


def _source(reading: Reading, index: int, key: str, source: dict[str, Any], folder: Path) -> None:
    to = f"data[{index}]"
    _place(reading, to, key, source, folder)
    kind = source.get("type")
    if isinstance(kind, dict):
        _custom(reading, to, f"{key}.type", kind)
    elif kind is not None:
        _kind(reading, to, key, str(kind), source)
    _rest(reading, key)


def _place(reading: Reading, to: str, key: str, source: dict[str, Any], folder: Path) -> None:
    path, files = str(source.get("path", "")), source.get("data_files")
    if (files and path in _FILE_KINDS) or (files and isinstance(files, str) and not is_hub_id(path, folder)):
        first = files[0] if isinstance(files, list) else files
        reading.put(f"{to}.path", located(str(first), folder), f"{key}.data_files", f"{key}.path")
        if isinstance(files, list) and len(files) > 1:
            reading.notes.append(
                f"{key}.data_files names {len(files)} files; only the first is here. Add a [[data]] for each other."
            )
    else:
        reading.put(f"{to}.path", located(path, folder), f"{key}.path")
    if source.get("name"):
        reading.put(f"{to}.subset", str(source["name"]), f"{key}.name")
    if source.get("revision"):
        reading.put(f"{to}.revision", str(source["revision"]), f"{key}.revision")
    if source.get("split"):
        split, rows = split_of(str(source["split"]))
        if re.fullmatch(r"\w+", split):
            reading.put(f"{to}.split", split, f"{key}.split")
        reading.no(f"{key}.split", "a part of a split is taken by max_rows, from its start")
        if rows:
            reading.put(f"{to}.max_rows", rows, f"{key}.split")


def _kind(reading: Reading, to: str, key: str, kind: str, source: dict[str, Any]) -> None:
    name, _, style = kind.partition(":")
    base = name.partition(".")[0]
    if base == "alpaca" or base.startswith("alpaca_"):
        loader = name.partition(".")[2]
        if loader in _LOADERS:
            reading.put(f"{to}.format", _LOADERS[loader], f"{key}.type")
        else:
            reading.notes.append(
                f"{key}.type is {kind}: which columns it reads is not known here; the format is recognised."
            )
        reading.put(f"{to}.template", "alpaca", f"{key}.type")
        if style or name != "alpaca":
            reading.notes.append(f"{key}.type is {kind}: the plain Alpaca template is written in its place.")
    elif base in ("chat_template", "sharegpt"):
        _chat(reading, to, key, base, source)
    elif base in ("completion", "pretrain"):
        reading.put(f"{to}.format", "text", f"{key}.type")
        column = source.get("field", source.get("text_column"))
        if column and column != "text":
            reading.put(f"{to}.columns", {"text": str(column)}, f"{key}.field", f"{key}.text_column")
    elif base == "oasst":
        reading.put(f"{to}.format", "oasst_tree", f"{key}.type")
    elif base in ("context_qa", "gpteacher", "summarizetldr", "jeopardy", "gsm8k", "creative_acr"):
        reading.put(f"{to}.format", "auto", f"{key}.type", said="the columns decide; its prompt template is Luthier's")
    else:
        reading.no(f"{key}.type", "rows of this kind are not known; format = auto decides by the columns")


def _chat(reading: Reading, to: str, key: str, base: str, source: dict[str, Any]) -> None:
    named = source.get("message_property_mappings")
    named = named if isinstance(named, dict) else {}
    role = named.get("role", source.get("message_field_role"))
    content = named.get("content", source.get("message_field_content"))
    roles = (f"{key}.message_property_mappings.role", f"{key}.message_field_role")
    contents = (f"{key}.message_property_mappings.content", f"{key}.message_field_content")
    is_sharegpt = base == "sharegpt" or role == "from"
    reading.put(
        f"{to}.format",
        "sharegpt" if is_sharegpt else "messages",
        f"{key}.type",
        *(roles if role in ("from", "role") else ()),
    )
    if content in ("value", "content"):
        reading.put(f"{to}.format", "sharegpt" if is_sharegpt else "messages", f"{key}.type", *contents)
    column = source.get("field_messages", "conversations" if base == "sharegpt" else "messages")
    if column != ("conversations" if is_sharegpt else "messages"):
        reading.put(f"{to}.columns", {"messages": str(column)}, f"{key}.field_messages")
    reading.same(f"{key}.field_messages", "the column is called so anyway")
    _template(reading, f"{to}.template", f"{key}.chat_template", source.get("chat_template"))
    roles_to_train = source.get("roles_to_train")
    if roles_to_train is not None:
        told = [str(item) for item in roles_to_train] if isinstance(roles_to_train, list) else [str(roles_to_train)]
        if set(told) <= {"assistant", "gpt"} and told:
            reading.put("tokens.supervise", "assistant", f"{key}.roles_to_train")
        else:
            reading.no(f"{key}.roles_to_train", 'supervise = "all" trains every role, "assistant" the answers')
    eos = source.get("train_on_eos")
    if eos in ("turn", "all", "last", True):
        reading.put("tokens.train_on_eos", True, f"{key}.train_on_eos")
    elif eos in ("none", False):
        reading.put("tokens.train_on_eos", False, f"{key}.train_on_eos")


def _template(reading: Reading, to: str, key: str, name: Any) -> None:
    if name is None:
        return
    found = _TEMPLATES.get(str(name).removeprefix("tokenizer_default_fallback_"))
    if found is not None:
        reading.put(to, found, key)
    else:
        reading.put(to, "tokenizer", key, said="the model's own chat template")


def _chat_template(reading: Reading) -> None:
    """The template of the whole file goes to each chat that names none itself."""
    name = reading.get("chat_template")
    if name is None:
        return
    chats = [
        i for i, item in enumerate(reading.table.get("data", [])) if item.get("format") in ("messages", "sharegpt")
    ]
    if name == "jinja":
        reading.no("chat_template", "write chat_template_jinja into a file and set model.chat_template to it")
        return
    for index in chats:
        if "template" not in reading.table["data"][index]:
            _template(reading, f"data[{index}].template", "chat_template", name)
    reading.no("chat_template", "no source here holds chats that it would shape")


def _custom(reading: Reading, to: str, key: str, kind: dict[str, Any]) -> None:
    """A prompt template of one's own: {instruction}, {input} and {system} become the columns that hold them."""
    columns = {
        "instruction": str(kind.get("field_instruction", "instruction")),
        "input": str(kind.get("field_input", "input")),
        "output": str(kind.get("field_output", "output")),
        "system": str(kind.get("field_system", "system")),
    }
    shown = str(kind.get("format", "{instruction} {input}" if kind.get("field_input") else "{instruction}"))
    system = kind.get("system_prompt")
    text = f"{system}\n{shown}" if system else shown
    text = _PLACE.sub(lambda found: f"\0{columns[found[1]]}\1", text)
    text = text.replace("{", "{{").replace("}", "}}").replace("\0", "{").replace("\1", "}")
    reading.put(f"{to}.template", "custom", f"{key}.format", f"{key}.field_instruction")
    fields = [
        f"{key}.{name}" for name in ("format", "field_instruction", "field_input", "field_system", "system_prompt")
    ]
    reading.put(f"{to}.prompt", text, *fields)
    reading.put(f"{to}.completion", f"{{{columns['output']}}}", f"{key}.field_output")
    reading.no(
        f"{key}.no_input_format", "one template for all rows; rows without input get the same text with nothing there"
    )
    reading.no(f"{key}.system_format", "the system text stands as it is")


def _held_out(reading: Reading, folder: Path) -> None:
    tests = reading.get("test_datasets")
    if not isinstance(tests, list) or not tests or not isinstance(tests[0], dict):
        return
    source, key = tests[0], "test_datasets[0]"
    files, path = source.get("data_files"), str(source.get("path", ""))
    first = str(files[0] if isinstance(files, list) else files) if files else path
    trained = reading.get("datasets")
    first_of = trained[0] if isinstance(trained, list) and trained and isinstance(trained[0], dict) else {}
    same_place = bool(path) and path == str(first_of.get("path", ""))
    if same_place and source.get("split") and not files:
        reading.put("data[0].held_out", str(source["split"]), f"{key}.split", f"{key}.path", f"{key}.type")
    elif not is_hub_id(first, folder):
        reading.put("data[0].held_out", located(first, folder), f"{key}.data_files", f"{key}.path", f"{key}.type")
        reading.same(f"{key}.split", "the file as a whole is held out")
    reading.same(f"{key}.ds_type", "the kind of a file is seen by its ending")
    reading.no("test_datasets", "one file or split can be held out, of one source, in the format of that source")


_REST = {
    "shards": "max_rows takes a part",
    "conversation": "data.template says it",
    "shards_idx": "max_rows takes a part",
    "preprocess_shards": "max_rows takes a part",
    "roles": "names of speakers are known, or told by data.assistant",
    "field_human": "columns tells the names of columns",
    "field_model": "columns tells the names of columns",
    "trust_remote_code": "a dataset's own code is never run",
    "message_field_training": "all answers are trained, or the last",
    "message_field_training_detail": "all answers are trained, or the last",
    "drop_system_message": "system texts are read",
    "field_tools": "set columns = {tools = ...} where rows have them",
    "field_system": "set columns = {system = ...} where rows have them",
    "split_thinking": "a turn is one text",
    "train_on_eot": "tokens.train_on_eos says it for every answer",
    "chat_template_jinja": "write it into a file and set model.chat_template to it",
    "input_format": "data.prompt says it",
    "skip": "rows are read from the start",
    "message_property_mappings": "turns have a role and a text by their usual names",
}


def _rest(reading: Reading, key: str) -> None:
    """What else an entry may hold."""
    reading.same(f"{key}.ds_type", "the kind of a file is seen by its ending")
    for name, why in _REST.items():
        value = reading.get(f"{key}.{name}")
        if value is not None and value is not False and number(value) != 0:
            reading.no(f"{key}.{name}", why)
        else:
            reading.same(f"{key}.{name}", "off")
