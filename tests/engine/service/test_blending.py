"""Mixtures and splits, counted by what a run would take."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.config.sections import data_section
from engine.config.tokens import SplitSection
from engine.data.source import read_source
from engine.data.split import Part, divide
from engine.errors import ConfigError, DataError
from engine.service import examining
from engine.service.kept import Kept
from engine.service.protocol import Divide, Divided, Interpret, Mix, Mixed, Opened
from tests.engine.service.talk import Talk


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files; the same topics stand in both."""
    paths = []
    for name, count in (("large", 90), ("small", 30)):
        rows = [{"question": f"{name} {i}?", "answer": f"{name} {i}.", "topic": i % 12} for i in range(count)]
        rows[5]["answer"] = " "
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        paths.append(path)
    return paths


def test_the_table_of_a_mixture(talk: Talk, files: list[Path]) -> None:
    numbers = [talk.open(path).number for path in files]
    mixed = talk.ask(Mix, Mixed, sources=numbers, weights=[1, 1], budget=100)
    assert (mixed.budget, mixed.estimated) == (100, False)
    assert [(row.source, row.name, row.rows, row.drawn, row.weight) for row in mixed.rows] == [
        (1, "large.jsonl", 89, 50, 0.5),
        (2, "small.jsonl", 29, 50, 0.5),
    ]
    assert [(row.repeated, row.unseen) for row in mixed.rows] == [(0, 39), (21, 0)]
    once = talk.ask(Mix, Mixed, sources=numbers, weights=[0, 0])
    assert once.budget == 118
    assert [(row.drawn, row.epochs) for row in once.rows] == [(89, 1), (29, 1)]


def test_tokens_of_a_mixture(talk: Talk, files: list[Path], tiny_model: Path) -> None:
    numbers = [talk.open(path).number for path in files]
    mixed = talk.ask(Mix, Mixed, sources=numbers, weights=[3, 1], tokenizer=str(tiny_model))
    assert not mixed.estimated
    assert all(row.tokens for row in mixed.rows)
    assert sum(row.token_share or 0 for row in mixed.rows) == pytest.approx(1)


@pytest.mark.parametrize(
    ("weights", "message"), [([1.0], "2 sources and 1 weights"), ([1.0, -1.0], "below 0"), ([1.0, 0.0], "never drawn")]
)
def test_weights_that_mean_nothing(talk: Talk, files: list[Path], weights: list[float], message: str) -> None:
    numbers = [talk.open(path).number for path in files]
    with pytest.raises(DataError, match=message):
        talk.ask(Mix, Mixed, sources=numbers, weights=weights)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize("group_by", [None, "topic"])
@pytest.mark.parametrize("size", [0.1, 7])
def test_a_split_is_what_a_run_does(
    talk: Talk, files: list[Path], size: float, group_by: str | None, stratify: bool, shuffle: bool
) -> None:
    keys = {"test_size": size, "seed": 3, "stratify": stratify, "shuffle": shuffle}
    keys |= {"group_by": group_by} if group_by else {}
    numbers = [talk.open(path).number for path in files]
    divided = talk.ask(Divide, Divided, sources=numbers, split=keys)
    parts = [Part(read_source(data_section({"path": str(path)})).conversations) for path in files]
    _, test = divide(parts, SplitSection.model_validate(keys))
    everything = [c for part in parts for c in part.conversations]
    expected = Counter(everything[index].origin.partition(":")[0] for index in test)
    assert [(row.name, row.held_out) for row in divided.rows] == [(path.name, expected[path.name]) for path in files]
    assert [row.train + row.held_out for row in divided.rows] == [89, 29]
    assert [row.groups for row in divided.rows] == ([12, 12] if group_by else [None, None])


def test_held_out_rows_that_a_source_brings(talk: Talk, files: list[Path]) -> None:
    source = talk.open(files[0], held_out=str(files[1]))
    (row,) = talk.ask(Divide, Divided, sources=[source.number]).rows
    assert (row.train, row.held_out) == (89, 30)
    assert "small.jsonl" in row.note


def test_splits_that_cannot_be(talk: Talk, files: list[Path]) -> None:
    source = talk.open(files[0])
    with pytest.raises(DataError, match="no column 'author'"):
        talk.ask(Divide, Divided, sources=[source.number], split={"group_by": "author"})
    with pytest.raises(DataError, match="leaves none to train on"):
        talk.ask(Divide, Divided, sources=[source.number], split={"test_size": 500})
    with pytest.raises(ConfigError, match=r"\[split\]: unknown key `split.sise`"):
        talk.ask(Divide, Divided, sources=[source.number], split={"sise": 1})
    with pytest.raises(DataError, match="Name at least one"):
        talk.ask(Divide, Divided, sources=[])


def test_a_count_under_other_keys_is_not_kept(talk: Talk, files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    source = talk.open(files[0])
    count = examining.count_kept

    def meanwhile(*args: Any) -> Kept:
        found = count(*args)
        talk.ask(Interpret, Opened, source=source.number, section={"path": str(files[0]), "max_rows": 5})
        return found

    monkeypatch.setattr(examining, "count_kept", meanwhile)
    talk.ask(Mix, Mixed, sources=[source.number], weights=[1.0])
    monkeypatch.undo()
    assert talk.ask(Mix, Mixed, sources=[source.number], weights=[1.0]).rows[0].rows == 5


def test_conversations_of_many_rows_are_counted_as_a_run_counts_them(talk: Talk, tmp_path: Path) -> None:
    path = tmp_path / "tree.jsonl"
    said = [("prompter", None), ("assistant", 0), ("prompter", 1), ("assistant", 2), ("assistant", 0)]
    path.write_text(
        "".join(
            json.dumps({"message_id": i, "parent_id": of, "role": role, "text": f"text {i}"}) + "\n"
            for i, (role, of) in enumerate(said)
        )
    )
    source = talk.open(path, format="oasst_messages")
    (row,) = talk.ask(Mix, Mixed, sources=[source.number], weights=[1.0]).rows
    assert (
        row.rows == len(read_source(data_section({"path": str(path), "format": "oasst_messages"})).conversations) == 2
    )
