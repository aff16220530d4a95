"""The starter's model before it has read a word: a small Llama with random weights, in safetensors."""

from __future__ import annotations

from pathlib import Path

from engine.starter.quiet import hush
from engine.starter.recipe import Recipe


def make_seed_model(folder: Path, recipe: Recipe, vocabulary: int) -> int:
    """Write the model beside its tokenizer in `folder`; return its number of parameters.

    The weights are those of recipe.seed; the random state of the process is left as it was. Positions reach twice as far
    as the sequences it is trained on, so that a question and its answer have room.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    hush()
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=recipe.hidden,
        intermediate_size=recipe.inner,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=2 * recipe.max_length,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    return int(model.num_parameters())
