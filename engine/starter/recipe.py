"""The numbers of the starter: how large its world is, its model, and its two trainings.

`RECIPE` is what `luthier demo` cooks; it was chosen so that two CPU cores need about a minute for both trainings.
Everything the starter holds follows from a recipe alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Recipe:
    """One starter. Widths are multiples of 64, the block of 4-bit quantisation."""

    seed: int = 0
    islands: int = 24
    paragraphs: int = 12_000
    sentences: int = 3
    """Facts stated in a paragraph, all of one island."""
    vocabulary: int = 1024
    """Upper limit: enough for every word of the archipelago to become one or two tokens."""
    hidden: int = 128
    inner: int = 384
    layers: int = 4
    heads: int = 4
    max_length: int = 128
    base_steps: int = 400
    base_batch: int = 8
    base_rate: float = 3e-3
    tune_steps: int = 150
    tune_batch: int = 16
    tune_rate: float = 2e-3
    rank: int = 16
    alpha: int = 32

    def fingerprint(self, corpus: str) -> str:
        """Sixteen hex digits over the recipe and the text it led to; a base model of another recipe is not reused."""
        text = json.dumps(asdict(self), sort_keys=True) + "\n" + corpus
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


RECIPE = Recipe()
