"""[tokens] and [split]: how rows become sequences, and which rows are held out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.config import known
from engine.config.base import Section, whole_or_share


class TokensSection(Section):
    """From text to token sequences."""

    max_length: Annotated[int | None, known.MAX_LENGTH] = Field(default=None, ge=8)
    """Longest sequence in tokens. Without it: 1024, or the model's own limit where that is smaller. Memory grows with it."""

    truncation: Annotated[Literal["right", "left", "drop", "split", "error"], known.TRUNCATION] = "right"
    """What happens to a longer row: cut its end, cut its start, leave the row out, split it into several sequences, or
    refuse to train. Every cut is counted and shown."""

    refused_rows: Annotated[Literal["error", "skip"], known.REFUSED_ROWS] = "error"
    """What a training run does about rows that their template cannot write (a turn too many, a role it does not know):
    refuse to start and name them, or leave them out and count them."""

    packing: Annotated[Literal["none", "bfd", "wrapped"], known.PACKING] = "none"
    """"bfd" lays several short rows into one sequence (best fit, decreasing) and keeps them apart in attention, so no
    compute goes into padding and no row sees another. "wrapped" is for running text: texts stand one behind the other and are
    cut every `max_length` tokens, so nothing is lost; they are kept apart, too."""

    group_by_length: Annotated[bool, known.GROUP_BY_LENGTH] = False
    """Batch rows of about the same length, so that less is padding; the batches come in random order. Not with packing,
    which has next to none."""

    padding: Annotated[Literal["longest", "max_length"], known.PADDING] = "longest"
    """How wide a batch is: as its longest sequence, or always `max_length` (for kernels that want one shape)."""

    pad_to_multiple_of: Annotated[int, known.PAD_MULTIPLE] = Field(default=1, ge=1, le=4096)
    """With padding = "longest": round the width up to a multiple of this. 8 or 64 suit tensor cores."""

    padding_side: Annotated[Literal["right", "left"], known.PADDING_SIDE] = "right"
    """Where the padding stands. It is masked by position and never trained on; positions count from the first real token."""

    supervise: Annotated[Literal["assistant", "last", "all"], known.SUPERVISE] = "assistant"
    """Which tokens the loss is computed on: the answers, only the last answer, or everything."""

    train_on_eos: Annotated[bool, known.TRAIN_ON_EOS] = True
    """Whether the token that ends an answer is trained. Off: the model never learns to stop, which only suits a base that
    knows already."""

    @model_validator(mode="after")
    def _keys_agree(self) -> TokensSection:
        if self.group_by_length and self.packing != "none":
            raise ValueError(f'group_by_length is not read with packing = "{self.packing}"; remove one of the two')
        if self.padding == "max_length" and self.pad_to_multiple_of != 1:
            raise ValueError('pad_to_multiple_of is not read with padding = "max_length"; remove one of the two')
        if self.packing == "wrapped" and self.truncation != "right":
            raise ValueError('truncation is not read with packing = "wrapped", which cuts nothing off; remove it')
        return self


class SplitSection(Section):
    """Rows held out to measure the loss on."""

    test_size: Annotated[float | int, AfterValidator(whole_or_share), known.TEST_SIZE] = Field(default=0.05, ge=0)
    """Share (below 1) or number of rows that are held out. 0 holds out none, and then there is no evaluation loss."""

    seed: Annotated[int, known.SPLIT_SEED] = Field(default=0, ge=0, lt=1 << 63)
    """Seed of the split."""

    shuffle: Annotated[bool, known.SPLIT_SHUFFLE] = True
    """Draw the held-out rows at random. Off: the last rows of the data are held out."""

    stratify: Annotated[bool, known.STRATIFY] = True
    """Hold out the same share of every source. Off, or with `group_by`: the share is drawn from all rows together."""

    group_by: Annotated[str | None, known.GROUP_BY] = None
    """A column; rows with the same value in it stay on one side. For several answers to one question, or pages of one
    document."""
