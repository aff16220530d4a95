"""Real tokenizers, from the files beside the checkout: what a model's folder would hold, made once a process.

Files that are no fast tokenizer yet (a sentencepiece model, GPT-2's vocabulary) are converted by transformers.
"""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.shared import DATA

_LLAMA = {
    "tokenizer_class": "LlamaTokenizer",
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "add_bos_token": True,
}


@dataclass(frozen=True)
class _Files:
    """Where a tokenizer's files lie, and how they are called in a model's folder."""

    folder: str
    files: dict[str, str] = field(default_factory=dict)
    """Name in a model's folder -> name here; none of them: all, as they are."""
    config: dict[str, Any] = field(default_factory=dict)
    """tokenizer_config.json, where there is none."""


_MISTRAL = "tokenizers/mistral"
_FILES = {
    "smollm2": _Files("tokenizers/smollm2"),
    "gpt2": _Files(
        "tokenizers/gpt2",
        {"vocab.json": "encoder.json", "merges.txt": "vocab.bpe"},
        {"tokenizer_class": "GPT2Tokenizer"},
    ),
    "qwen2": _Files("tokenizers/qwen2"),
    "mistral-v1": _Files(_MISTRAL, {"tokenizer.model": "tokenizer.model.v1"}, {**_LLAMA, "legacy": True}),
    "mistral-v2": _Files(_MISTRAL, {"tokenizer.model": "mistral_instruct_tokenizer_240216.model.v2"}, _LLAMA),
    "mistral-v3": _Files(_MISTRAL, {"tokenizer.model": "mistral_instruct_tokenizer_240323.model.v3"}, _LLAMA),
    "phi2": _Files("tokenizers/phi2"),
    "open_llama": _Files("tokenizers/open_llama_3b", {"tokenizer.model": "tokenizer.model"}, _LLAMA),
    "chinese_llama": _Files(
        "tokenizers/chinese_llama",
        {"tokenizer.model": "chinese_sp.model"},
        {"tokenizer_class": "PreTrainedTokenizerFast"},
    ),
    "minimind": _Files("tokenizers/minimind"),
    "stories260K": _Files("models/stories260K-hf"),
}
NAMES = tuple(_FILES)
NORMALISING = {"qwen2", "chinese_llama"}
"""They tokenize another text than the one they are given: NFC, and sentencepiece's NFKC."""
OPENING_WORDS = {"mistral-v1", "mistral-v2", "mistral-v3", "open_llama", "stories260K"}
"""They put a space before the first word of a text (and v1 and stories260K before one behind a special token)."""
_KEPT = tempfile.TemporaryDirectory(prefix="luthier-tokenizers-")


@functools.cache
def folder_of(name: str) -> Path:
    """A folder with the tokenizer of this name, as `save_pretrained` leaves it."""
    from transformers import AutoTokenizer

    origin = _FILES[name]
    made = Path(_KEPT.name) / name
    made.mkdir()
    source = DATA / origin.folder
    files = origin.files or {p.name: p.name for p in source.iterdir() if p.suffix in (".json", ".txt", ".jinja")}
    for there, here in files.items():
        shutil.copyfile(source / here, made / there)
    if origin.config:
        (made / "tokenizer_config.json").write_text(json.dumps(origin.config))
    if not (made / "tokenizer.json").is_file():
        AutoTokenizer.from_pretrained(made, local_files_only=True).save_pretrained(made)
    return made


@functools.cache
def tokenizer_of(name: str) -> Any:
    """The tokenizer of this name. It is shared: whoever changes one takes `fresh`."""
    return fresh(name)


def fresh(name: str) -> Any:
    """A tokenizer of this name that nobody else has."""
    from engine.tokens.tokenizer import load_tokenizer

    return load_tokenizer(folder_of(name))
