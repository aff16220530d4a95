"""[train] and [eval]: the loop, and what is measured on the way."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from engine.config import known
from engine.config.base import Section, whole_or_share
from engine.config.every import Every
from engine.config.sizes import parse_size
from engine.errors import ConfigError


class TrainSection(Section):
    """The optimisation."""

    method: Annotated[Literal["lora", "full"], known.METHOD] = "lora"
    """"lora" trains adapters beside a frozen base, "full" trains every weight (then quantization.bits must be 32)."""

    epochs: Annotated[float | None, known.EPOCHS] = Field(default=None, gt=0, le=1e6)
    """Times the training rows are gone through. Give this or `steps`; without both it is one epoch."""

    steps: Annotated[int | None, known.STEPS] = Field(default=None, ge=1)
    """Optimiser steps."""

    batch_size: Annotated[int, known.BATCH_SIZE] = Field(default=8, ge=1)
    """Sequences in one forward pass (the micro-batch). Decides the memory for activations."""

    grad_accumulation: Annotated[int, known.GRAD_ACCUMULATION] = Field(default=1, ge=1)
    """Micro-batches per optimiser step. The global batch is batch_size x grad_accumulation; how it is cut into
    micro-batches changes memory and never the result."""

    learning_rate: Annotated[float, known.LEARNING_RATE] = Field(default=2e-4, gt=0)
    """Peak learning rate. 1e-4 to 3e-4 is usual for LoRA, ten times less for a full fine-tune."""

    scheduler: Annotated[Literal["constant", "linear", "cosine", "wsd"], known.SCHEDULER] = "cosine"
    """Course of the learning rate after warmup: held, or falling to `min_learning_rate`; "wsd" (warmup, stable, decay) holds it
    and falls over the last `decay` steps."""

    warmup: Annotated[float | int, AfterValidator(whole_or_share), known.WARMUP] = Field(default=0.03, ge=0)
    """Share of the steps (below 1) or number of steps in which the learning rate rises from zero."""

    decay: Annotated[float | int, AfterValidator(whole_or_share), known.DECAY] = Field(default=0.2, gt=0)
    """With scheduler = "wsd": share of the steps (below 1) or number of steps in which the learning rate falls."""

    min_learning_rate: Annotated[float, known.MIN_LEARNING_RATE] = Field(default=0.0, ge=0)
    """Where the learning rate ends, and below which it never falls after warmup."""

    optimizer: Annotated[
        Literal["adamw", "adamw_8bit", "paged_adamw", "paged_adamw_8bit", "lion", "lion_8bit", "adafactor"],
        known.OPTIMIZER,
    ] = "adamw"
    """"adamw" is torch's, in one fused kernel. The 8-bit ones (bitsandbytes) keep two bytes a weight instead of eight; paged ones
    move their state to the machine's memory when the GPU's is full. "lion" (arXiv 2302.06675) wants a learning rate three to
    ten times lower; "adafactor" (arXiv 1804.04235) keeps rows and columns of the state only, and has no momentum."""

    weight_decay: Annotated[float, known.WEIGHT_DECAY] = Field(default=0.0, ge=0)
    """Decoupled weight decay on matrices; norms and biases have none."""

    betas: Annotated[
        Annotated[list[Annotated[float, Field(ge=0, lt=1)]], Field(min_length=2, max_length=2)] | None, known.BETAS
    ] = None
    """Decay of the two running means. Without it: 0.9 and 0.999 for AdamW, 0.9 and 0.99 for Lion. Adafactor has none."""

    clip: Annotated[float, known.CLIP] = Field(default=1.0, ge=0)
    """Longest gradient (L2 norm over all trained weights); longer ones are scaled down. 0 turns clipping off."""

    seed: Annotated[int, known.SEED] = Field(default=0, ge=0, lt=1 << 63)
    """Seed of the adapters, of dropout and of the order of rows."""

    shuffle: Annotated[bool, known.SHUFFLE] = True
    """Draw a new order of the rows each epoch. Off: the order of the data."""

    neftune_alpha: Annotated[float, known.NEFTUNE] = Field(default=0.0, ge=0)
    """Noise on the embeddings while training (NEFTune, arXiv 2310.05914). 5 to 15 is usual, 0 is none."""

    gradient_checkpointing: Annotated[bool | Literal["auto"], known.GRADIENT_CHECKPOINTING] = "auto"
    """Compute the activations of layers again in the backward pass instead of keeping them: far less memory, about a third
    slower. "auto": in as many layers as the memory of the device asks for."""

    compile: Annotated[bool, known.COMPILE] = False
    """Compile each layer with torch.compile: the first steps take a minute or more, later ones are faster."""

    memory_limit: Annotated[str | None, known.MEMORY_LIMIT] = Field(
        default=None, pattern=r"^\s*\d+(\.\d+)?\s*([GMgm][Ii]?[Bb]?)\s*$"
    )
    """Most memory the run may take, such as "20GB" or "7.5GiB", of the GPU or, without one, of the machine. Without it: all
    there is. Beyond it the micro-batch is halved at the same global batch."""

    @field_validator("memory_limit")
    @classmethod
    def _is_memory(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_size(value)
            except ConfigError as error:
                raise ValueError(str(error)) from None
        return value

    eval_every: Annotated[Every | None, known.EVAL_EVERY] = None
    """Steps between two evaluations, or a text such as "0.5 epochs". Without it: ten over the run. The last step is always
    evaluated."""

    save_every: Annotated[Every | None, known.SAVE_EVERY] = None
    """Steps between two checkpoints, or a text such as "1 epoch". Without it: ten over the run. The last step is always saved."""

    keep: Annotated[int, known.KEEP] = Field(default=2, ge=1)
    """Checkpoints that are kept beside the best one; older ones are removed once a newer one is verified."""

    early_stopping: Annotated[int | None, known.EARLY_STOPPING] = Field(default=None, ge=1)
    """Stop after so many evaluations in a row without a lower loss. Without it the run goes on to its last step."""

    result: Annotated[Literal["last", "best"], known.RESULT] = "last"
    """Which weights become the run's adapter: those after the last step, or those with the lowest evaluation loss."""

    @model_validator(mode="after")
    def _agrees(self) -> TrainSection:
        if self.epochs is not None and self.steps is not None:
            raise ValueError("give `epochs` or `steps`, not both")
        if self.min_learning_rate > self.learning_rate:
            raise ValueError(
                f"min_learning_rate ({self.min_learning_rate:g}) is above learning_rate ({self.learning_rate:g})"
            )
        if self.min_learning_rate and self.scheduler == "constant":
            raise ValueError('`min_learning_rate` is not read with scheduler = "constant", which never falls')
        if self.decay != 0.2 and self.scheduler != "wsd":
            raise ValueError('`decay` is read only with scheduler = "wsd"')
        if self.scheduler == "wsd" and self.warmup < 1 and self.decay < 1 and self.warmup + self.decay > 1:
            raise ValueError(
                f"`warmup` ({self.warmup:g}) and `decay` ({self.decay:g}) are more than the whole run together"
            )
        if self.betas is not None and self.optimizer == "adafactor":
            raise ValueError('`betas` is not read with optimizer = "adafactor"; remove it')
        return self


class EvalSection(Section):
    """What is measured and shown during training."""

    max_rows: Annotated[int | None, known.EVAL_MAX_ROWS] = Field(default=None, ge=1)
    """Evaluate on the first N held-out sequences only, where all of them take too long."""

    samples: Annotated[list[Annotated[str, Field(min_length=1)]], known.SAMPLES] = []
    """Prompts that the model answers during training, through the same template as the training rows."""

    sample_every: Annotated[Every | None, known.SAMPLE_EVERY] = None
    """Steps between two rounds of answers, or a text such as "0.5 epochs". Without it: at every evaluation."""

    sample_tokens: Annotated[int, known.SAMPLE_TOKENS] = Field(default=64, ge=1)
    """Longest answer to a sample prompt, in tokens."""
