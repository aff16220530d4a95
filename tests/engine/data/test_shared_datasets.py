"""Every real dataset beside the checkout: its format, its rows, its conversations; no exception, no row lost silently."""

from __future__ import annotations

import csv

import pytest

from engine.config.data import DataSection
from engine.data.open import open_table
from engine.data.rows import Row
from engine.data.survey import survey
from tests.shared import DATA, needs_shared

FORMATS = {
    "datasets/self_instruct/seed_tasks.jsonl": "self_instruct",
    "datasets/llama_factory/alpaca_en_demo.json": "alpaca",
    "datasets/llama_factory/alpaca_zh_demo.json": "alpaca",
    "datasets/llama_factory/identity.json": "alpaca",
    "datasets/llama_factory/glaive_toolcall_en_demo.json": "sharegpt",
    "datasets/llama_factory/c4_demo.jsonl": "text",
    "datasets/medicalgpt/": "sharegpt",
    "datasets/oasst/en_100_tree.jsonl": "oasst_tree",
    "datasets/oasst/en_100_message.jsonl": "oasst_message",
    "datasets/lamini/": "question_answer",
    "datasets/gsm8k/": "question_answer",
    "datasets/fastchat/": "sharegpt",
    "datasets/axolotl_fixtures/conversation.json": "sharegpt",
    "datasets/axolotl_fixtures/conversation.missingturns.json": "sharegpt",
    "datasets/axolotl_fixtures/conversation.tokenized": "token_ids",
    "datasets/torchtune_fixtures/alpaca_tiny.json": "alpaca",
    "datasets/torchtune_fixtures/stack_exchange_paired_tiny.json": "paired_preference",
    "datasets/torchtune_fixtures/chat_tiny.json": "sharegpt",
    "datasets/torchtune_fixtures/instruct_tiny.json": "instruction_response",
    "datasets/torchtune_fixtures/hh_rlhf_tiny.json": "preference",
    "datasets/columnar/mmlu_dev_hf_save_to_disk/data-": "multiple_choice",
    "datasets/t0_train_50k_per_template/": "prompt_completion",
}
NO_ROWS_TO_TRAIN = {"dataset_info.json", "state.json", "lap_times_10000.parquet"}
"""Descriptions of datasets, and a table of numbers: they are browsed, and have no format."""


def expected(name: str) -> str:
    if name.rpartition("/")[2] in NO_ROWS_TO_TRAIN:
        return ""
    return next((form for prefix, form in FORMATS.items() if name.startswith(prefix)), "text")


def files() -> list[tuple[str, int]]:
    """(file, rows): the manifest counts the keys of JSON objects, which are one row each, and newlines of texts."""
    with (DATA / "MANIFEST.tsv").open() as manifest:
        rows = [row for row in csv.DictReader(manifest, delimiter="\t") if row["file"].startswith("datasets/")]
    counted = []
    for row in rows:
        count = 1 if row["format"] == "JSON object" else int(row["records"])
        if row["format"] == "text" and not (DATA / row["file"]).read_bytes().endswith(b"\n"):
            count += 1
        counted.append((row["file"], count))
    return counted


@needs_shared
@pytest.mark.parametrize("part", range(4))
def test_every_file_is_read_whole(part: int) -> None:
    for name, count in files()[part::4]:
        section = DataSection(path=str(DATA / name))
        table = open_table(section)
        reading, facts = survey(table, section)
        rows = [record for record in table.scan() if isinstance(record, Row)]
        assert (facts.format, len(rows), table.known, table.problem) == (expected(name), count, count, ""), name
        assert bool(facts.problem) == (not facts.format), name
        if facts.format:
            converted = reading.convert_all(rows)
            assert converted.misfits == [], name
            origins = {conversation.origin for conversation in converted.conversations}
            assert origins == {row.origin for row in rows}, name
        table.close()
