"""[train] and [eval]: the loop, and what is measured on the way."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.config.base import Section, whole_or_share


class TrainSection(Section):
    """The optimisation."""

    method: Literal["lora", "full"] = "lora"
    """"lora" trains adapters beside a frozen base, "full" trains every weight (then quantization.bits must be 32)."""

    epochs: float | None = Field(default=None, gt=0, le=1e6)
    """Times the training rows are gone through. Give this or `steps`; without both it is one epoch."""

    steps: int | None = Field(default=None, ge=1)
    """Optimiser steps."""

    batch_size: int = Field(default=8, ge=1)
    """Sequences in one forward pass (the micro-batch). Decides the memory for activations."""

    grad_accumulation: int = Field(default=1, ge=1)
    """Micro-batches per optimiser step. The global batch is batch_size x grad_accumulation; how it is cut into
    micro-batches changes memory and never the result."""

    learning_rate: float = Field(default=2e-4, gt=0)
    """Peak learning rate. 1e-4 to 3e-4 is usual for LoRA, ten times less for a full fine-tune."""

    scheduler: Literal["constant", "linear", "cosine"] = "cosine"
    """Course of the learning rate after warmup: held, or falling to zero."""

    warmup: Annotated[float | int, AfterValidator(whole_or_share)] = Field(default=0.03, ge=0)
    """Share of the steps (below 1) or number of steps in which the learning rate rises from zero."""

    weight_decay: float = Field(default=0.0, ge=0)
    """Decoupled weight decay of AdamW on matrices; norms and biases have none."""

    betas: list[Annotated[float, Field(ge=0, lt=1)]] = Field(default=[0.9, 0.999], min_length=2, max_length=2)
    """Decay of AdamW's two running means."""

    clip: float = Field(default=1.0, ge=0)
    """Longest gradient (L2 norm over all trained weights); longer ones are scaled down. 0 turns clipping off."""

    seed: int = Field(default=0, ge=0, lt=1 << 63)
    """Seed of the adapters, of dropout and of the order of rows."""

    shuffle: bool = True
    """Draw a new order of the rows each epoch. Off: the order of the data."""

    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass instead of keeping them: far less memory, about a third slower."""

    eval_every: int | None = Field(default=None, ge=1)
    """Steps between two evaluations. Without it: ten over the run. The last step is always evaluated."""

    save_every: int | None = Field(default=None, ge=1)
    """Steps between two checkpoints. Without it: ten over the run. The last step is always saved."""

    keep: int = Field(default=2, ge=1)
    """Checkpoints that are kept; older ones are removed once a newer one is verified."""

    @model_validator(mode="after")
    def _one_length(self) -> TrainSection:
        if self.epochs is not None and self.steps is not None:
            raise ValueError("give `epochs` or `steps`, not both")
        return self


class EvalSection(Section):
    """What is measured and shown during training."""

    max_rows: int | None = Field(default=None, ge=1)
    """Evaluate on the first N held-out sequences only, where all of them take too long."""

    samples: list[Annotated[str, Field(min_length=1)]] = []
    """Prompts that the model answers at every evaluation, through the same template as the training rows."""

    sample_tokens: int = Field(default=64, ge=1)
    """Longest answer to a sample prompt, in tokens."""
