"""[quantization] and [lora]: how small the base is kept, and what is trained beside it."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from engine.config.base import Section


class QuantizationSection(Section):
    """The frozen base in few bits (QLoRA, Dettmers et al. 2023, arXiv 2305.14314)."""

    bits: Literal[4, 16, 32] = 4
    """4 quantises the linear layers; 16 keeps bfloat16 and 32 keeps float32."""

    type: Literal["nf4", "fp4"] = "nf4"
    """4-bit number format. NormalFloat fits weights that are about normally distributed, which they are."""

    double: bool = True
    """Quantise the quantisation constants too: saves 0.37 bit per parameter at no measurable loss."""

    compute_dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Type the 4-bit weights are multiplied in, and of what is not quantised. "auto": bfloat16 on a GPU, float32 on a CPU."""


class LoraSection(Section):
    """Low-rank adapters (Hu et al. 2021, arXiv 2106.09685): W + (alpha / rank) B A, only A and B are trained."""

    rank: int = Field(default=16, ge=1, le=1024)
    """Inner width of the adapters. 8 to 64 is usual; more fits more, costs memory, and overfits sooner."""

    alpha: float = Field(default=32.0, gt=0)
    """The adapter's output is scaled by alpha / rank (with `rslora`: alpha / sqrt(rank)). Usual: rank to twice rank."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of adapter inputs that are zeroed while training. 0 to 0.1."""

    target_modules: str | list[str] = "all-linear"
    """Layers that get an adapter: "all-linear" (every linear layer but the output head), a list of name endings such as
    ["q_proj", "v_proj"], or one regular expression."""

    @field_validator("target_modules")
    @classmethod
    def _valid_expression(cls, value: str | list[str]) -> str | list[str]:
        if isinstance(value, str):
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{value!r} is no regular expression: {error}") from None
        return value

    rslora: bool = False
    """Scale by alpha / sqrt(rank), which keeps high ranks stable (Kalajdzievski 2023, arXiv 2312.03732)."""

    dora: bool = False
    """Train the direction and the length of weights apart (Liu et al. 2024, arXiv 2402.09353). Slower, often better at
    low rank."""
