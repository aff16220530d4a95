"""[[data]]: where rows come from and how a row becomes a conversation. Several tables are read one after another, or mixed."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.config import known
from engine.config.base import Section

FormatName = Literal[
    "auto",
    "question_answer",
    "question_response",
    "alpaca",
    "instruction_response",
    "prompt_completion",
    "input_output",
    "multiple_choice",
    "messages",
    "sharegpt",
    "speakers",
    "preference",
    "paired_preference",
    "self_instruct",
    "oasst_tree",
    "oasst_message",
    "oasst_messages",
    "token_ids",
    "text",
]
TemplateName = Literal["auto", "qa", "alpaca", "plain", "chatml", "llama3", "mistral", "tokenizer", "custom"]
ColumnRole = Literal[
    "prompt",
    "context",
    "answer",
    "system",
    "messages",
    "text",
    "choices",
    "chosen",
    "rejected",
    "instances",
    "ids",
    "labels",
    "mask",
    "tools",
    "tree",
    "replies",
    "role",
    "id",
    "parent",
]
PresetName = Literal["oasst1", "oasst2", "openorca", "alpaca", "belle", "lamini_docs", "gsm8k", "c4"]
FindingName = Literal[
    "unreadable",
    "misfit",
    "missing_text",
    "empty_text",
    "exact_duplicate",
    "near_duplicate",
    "leakage",
    "role_order",
    "other_language",
    "length_outlier",
    "byte_order_mark",
    "carriage_return",
    "mojibake",
    "control_characters",
    "secret",
    "email",
]
READABLE = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow", ".txt")
"""Endings of data files; the text ones also with .gz or .zst behind."""
PACKED = (".gz", ".zst")
_SHA256 = re.compile("[0-9a-fA-F]{16,64}")


class ExcludeSection(Section):
    """Rows that a run leaves out. The data are not changed."""

    findings: Annotated[list[FindingName], known.FINDINGS] = []
    """Leave out the rows with these findings, as `luthier data --findings` names them. Of duplicates the first stays."""

    rows: Annotated[list[int], known.EXCLUDED_ROWS] = []
    """Leave out these rows, by their number from 1 as the Data screen and `luthier data` show it."""

    sha256: Annotated[str | None, known.EXCLUDED_FROM] = None
    """The file's SHA-256 (or its first 16 digits) when `rows` were chosen: another file is refused, its rows are others."""

    @model_validator(mode="after")
    def _enough_digits(self) -> ExcludeSection:
        if self.sha256 is not None and not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"`sha256` is {self.sha256!r}; write the first 16 of its hexadecimal digits, or all 64")
        return self


class DataSection(Section):
    """One source of rows."""

    path: Annotated[str, known.DATA_PATH] = ""
    """A .jsonl, .json, .csv, .tsv or .txt file (plain, .gz or .zst), a .parquet or .arrow file, a folder of such files or
    one that `datasets` saved, or the id of a dataset on the Hugging Face hub ("openai/gsm8k"). A relative path is looked
    up beside the run file."""

    preset: Annotated[PresetName | None, known.PRESET] = None
    """A well-known dataset: sets its hub id, subset, format and columns, wherever this table does not set them itself."""

    subset: Annotated[str | None, known.SUBSET] = None
    """With a hub id: the name of the configuration, for example "main"."""

    revision: Annotated[str | None, known.DATA_REVISION] = None
    """With a hub id: a commit, branch or tag. Without it the newest."""

    split: Annotated[str | None, known.DATA_SPLIT] = None
    """Which split of a folder or hub dataset to read. Without it "train", or the only one."""

    held_out: Annotated[str, known.HELD_OUT] = "auto"
    """Where held-out rows come from. "auto": from the split called validation, valid, dev, eval or test beside the one that
    is read, and where there is none they are drawn by [split]. "draw": always drawn. Otherwise the name of a split, or a
    file."""

    streaming: Annotated[bool, known.STREAMING] = False
    """With a hub id: read the rows one by one over the network instead of storing the dataset first. Needs `max_rows`."""

    weight: Annotated[float | None, known.WEIGHT] = Field(default=None, gt=0, allow_inf_nan=False)
    """Share of this source in the mixture, in any unit: 0.7 beside 0.3, or 7 beside 3. Every table has one, or none."""

    format: Annotated[FormatName, known.FORMAT] = "auto"
    """What the columns mean. "auto" decides by their names and says so."""

    columns: Annotated[dict[ColumnRole, str], known.COLUMNS] = {}
    """Names of your columns where they differ from the usual ones, for example {prompt = "frage", answer = "antwort"}.
    Roles: prompt, context, answer, system, messages, text, choices, chosen, rejected, instances, ids, labels, mask, tools,
    tree, replies, role, id, parent."""

    assistant: Annotated[str | None, known.ASSISTANT] = None
    """With format = "speakers": the name of the speaker whose turns are learned."""

    template: Annotated[TemplateName, known.TEMPLATE] = "auto"
    """How a conversation becomes text. "qa" is "### Question: … ### Answer: …", "alpaca" that of Stanford Alpaca, "chatml",
    "llama3" and "mistral" the turns of those models, "tokenizer" the chat template of the model, "plain" prompt and
    completion as they are, "custom" the keys `prompt` and `completion` below. "auto" takes the tokenizer's where it has
    one."""

    prompt: Annotated[str | None, known.PROMPT] = None
    """With template = "custom": the text that is shown, with {column} for a column. Braces are written {{ and }}."""

    completion: Annotated[str | None, known.COMPLETION] = None
    """With template = "custom": the text that is learned, with {column} for a column."""

    text_unit: Annotated[Literal["line", "paragraph", "document"], known.TEXT_UNIT] = "line"
    """What a row of a .txt file is."""

    max_rows: Annotated[int | None, known.MAX_ROWS] = Field(default=None, ge=1)
    """Take only the first N rows."""

    bad_lines: Annotated[Literal["refuse", "skip"], known.BAD_LINES] = "refuse"
    """What a training run does about lines that cannot be read: refuse to start, or skip and count them."""

    exclude: ExcludeSection = Field(default_factory=ExcludeSection)

    @model_validator(mode="after")
    def _from_somewhere(self) -> DataSection:
        if not self.path and self.preset is None:
            raise ValueError("needs a `path`, or the name of a `preset`")
        if self.streaming and self.max_rows is None:
            raise ValueError("streaming = true needs `max_rows`: how many rows the run takes from the stream")
        if self.assistant is not None and self.format not in ("auto", "speakers"):
            raise ValueError('`assistant` is read only with format = "speakers"')
        return self

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
