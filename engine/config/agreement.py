"""What the sections of a run file must agree on: methods, number formats, initialisations, adapters to go on with.

Each pair that cannot train is refused here, when the file is read, with its reason and what to set instead.
"""

from __future__ import annotations

from engine.config.lora import LoraSection, QuantizationSection
from engine.config.model import ModelSection
from engine.config.train import EvalSection, TrainSection

DECIDED_BY_ADAPTER = ("rank", "alpha", "target_modules", "rslora", "dora", "init", "save_modules")
"""Keys of [lora] that an adapter to go on with has decided already."""


def refuse_disagreement(
    model: ModelSection,
    quantization: QuantizationSection,
    lora: LoraSection,
    train: TrainSection,
    evaluation: EvalSection,
) -> None:
    """Raises ValueError, with what disagrees, why, and what to set."""
    _quantization(quantization)
    if train.method == "full":
        _full(quantization, lora)
    else:
        _init(quantization, lora)
        _adapters(quantization, lora)
        _start_from(lora)
    if evaluation.sample_every is not None and not evaluation.samples:
        raise ValueError("eval.sample_every is not read without eval.samples")


def _quantization(quantization: QuantizationSection) -> None:
    if quantization.bits != 4:
        defaults = QuantizationSection()
        for key in ("type", "double"):
            if getattr(quantization, key) != getattr(defaults, key):
                raise ValueError(
                    f"quantization.{key} is read only with quantization.bits = 4; remove it, or set bits = 4"
                )
    if quantization.bits == 16 and quantization.compute_dtype == "float32":
        raise ValueError("quantization.bits = 16 keeps and multiplies bfloat16; set bits = 32 to compute in float32")


def _full(quantization: QuantizationSection, lora: LoraSection) -> None:
    if quantization.bits != 32:
        why = {
            4: "4-bit weights cannot be trained",
            8: "8-bit weights cannot be trained",
            16: "bfloat16 rounds small updates away",
        }[quantization.bits]
        raise ValueError(
            f'train.method = "full" needs quantization.bits = 32 ({why}); set it, or train.method to "lora". With '
            'compute_dtype = "bfloat16" it multiplies in bfloat16'
        )
    if lora != LoraSection():
        raise ValueError('[lora] is not read with train.method = "full"; remove it')


def _init(quantization: QuantizationSection, lora: LoraSection) -> None:
    """Which beginnings of A and B a base of these bits allows."""
    if lora.init in ("pissa", "olora") and quantization.bits in (4, 8):
        raise ValueError(
            f'lora.init = "{lora.init}" takes the main part of each weight out of the base and trains it, and rounding what is '
            f"left to {quantization.bits} bits again makes another model; set quantization.bits to 16 or 32, or lora.init to "
            + ('"loftq"' if quantization.bits == 4 else '"default"')
        )
    if lora.init == "loftq" and quantization.bits != 4:
        raise ValueError(
            'lora.init = "loftq" makes up for the error of 4-bit weights, and with quantization.bits = '
            f'{quantization.bits} there is none to speak of; set bits = 4, or lora.init to "default"'
        )
    if lora.init == "orthogonal" and lora.rank % 2:
        raise ValueError(
            f'lora.init = "orthogonal" gives half of the rank to A and half to B, and lora.rank = {lora.rank} is odd; set an '
            "even rank"
        )


def _adapters(quantization: QuantizationSection, lora: LoraSection) -> None:
    if lora.dora and quantization.bits == 8:
        raise ValueError(
            "lora.dora needs the length of each weight at every step, and peft loses the scales of 8-bit weights on the way; "
            "set quantization.bits to 4, 16 or 32, or lora.dora = false"
        )
    if isinstance(lora.target_modules, list):
        both = sorted(set(lora.target_modules) & set(lora.save_modules))
        if both:
            raise ValueError(
                f"lora.save_modules and lora.target_modules both name {both[0]!r}; a layer is trained whole or gets an adapter. "
                "Name it in one of them"
            )


def _start_from(lora: LoraSection) -> None:
    if lora.start_from is None:
        return
    defaults = LoraSection()
    for key in DECIDED_BY_ADAPTER:
        if getattr(lora, key) != getattr(defaults, key):
            raise ValueError(
                f"lora.{key} is decided by the adapter that lora.start_from names; remove lora.{key}, or start a new adapter "
                "without lora.start_from"
            )
