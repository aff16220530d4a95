"""What a draft is, as its screen is told."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.config.runfile import RunFile
from engine.config.tokens import TokensSection
from engine.service.draft_look import Look
from engine.service.drafts import Draft
from engine.token_facts import DraftFacts, SourceOfDraft
from engine.tokens.notes import notes_of

_TRAIN_KEYS = ("batch_size", "grad_accumulation", "shuffle")
_MODEL_KEYS = ("chat_template", "new_tokens")
_DATA_KEYS = ("template", "prompt", "completion", "format", "columns")


def draft_facts(draft: Draft, look: Look) -> DraftFacts:
    """The facts of a draft as a look has them."""
    laid, path = look.laid, look.laid.path
    counts = np.bincount(laid.owners, minlength=len(laid.sources)).tolist()
    return DraftFacts(
        name=look.run.name,
        path=draft.base.path,
        tokenizer=str(look.folder.path),
        vocabulary=len(path.tokenizer),
        new_tokens=list(path.new_tokens.tokens) if path.new_tokens else [],
        max_length=path.max_length,
        context=path.context,
        keys=keys_in_force(look.run, path.max_length),
        sources=[
            SourceOfDraft(
                name=item.source.path.name,
                format=item.source.format,
                template=item.template.name,
                reason=item.reason,
                rows=count,
            )
            for item, count in zip(laid.sources, counts, strict=True)
        ],
        rows=len(laid.rows),
        held_out=len(laid.test_rows),
        complete=look.complete,
        weights=look.folder.has_weights,
        notes=notes_of(laid, look.folder.has_weights),
    )


def keys_in_force(run: RunFile, max_length: int) -> dict[str, Any]:
    """Key -> value of what the Tokens screen shows and changes."""
    keys: dict[str, Any] = {f"tokens.{name}": getattr(run.tokens, name) for name in TokensSection.model_fields}
    keys["tokens.max_length"] = max_length
    keys |= {f"train.{name}": getattr(run.train, name) for name in _TRAIN_KEYS}
    keys |= {f"model.{name}": getattr(run.model, name) for name in _MODEL_KEYS}
    for number, section in enumerate(run.data):
        keys |= {f"data[{number}].{name}": getattr(section, name) for name in _DATA_KEYS}
    return keys
