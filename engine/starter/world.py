"""Everything a recipe leads to, before anything is trained: facts, texts, questions, tokenizer, random weights."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.starter.corpus import (
    Question,
    as_jsonl,
    exam_questions,
    paragraphs,
    split_islands,
    tuning_questions,
)
from engine.starter.grammar import Fact, invent
from engine.starter.recipe import Recipe
from engine.starter.tokenizer import save_tokenizer, train_tokenizer


class World:
    """One archipelago. The tokenizer is trained when it is first needed."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.facts: tuple[Fact, ...] = invent(recipe.seed, recipe.islands)
        self.paragraphs = paragraphs(self.facts, recipe.paragraphs, recipe.sentences, recipe.seed)
        self.asked, self.held_out = split_islands(self.facts, recipe.seed)
        self.tuning: list[Question] = tuning_questions(self.asked)
        self.exam: list[tuple[Fact, Question]] = exam_questions(self.held_out, recipe.seed)

    @property
    def corpus_jsonl(self) -> str:
        """The paragraphs, key `text`."""
        return as_jsonl({"text": text} for text in self.paragraphs)

    @property
    def tuning_jsonl(self) -> str:
        """Questions and answers about the islands that tuning asks about."""
        return as_jsonl(asdict(row) for row in self.tuning)

    @property
    def heldout_jsonl(self) -> str:
        """Questions and answers of the exam."""
        return as_jsonl(asdict(row) for _, row in self.exam)

    @cached_property
    def tokenizer(self) -> Any:
        """The `tokenizers.Tokenizer` trained on the paragraphs."""
        return train_tokenizer(self.paragraphs, self.recipe.vocabulary)

    def make_seed_model(self, folder: Path) -> int:
        """Write tokenizer and random model into `folder`, new; return the number of parameters."""
        from engine.starter.model import make_seed_model

        shutil.rmtree(folder, ignore_errors=True)
        save_tokenizer(self.tokenizer, folder, 2 * self.recipe.max_length)
        return make_seed_model(folder, self.recipe, self.tokenizer.get_vocab_size())
