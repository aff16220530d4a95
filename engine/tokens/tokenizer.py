"""A model's tokenizer: loading it, what it holds, and leaving it beside a trained model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from engine.errors import ModelError


def load_tokenizer(folder: Path, trust_remote_code: bool = False) -> Any:
    """Return the transformers tokenizer of a checked model folder.

    Raises ModelError when it cannot be loaded or cannot say which characters a token stands for.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code, local_files_only=True)
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"The tokenizer in {folder} cannot be loaded: {first}") from error
    if not tokenizer.is_fast:
        raise ModelError(
            f"The tokenizer in {folder} has no fast version (tokenizer.json), so its tokens cannot be mapped to characters. "
            "Convert it with transformers on a machine that has its original library, and save it again."
        )
    _keep_white_space(tokenizer)
    return tokenizer


def _keep_white_space(tokenizer: Any) -> None:
    """Let every token stand for all its characters.

    Byte-level post-processors may trim white space off the offsets; a token that is white space alone would then belong
    to no character, and an answer would lose the labels of its line breaks and indentation.
    """
    backend = tokenizer.backend_tokenizer
    if backend.post_processor is None:
        return
    state = json.loads(backend.post_processor.__getstate__())
    parts = [state, *state.get("processors", [])]
    if any(part.get("trim_offsets") for part in parts):
        for part in parts:
            if "trim_offsets" in part:
                part["trim_offsets"] = False
        processor = backend.post_processor
        processor.__setstate__(json.dumps(state).encode())
        backend.post_processor = processor


FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)


def leave_tokenizer(
    tokenizer: Any, source: Path, target: Path, chat_template: str | None = None, trust_remote_code: bool = False
) -> None:
    """Put the tokenizer beside a trained model, in the folder `target`; `chat_template` replaces its own.

    Where it is what the folder `source` gives, the files are copied as they are. Where tokens were added, EOS was set or the
    chat template is another one, it is written anew, with nothing changed but that.
    """
    from transformers import AutoTokenizer

    chat_template = chat_template or tokenizer.chat_template
    plain = AutoTokenizer.from_pretrained(source, trust_remote_code=trust_remote_code, local_files_only=True)
    known = plain.added_tokens_decoder
    new = [token for number, token in sorted(tokenizer.added_tokens_decoder.items()) if number not in known]
    if not new and plain.eos_token == tokenizer.eos_token and plain.chat_template == chat_template:
        for name in FILES:
            if (source / name).is_file():
                shutil.copyfile(source / name, target / name)
        return
    plain.add_tokens(new)
    assert plain.get_vocab() == tokenizer.get_vocab(), (
        "the tokenizer that is left must be the one that was trained with"
    )
    plain.eos_token, plain.chat_template = tokenizer.eos_token, chat_template
    plain.save_pretrained(target)
    _tidy(source / "tokenizer_config.json", target / "tokenizer_config.json")


def _tidy(before: Path, after: Path) -> None:
    """Take out of a saved config how it was loaded here, and put back the class by which other versions know it."""
    config = {k: v for k, v in json.loads(after.read_text()).items() if k not in ("is_local", "local_files_only")}
    if before.is_file():
        config |= {k: v for k, v in json.loads(before.read_text()).items() if k == "tokenizer_class"}
    after.write_text(json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def special_texts(tokenizer: Any) -> list[str]:
    """Every text that the tokenizer turns into a control token, the longest first."""
    special = {str(token.content) for token in tokenizer.added_tokens_decoder.values() if token.special}
    return sorted({*special, *filter(None, tokenizer.all_special_tokens)}, key=len, reverse=True)


def end_ids(tokenizer: Any) -> frozenset[int]:
    """Ids of the tokens that end an answer: EOS and the usual end-of-turn markers, where the tokenizer has them."""
    ids = {tokenizer.eos_token_id} if tokenizer.eos_token_id is not None else set()
    vocabulary = tokenizer.get_added_vocab()
    for marker in ("<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|end_of_text|>", "<|endoftext|>"):
        if marker in vocabulary:
            ids.add(vocabulary[marker])
    return frozenset(ids)


def padding_id(tokenizer: Any, vocabulary: int | None = None) -> int:
    """An id to fill the rectangle with. Padding is masked by position, so any id that the model knows does.

    `vocabulary` is the number of rows of the model's embedding; a pad token that was added beyond it is passed over.
    """
    for candidate in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if candidate is not None and (vocabulary is None or candidate < vocabulary):
            return int(candidate)
    return 0


def around(tokenizer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ids that the tokenizer puts before and behind a text by itself: BOS, EOS, or none."""
    backend = tokenizer.backend_tokenizer
    bare = backend.encode("a", add_special_tokens=False).ids
    full = tokenizer("a")["input_ids"]
    at = next((i for i in range(len(full) - len(bare) + 1) if full[i : i + len(bare)] == bare), 0)
    return tuple(full[:at]), tuple(full[at + len(bare) :])
