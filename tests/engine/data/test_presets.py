"""Presets fill what a table leaves open, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from engine.config.data import ColumnRole, DataSection, PresetName
from engine.config.hub_id import looks_like_hub_id
from engine.data.formats import FORMATS
from engine.data.presets import PRESETS, apply_preset
from engine.errors import ConfigError


def applied(**keys: Any) -> DataSection:
    return apply_preset(DataSection(**keys))


def test_every_preset_of_the_run_file_is_one_of_the_registry() -> None:
    assert set(PRESETS) == set(PresetName.__args__)
    for preset in PRESETS.values():
        assert looks_like_hub_id(preset.hub_id)
        assert preset.format in FORMATS
        assert set(preset.columns) <= set(ColumnRole.__args__)
        assert preset.about.endswith(".")
        assert preset.rows > 0
        assert preset.licence


def test_a_preset_says_where_and_how() -> None:
    found = applied(preset="gsm8k")
    assert (found.path, found.subset, found.split, found.format) == ("openai/gsm8k", "main", "train", "question_answer")
    assert apply_preset(found) == found, "a resolved run file gives the same"


def test_what_the_table_says_stays() -> None:
    found = applied(
        preset="gsm8k", subset="socratic", split="test", format="input_output", columns={"prompt": "question"}
    )
    assert (found.subset, found.split, found.format) == ("socratic", "test", "input_output")
    assert found.columns == {"prompt": "question"}
    assert applied(preset="alpaca", columns={"answer": "o"}).columns == {"answer": "o"}
    assert applied(path="x.jsonl") == DataSection(path="x.jsonl")


def test_a_local_copy_gets_format_and_columns_only() -> None:
    found = applied(preset="gsm8k", path="/data/gsm8k.jsonl")
    assert (found.path, found.subset, found.split, found.format) == ("/data/gsm8k.jsonl", None, None, "question_answer")
    custom = applied(preset="gsm8k", template="custom", prompt="{question}", completion="{answer}")
    assert (custom.path, custom.format) == ("openai/gsm8k", "auto")


def test_what_is_too_large_has_to_be_streamed() -> None:
    with pytest.raises(ConfigError, match=r"305 GB\. Set streaming = true and max_rows"):
        applied(preset="c4")
    found = applied(preset="c4", streaming=True, max_rows=1000)
    assert (found.path, found.subset, found.format) == ("allenai/c4", "en", "text")
    assert applied(preset="c4", path="/data/c4.jsonl").format == "text"
