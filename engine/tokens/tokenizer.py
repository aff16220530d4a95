"""Loading a model's tokenizer."""

from __future__ import annotations

import json
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
