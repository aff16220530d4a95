"""[[data]]: where rows come from and how a row becomes a conversation. Several tables are read one after another."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from engine.config.base import Section

FormatName = Literal[
    "auto",
    "question_answer",
    "question_response",
    "alpaca",
    "instruction_response",
    "prompt_completion",
    "input_output",
    "messages",
    "sharegpt",
    "preference",
    "paired_preference",
    "self_instruct",
    "oasst_tree",
    "oasst_message",
    "text",
]
TemplateName = Literal["auto", "qa", "alpaca", "chatml", "tokenizer", "plain", "custom"]
ColumnRole = Literal["prompt", "context", "answer", "system", "messages", "text"]


class DataSection(Section):
    """One source of rows."""

    path: str = Field(min_length=1)
    """A .jsonl, .json, .csv, .tsv or .txt file (plain or .gz), a .parquet or .arrow file, or a folder that `datasets` saved.
    A relative path is looked up beside the run file."""

    format: FormatName = "auto"
    """What the columns mean. "auto" decides by their names and says so."""

    columns: dict[ColumnRole, str] = {}
    """Names of your columns where they differ from the usual ones, for example {prompt = "frage", answer = "antwort"}.
    Roles: prompt, context, answer, system, messages, text."""

    template: TemplateName = "auto"
    """How a conversation becomes text. "qa" is "### Question: … ### Answer: …", "tokenizer" the chat template of the
    model, "plain" prompt and completion as they are, "custom" the keys `prompt` and `completion` below. "auto" takes the
    tokenizer's where it has one."""

    prompt: str | None = None
    """With template = "custom": the text that is shown, with {column} for a column. Braces are written {{ and }}."""

    completion: str | None = None
    """With template = "custom": the text that is learned, with {column} for a column."""

    text_unit: Literal["line", "paragraph", "document"] = "line"
    """What a row of a .txt file is."""

    max_rows: int | None = Field(default=None, ge=1)
    """Take only the first N rows."""

    bad_lines: Literal["refuse", "skip"] = "refuse"
    """What a training run does about lines that cannot be read: refuse to start, or skip and count them."""

    @model_validator(mode="after")
    def _custom_needs_both(self) -> DataSection:
        if self.template == "custom" and (self.prompt is None or self.completion is None):
            raise ValueError('template = "custom" needs both `prompt` and `completion`, with {column} for a column')
        if self.template == "custom" and (self.format != "auto" or self.columns):
            raise ValueError(
                '`format` and `columns` are not read with template = "custom", which names its columns itself'
            )
        if self.template != "custom" and (self.prompt is not None or self.completion is not None):
            raise ValueError('`prompt` and `completion` are read only with template = "custom"')
        return self
