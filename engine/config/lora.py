"""[quantization] and [lora]: how small the base is kept, and what is trained beside it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from engine.config import known
from engine.config.base import Section


class QuantizationSection(Section):
    """The frozen base in few bits (QLoRA, Dettmers et al. 2023, arXiv 2305.14314)."""

    bits: Annotated[Literal[4, 8, 16, 32], known.BITS] = 4
    """4 quantises the linear layers to `type`, 8 to integers (LLM.int8, Dettmers et al. 2022, arXiv 2208.07339); 16 keeps
    bfloat16 and 32 keeps float32."""

    type: Annotated[Literal["nf4", "fp4"], known.TYPE] = "nf4"
    """4-bit number format. NormalFloat fits weights that are about normally distributed, which they are."""

    double: Annotated[bool, known.DOUBLE] = True
    """Quantise the quantisation constants too: saves 0.37 bit per parameter at no measurable loss."""

    compute_dtype: Annotated[Literal["auto", "float32", "bfloat16"], known.COMPUTE_DTYPE] = "auto"
    """Type that is multiplied in, and of weights that are not quantised. "auto": bfloat16 on a GPU and float32 on a CPU for 4
    and 8 bits, the type of the weights for 16 and 32. With bits = 32, "bfloat16" is mixed precision: weights and optimiser
    stay in float32."""


class LoraSection(Section):
    """Low-rank adapters (Hu et al. 2021, arXiv 2106.09685): W + (alpha / rank) B A, only A and B are trained."""

    rank: Annotated[int, known.RANK] = Field(default=16, ge=1, le=1024)
    """Inner width of the adapters. 8 to 64 is usual; more fits more, costs memory, and overfits sooner."""

    alpha: Annotated[float, known.ALPHA] = Field(default=32.0, gt=0, le=1e6)
    """The adapter's output is scaled by alpha / rank (with `rslora`: alpha / sqrt(rank)). Usual: rank to twice rank."""

    dropout: Annotated[float, known.DROPOUT] = Field(default=0.0, ge=0, lt=1)
    """Share of adapter inputs that are zeroed while training. 0 to 0.1."""

    target_modules: Annotated[str | list[str], known.TARGET_MODULES] = "all-linear"
    """Layers that get an adapter: "all-linear" (every linear layer but the output head), "attention", "mlp", a list of name
    endings such as ["q_proj", "v_proj"], or one regular expression."""

    @field_validator("target_modules")
    @classmethod
    def _can_match(cls, value: str | list[str]) -> str | list[str]:
        if not value or (isinstance(value, list) and not all(value)):
            raise ValueError(f'is {value!r}, which is no layer; "all-linear" is every linear layer')
        if isinstance(value, str):
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{value!r} is no regular expression: {error}") from None
        return value

    rslora: Annotated[bool, known.RSLORA] = False
    """Scale by alpha / sqrt(rank), which keeps high ranks stable (Kalajdzievski 2023, arXiv 2312.03732)."""

    dora: Annotated[bool, known.DORA] = False
    """Train the direction and the length of weights apart (Liu et al. 2024, arXiv 2402.09353). Slower, often better at
    low rank."""

    init: Annotated[Literal["default", "gaussian", "orthogonal", "olora", "pissa", "loftq", "eva"], known.INIT] = (
        "default"
    )
    """How A and B begin. "default": A random, B zero, so that training starts at the base model; "gaussian" the same with
    another spread; "orthogonal": both random, with a product of zero; rank must be even. "pissa" (arXiv 2404.02948) and "olora"
    (arXiv 2406.01775) begin with the main directions of the weights and train those; they need 16 or 32 bits, and what is saved
    has twice the rank. "loftq" (arXiv 2310.08659) makes up for the error of 4 bits, so what is saved belongs to the 4-bit base.
    "eva" (arXiv 2410.07170) begins with the main directions of what the layers see in some of the training rows."""

    plus_ratio: Annotated[float, known.PLUS_RATIO] = Field(default=1.0, ge=1)
    """LoRA+ (Hayou et al. 2024, arXiv 2402.12354): B learns this many times faster than A. 1 is plain LoRA, 16 is usual."""

    save_modules: Annotated[list[Annotated[str, Field(min_length=1)]], known.SAVE_MODULES] = []
    """Layers that are trained whole, in float32, and saved with the adapter, by their name or the end of it, such as
    ["embed_tokens", "lm_head"]; where the two are one weight, they stay one. New tokens do not need it: their rows alone are
    trained."""

    start_from: Annotated[str | None, known.START_FROM] = Field(default=None, min_length=1)
    """Folder of an adapter to go on training, by Luthier or any other peft LoRA. Rank, alpha, targets and the like are then the
    adapter's own; `dropout` and `plus_ratio` are this file's. A relative folder is looked up beside the run file."""
