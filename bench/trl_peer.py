"""TRL's own preparation of data, with a trainer whose model is there to be asked for nothing."""

from __future__ import annotations

import tempfile
import warnings
from typing import Any


def prepared(tokenizer: Any, rows: list[dict[str, Any]], assistant_only: bool) -> Any:
    """The dataset that TRL's SFTTrainer trains on: columns input_ids and labels."""
    return Preparation(tokenizer, rows[:1], assistant_only)(dataset_of(rows))


def dataset_of(rows: list[dict[str, Any]]) -> Any:
    """Rows as a `datasets` dataset."""
    from datasets import Dataset

    return Dataset.from_list(rows)


class Preparation:
    """The preparation of a trainer for one tokenizer."""

    def __init__(self, tokenizer: Any, example: list[dict[str, Any]], assistant_only: bool) -> None:
        """`example` are rows of the kind that will be prepared."""
        from datasets import disable_caching, disable_progress_bars
        from transformers import LlamaConfig, LlamaForCausalLM
        from transformers.utils import logging
        from trl import SFTConfig, SFTTrainer

        disable_caching()
        disable_progress_bars()
        logging.set_verbosity_error()
        warnings.simplefilter("ignore", FutureWarning)  # about settings that are TRL's own
        shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
        model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **shape))
        with tempfile.TemporaryDirectory() as folder:
            self._config = SFTConfig(
                output_dir=folder,
                max_length=None,
                assistant_only_loss=assistant_only,
                report_to="none",
                use_cpu=True,
                bf16=False,
            )
            self._tokenizer = tokenizer
            self._trainer = SFTTrainer(
                model, self._config, train_dataset=dataset_of(example), processing_class=tokenizer
            )

    def __call__(self, dataset: Any) -> Any:
        """Prepare it, as the trainer does with what it is made with."""
        return self._trainer._prepare_dataset(dataset, self._tokenizer, self._config, False, None, "train")
