"""A model folder small enough to make in a test: a real tokenizer, a real Llama, random weights.

The inner width is no multiple of 64 on purpose: that is what real shapes look like.
"""

from __future__ import annotations

import json
from pathlib import Path

SENTENCES = [
    "The lamp in the harbour burns all night.",
    "A boat carries salt and rope to the island.",
    "Who keeps the lamp? The keeper of the harbour keeps it.",
    "What does the boat carry? It carries salt.",
]


def make_model(folder: Path, *, seed: int = 0, bos: bool = True, chat_template: str | None = None) -> Path:
    """Write a Llama of 2 layers with its tokenizer into `folder` and return it."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES * 4, trainer)
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 0)]
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    config: dict[str, object] = {
        "tokenizer_class": "TokenizersBackend",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "model_max_length": 256,
        "clean_up_tokenization_spaces": False,
    }
    if chat_template is not None:
        config["chat_template"] = chat_template
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=64,
            intermediate_size=172,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=2,
        )
    )
    model.save_pretrained(folder)
    return folder


def write_rows(path: Path, count: int = 40) -> Path:
    """Write a JSONL of questions and answers of several lengths and return it."""
    with path.open("w") as file:
        for i in range(count):
            row = {
                "question": f"What does boat {i} carry to the island?",
                "answer": "It carries salt" + " and rope" * (i % 7) + ".",
            }
            file.write(json.dumps(row) + "\n")
    return path


def run_toml(path: Path, model: Path, data: Path, extra: str = "") -> Path:
    """Write a run file and return it; `extra` is put at its end."""
    path.write_text(f'[model]\npath = "{model}"\n[[data]]\npath = "{data}"\n{extra}')
    return path
