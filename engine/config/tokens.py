"""[tokens] and [split]: how rows become sequences, and which rows are held out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from engine.config.base import Section, whole_or_share


class TokensSection(Section):
    """From text to token sequences."""

    max_length: int | None = Field(default=None, ge=8)
    """Longest sequence in tokens. Without it: 1024, or the model's own limit where that is smaller. Memory grows with it."""

    truncation: Literal["right", "left", "drop", "split", "error"] = "right"
    """What happens to a longer row: cut its end, cut its start, leave the row out, split it into several sequences, or
    refuse to train. Every cut is counted and shown."""

    packing: Literal["none", "bfd"] = "none"
    """"bfd" lays several short rows into one sequence (best fit, decreasing) and keeps them apart in attention, so no
    compute goes into padding and no row sees another."""

    supervise: Literal["assistant", "last", "all"] = "assistant"
    """Which tokens the loss is computed on: the answers, only the last answer, or everything."""


class SplitSection(Section):
    """Rows held out to measure the loss on."""

    test_size: Annotated[float | int, AfterValidator(whole_or_share)] = Field(default=0.05, ge=0)
    """Share (below 1) or number of rows that are held out. 0 holds out none, and then there is no evaluation loss."""

    seed: int = Field(default=0, ge=0, lt=1 << 63)
    """Seed of the split."""

    shuffle: bool = True
    """Draw the held-out rows at random. Off: the last rows of the data are held out."""

    stratify: bool = True
    """Hold out the same share of every source. Off, or with `group_by`: the share is drawn from all rows together."""

    group_by: str | None = None
    """A column; rows with the same value in it stay on one side. For several answers to one question, or pages of one
    document."""
