"""The run file: everything that decides what a run does, in one declaration.

The command-line overrides, the JSON Schema, the docs and the form are derived from these models. A key that no
code reads fails a test.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from engine.config.agreement import refuse_disagreement
from engine.config.base import Section
from engine.config.data import DataSection
from engine.config.lora import LoraSection, QuantizationSection
from engine.config.model import ModelSection
from engine.config.tokens import SplitSection, TokensSection
from engine.config.track import TrackSection
from engine.config.train import EvalSection, TrainSection

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class RunFile(Section):
    """A run, whole."""

    name: str = Field(default="run", pattern=NAME_PATTERN)
    """Name of the run; its directory is the name with a number. Without it: the name of the run file. Letters, digits,
    dot, dash, underscore."""

    model: ModelSection
    data: list[DataSection] = Field(min_length=1)
    tokens: TokensSection = Field(default_factory=TokensSection)
    split: SplitSection = Field(default_factory=SplitSection)
    quantization: QuantizationSection = Field(default_factory=QuantizationSection)
    lora: LoraSection = Field(default_factory=LoraSection)
    train: TrainSection = Field(default_factory=TrainSection)
    eval: EvalSection = Field(default_factory=EvalSection)
    track: TrackSection = Field(default_factory=TrackSection)

    @model_validator(mode="after")
    def _sections_agree(self) -> RunFile:
        refuse_disagreement(self.model, self.quantization, self.lora, self.train, self.eval)
        weighted = [source.weight is not None for source in self.data]
        if any(weighted) and not all(weighted):
            raise ValueError(
                f"data[{weighted.index(False)}] has no `weight`, and another source has one; give each source one, or none"
            )
        drawn = all(source.held_out in ("auto", "draw") for source in self.data)
        if self.split.test_size == 0 and drawn and self.eval.max_rows is not None:
            raise ValueError("eval.max_rows is not read with split.test_size = 0: no rows are held out")
        if self.split.test_size == 0 and drawn and (self.train.early_stopping or self.train.result == "best"):
            asked = "train.early_stopping" if self.train.early_stopping else 'train.result = "best"'
            raise ValueError(f"{asked} needs an evaluation loss, and with split.test_size = 0 no rows are held out")
        return self
