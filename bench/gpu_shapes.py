"""What the bench on a GPU trains: random weights quantised on the device, rows of random tokens; and the products of a step."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

RANK = 16
"""Of the adapters, on every linear layer."""


@dataclass(frozen=True)
class Shape:
    """A model, and how it is trained."""

    config: dict[str, Any]
    width: int
    """Tokens of a packed sequence."""
    sequences: int
    """Packed sequences of a micro-step, which is a step."""
    mean_row: int
    """Tokens of a row, on average."""
    peer_rows: int
    """Rows of a micro-batch of the peer, which pads them and holds all logits at once."""
    product: int
    """Side of the matrices whose product is the ceiling."""


SHAPES = {
    "llama-8b": Shape(
        {
            "vocab_size": 128_256,
            "hidden_size": 4096,
            "intermediate_size": 14_336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "max_position_embeddings": 131_072,
            "rope_parameters": {"rope_type": "default", "rope_theta": 500_000.0},
        },
        width=4096,
        sequences=4,
        mean_row=500,
        peer_rows=8,
        product=8192,
    ),
    "tiny": Shape(
        {
            "vocab_size": 1000,
            "hidden_size": 64,
            "intermediate_size": 192,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
        },
        width=128,
        sequences=4,
        mean_row=24,
        peer_rows=4,
        product=512,
    ),
}


class Rows:
    """Sequences of random tokens, all learned; lengths as of instructions: many short, few long."""

    def __init__(self, shape: Shape, steps: int) -> None:
        """As many as `steps` steps take, and a tenth more."""
        chosen = random.Random(0)
        count = (steps * shape.sequences + 1) * shape.width * 11 // (10 * shape.mean_row)
        most, vocabulary = shape.width, shape.config["vocab_size"]
        sizes = [min(most, max(8, int(chosen.lognormvariate(0, 0.6) * shape.mean_row * 0.83))) for _ in range(count)]
        generator = torch.Generator().manual_seed(0)
        self._ids = [torch.randint(vocabulary, (size,), generator=generator, dtype=torch.int32) for size in sizes]
        self.sizes = sizes
        self.rows = list(range(count))
        self.origins = [f"row {n}" for n in range(count)]

    def ids(self, index: int) -> Any:
        """Token ids of a row."""
        return self._ids[index].numpy()

    labels = ids


def random_model(shape: Shape, device: torch.device, dtype: torch.dtype) -> Any:
    """A Llama with random weights on `device`: linear layers in NF4 with double quantisation, all else in `dtype`.

    Never more than one layer's weight exists unquantised.
    """
    import bitsandbytes as bnb
    from transformers import BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM
    from transformers.integrations.bitsandbytes import replace_with_bnb_linear

    generator = torch.Generator(device).manual_seed(0)
    config = LlamaConfig(**shape.config, use_cache=False)
    config._attn_implementation = "sdpa"
    with torch.device("meta"):
        model = LlamaForCausalLM(config).to(dtype)
    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    model = replace_with_bnb_linear(model, ["lm_head"], four_bits)
    for module in model.modules():
        if not (getattr(module, "weight", None) is not None and module.weight.is_meta):
            continue
        four_bits_here = isinstance(module, bnb.nn.Linear4bit)
        size = (module.out_features, module.in_features) if four_bits_here else module.weight.shape
        made = torch.ones(size, dtype=dtype, device=device)
        if len(size) > 1:
            made.normal_(0.0, 0.02, generator=generator)
        if four_bits_here:
            packed = bnb.nn.Params4bit(
                made, requires_grad=False, quant_type="nf4", compress_statistics=True, module=module
            )
            module.weight = packed.to(device)
        else:
            module.weight = nn.Parameter(made, requires_grad=False)
    rotary = model.model.rotary_emb
    with torch.device(device):
        model.model.rotary_emb = type(rotary)(config)
    model.is_loaded_in_4bit = True
    left = [name for name, tensor in [*model.named_parameters(), *model.named_buffers()] if tensor.is_meta]
    assert not left, left
    return model


def ceiling(side: int, device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a product of two random matrices of this side."""
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    times = []
    for _ in range(30):
        wait(device)
        began = time.perf_counter()
        for _ in range(4):
            a @ b
        wait(device)
        times.append((time.perf_counter() - began) / 4)
    return 2 * side**3 / statistics.median(times[5:])


def operations(shape: Shape, sizes: Sequence[int]) -> float:
    """Operations of a step over rows of these sizes, nothing computed twice."""
    c = shape.config
    width, inner, layers = c["hidden_size"], c["intermediate_size"], c["num_hidden_layers"]
    kv = width // c["num_attention_heads"] * c["num_key_value_heads"]
    pairs = [(width, width), (width, kv), (width, kv), (width, width), (width, inner), (width, inner), (inner, width)]
    frozen = layers * sum(a * b for a, b in pairs) + width * c["vocab_size"]
    adapters = layers * sum(RANK * (a + b) for a, b in pairs)
    attention = sum(3.5 * 2 * size * size * width * layers for size in sizes)
    return (4 * frozen + 6 * adapters) * sum(sizes) + attention


def wait(device: torch.device) -> None:
    """Until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()
