"""What is asked beside the rows of a draft."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import DataError, ModelError
from engine.service.protocol import (
    Compare,
    Compared,
    Draft,
    Measured,
    Parity,
    ParityFound,
    Pieces,
    Resplit,
    SplitText,
    TemplateFound,
    TemplateText,
    TokenRow,
    Tokens,
    Vocabulary,
)
from tests.engine.service.drafts import Desk, rows_file, tables
from tests.tiny import make_model


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return rows_file(tmp_path / "rows.jsonl")


@pytest.fixture
def desk(tiny_model: Path, data: Path) -> Desk:
    """With draft 1 open."""
    one = Desk()
    one.open_draft(table=tables(tiny_model, data))
    return one


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer that adds no BOS."""
    return make_model(tmp_path_factory.mktemp("other") / "model", bos=False)


def test_two_tokenizers(desk: Desk, other: Path) -> None:
    found = desk.ask(Compare, Compared, draft=1, other=str(other), rows=10)
    assert found.rows == 10
    assert sum(fact.rows for fact in found.languages) == 10
    assert all(fact.tokens == fact.other_tokens > 0 for fact in found.languages)
    assert found.vocabulary == found.other_vocabulary
    everything = desk.ask(Compare, Compared, draft=1, other=str(other), rows=500)
    assert everything.rows == 30
    with pytest.raises(ModelError, match="no tokenizer"):
        desk.ask(Compare, Compared, draft=1, other=str(other.parent))


def test_a_row_and_a_typed_text_through_two_tokenizers(desk: Desk, other: Path) -> None:
    row = desk.ask(TokenRow, Tokens, draft=1, row=3)
    ours = desk.ask(Resplit, SplitText, draft=1, row=3)
    theirs = desk.ask(Resplit, SplitText, draft=1, row=3, tokenizer=str(other))
    assert ours.text == theirs.text == row.text
    assert [t.id for t in ours.tokens] == [t.id for t in row.tokens[:-1]]  # the end token is ours, not the tokenizer's
    assert [t.id for t in theirs.tokens] == [t.id for t in row.tokens[1:-1]]
    some = desk.ask(Resplit, SplitText, draft=1, row=3, count=4)
    assert (len(some.tokens), some.total) == (4, ours.total)
    assert some.text == row.text[: some.tokens[-1].end]
    typed = desk.ask(Resplit, SplitText, draft=1, text="lamp 🙂")
    assert (typed.tokens[0].piece, typed.text) == ("<s>", "lamp 🙂")
    with pytest.raises(DataError, match="no row 31"):
        desk.ask(Resplit, SplitText, draft=1, row=31)
    with pytest.raises(ModelError):
        desk.ask(Resplit, SplitText, draft=1, text="x", tokenizer="/nowhere")


def test_a_tokenizer_that_changed_on_disk_is_loaded_again(desk: Desk, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "third")
    before = desk.ask(Resplit, SplitText, draft=1, text="lamp", tokenizer=str(folder))
    state = json.loads((folder / "tokenizer.json").read_text())
    state["post_processor"] = None
    (folder / "tokenizer.json").write_text(json.dumps(state))
    after = desk.ask(Resplit, SplitText, draft=1, text="lamp", tokenizer=str(folder))
    assert [t.id for t in before.tokens[1:]] == [t.id for t in after.tokens]


def test_entries_of_the_vocabulary_with_the_new_tokens(desk: Desk) -> None:
    found = desk.ask(Vocabulary, Pieces, draft=1, pattern="<|im", count=1)
    assert (found.matches, len(found.pieces), found.start) == (2, 1, 0)
    size = found.size
    desk.change(1, **{"model.new_tokens": ["<|salt|>"]})
    found = desk.ask(Vocabulary, Pieces, draft=1, pattern="salt|")
    assert [piece.id for piece in found.pieces] == [size]
    assert found.size == size + 1


def test_parity_of_a_row(desk: Desk) -> None:
    found = desk.ask(Parity, ParityFound, draft=1, row=2)
    assert [(fact.against, fact.equal) for fact in found.comparisons] == [("this template", True)]
    with pytest.raises(DataError, match="no row 0"):
        desk.ask(Parity, ParityFound, draft=1, row=0)


def test_a_template_comes_back_as_it_was(desk: Desk) -> None:
    before = desk.ask(TokenRow, Tokens, draft=1, row=2)
    found = desk.ask(TemplateText, TemplateFound, draft=1, source=0)
    assert (found.name, found.kind) == ("qa", "custom")
    changes = {"data[0].template": "custom", "data[0].prompt": found.prompt, "data[0].completion": found.completion}
    desk.change(1, **changes)
    after = desk.ask(TokenRow, Tokens, draft=1, row=2)
    assert (after.text, [t.id for t in after.tokens]) == (before.text, [t.id for t in before.tokens])
    assert [t.mark for t in after.tokens] == [t.mark for t in before.tokens]
    desk.change(1, **{"data[0].template": "chatml"})
    jinja = desk.ask(TemplateText, TemplateFound, draft=1, source=0)
    assert (jinja.name, jinja.kind) == ("chatml", "jinja")
    assert "<|im_start|>" in jinja.jinja
    with pytest.raises(DataError, match="has 1 sources"):
        desk.ask(TemplateText, TemplateFound, draft=1, source=1)


def test_rows_that_come_as_tokens(tiny_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "ids.jsonl"
    file.write_text((json.dumps({"input_ids": [20, 21, 22], "labels": [20, 21, 22]}) + "\n") * 4)
    table = tables(tiny_model, file, split={"test_size": 0})
    del table["data"][0]["template"]
    desk = Desk()
    assert desk.ask(Draft, Measured, table=table).lengths is not None
    assert desk.ask(TemplateText, TemplateFound, draft=1, source=0).kind == "none"
    with pytest.raises(DataError, match="comes as tokens"):
        desk.ask(Resplit, SplitText, draft=1, row=1)
    with pytest.raises(DataError, match="comes as tokens"):
        desk.ask(Parity, ParityFound, draft=1, row=1)
