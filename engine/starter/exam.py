"""Putting questions to a model: the base by itself, or the base with an adapter that can be taken off.

Questions go through the same template, tokenizer and loading code as the run they belong to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.config.load import load
from engine.evaluate.generate import greedy
from engine.runs.events import Answer
from engine.starter.corpus import Question
from engine.starter.quiet import hush
from engine.templates import Template, make
from engine.tokens.folder import check_folder
from engine.tokens.path import RowPath
from engine.tokens.tokenizer import end_ids, load_tokenizer
from engine.train.device import choose_device
from engine.train.model import load_base

TOGETHER = 20
"""Questions that are answered in one batch."""
LONGEST_ANSWER = 24
"""In tokens; the sentences of the grammar have about twelve."""


class Examinee:
    """A loaded model that continues and answers, always with its likeliest token."""

    def __init__(self, run_file: Path, folder: Path, adapter: Path | None = None) -> None:
        """Load the model in `folder` in the number format of `run_file`, with the adapter on it where one is given.

        Raises ModelError or ConfigError.
        """
        hush()
        self.run = load(run_file)
        self.tokenizer = load_tokenizer(folder)
        self.path = RowPath(self.run, self.tokenizer, check_folder(folder))
        self.model: Any = load_base(folder, self.run, choose_device())
        if adapter is not None:
            from peft import PeftModel

            self.model = PeftModel.from_pretrained(self.model, str(adapter))

    def complete(self, openings: Sequence[str]) -> list[str]:
        """Continue each text without any template."""
        return self._write(make("plain", self.tokenizer, self.run.data[0]), openings)

    def answer(self, questions: Sequence[str]) -> list[str]:
        """Answer each question through the template `qa`."""
        return self._write(make("qa", self.tokenizer, self.run.data[0]), questions)

    def answer_both(self, rows: Sequence[Question]) -> Iterator[Answer]:
        """Answer with the adapter off and on; each answer is judged to the letter."""
        for start in range(0, len(rows), TOGETHER):
            part = rows[start : start + TOGETHER]
            asked = [row.question for row in part]
            with self.model.disable_adapter():
                base = self.answer(asked)
            tuned = self.answer(asked)
            for row, before, after in zip(part, base, tuned, strict=True):
                yield Answer(
                    question=row.question,
                    expected=row.answer,
                    base=before,
                    tuned=after,
                    base_correct=before == row.answer,
                    tuned_correct=after == row.answer,
                )

    def _write(self, template: Template, texts: Sequence[str]) -> list[str]:
        prompts = [self.path.prompt_ids(template, text) for text in texts]
        written = greedy(self.model, prompts, LONGEST_ANSWER, end_ids(self.tokenizer), self.path.padding)
        return [self.tokenizer.decode(ids, skip_special_tokens=True).strip() for ids in written]
