"""Loading a model's tokenizer."""

from __future__ import annotations

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
    return tokenizer


def end_ids(tokenizer: Any) -> frozenset[int]:
    """Ids of the tokens that end an answer: EOS and the usual end-of-turn markers, where the tokenizer has them."""
    ids = {tokenizer.eos_token_id} if tokenizer.eos_token_id is not None else set()
    vocabulary = tokenizer.get_added_vocab()
    for marker in ("<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|end_of_text|>", "<|endoftext|>"):
        if marker in vocabulary:
            ids.add(vocabulary[marker])
    return frozenset(ids)


def padding_id(tokenizer: Any) -> int:
    """An id to fill the rectangle with. Padding is masked by position, so any valid id does."""
    for candidate in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if candidate is not None:
            return int(candidate)
    return 0
