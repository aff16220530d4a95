"""A draft is opened by its first rows, then by all; a change does what it needs and no more."""

from __future__ import annotations

import gc
import json
import random
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.config.load import load
from engine.errors import ConfigError, DataError, LuthierError, TemplateError
from engine.service import drafting
from engine.service.draft_reading import Reading
from engine.service.jobs import Ended
from engine.service.protocol import (
    BatchFound,
    CloseDraft,
    Done,
    Draft,
    Drafted,
    FoundRow,
    Measured,
    NextRow,
    TokenBatch,
    TokenRow,
    Tokens,
)
from engine.tokens.measure import Measures
from engine.tokens.prepare import prepare
from engine.tokens.tokenizer import load_tokenizer
from tests.engine.service.drafts import Desk, rows_file, tables
from tests.tiny import run_toml


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return rows_file(tmp_path / "rows.jsonl")


@pytest.fixture
def small_sample(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(drafting, "SAMPLE_ROWS", 12)
    return 12


@pytest.fixture
def tokenized(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were tokenized, each time."""
    counts: list[int] = []
    real = Measures.measure

    def measure(self: Measures, rows: Any) -> None:
        counts.append(len(rows))
        real(self, rows)

    monkeypatch.setattr(Measures, "measure", measure)
    return counts


def kinds(answers: list[Any]) -> list[str]:
    return [
        f"{type(a).__name__.lower()} {getattr(a, 'complete', a.facts.complete if isinstance(a, Drafted) else '')}"
        for a in answers
    ]


def test_a_small_file_is_there_at_once(desk: Desk, tiny_model: Path, data: Path, tmp_path: Path) -> None:
    file = run_toml(tmp_path / "boats.toml", tiny_model, data, "[tokens]\nmax_length = 40\n")
    draft, answers = desk.open_draft(path=str(file))
    assert kinds(answers) == ["drafted True", "measured True"]
    facts, measured = answers[0].facts, answers[1]
    assert (facts.name, facts.path, facts.tokenizer) == ("boats", str(file), str(tiny_model))
    assert (facts.rows, facts.held_out, facts.max_length, facts.context, facts.weights) == (30, 2, 40, 256, True)
    assert facts.keys["tokens.max_length"] == 40
    assert facts.keys["data[0].template"] == "auto"
    assert facts.keys["train.batch_size"] == 8
    assert facts.keys["model.new_tokens"] == "auto"
    assert [(s.name, s.format, s.template, s.rows) for s in facts.sources] == [
        ("rows.jsonl", "question_answer", "qa", 30)
    ]
    prepared = prepare(load(file), load_tokenizer(tiny_model), {})
    assert (measured.seen, measured.total) == (28, 28)
    assert measured.lengths.kept == prepared.train.tokens
    assert measured.lengths.lost == prepared.train.cut_tokens
    assert {f.rule: f.rows for f in measured.findings} == dict(prepared.train.findings)
    assert [s.name for s in measured.strategies if s.current] == ["random"]
    plan = prepared.plan()
    for step in (1, plan.steps):
        batch = desk.ask(TokenBatch, BatchFound, draft=draft, step=step)
        assert (batch.fingerprint, batch.steps) == (plan.batch(step).fingerprint, plan.steps)
    assert desk.ask(TokenBatch, BatchFound, draft=draft, step=99).step == plan.steps


def test_first_the_first_rows_then_all(desk: Desk, tiny_model: Path, data: Path, small_sample: int) -> None:
    draft, answers = desk.open_draft(table=tables(tiny_model, data))
    assert kinds(answers) == ["drafted False", "measured False", "drafted True", "measured True"]
    first, sample, whole, final = answers
    assert (first.facts.rows, whole.facts.rows) == (12, 30)
    assert (sample.seen, sample.total) == (11, 11)
    assert (final.seen, final.total) == (28, 28)
    assert first.draft == whole.draft == draft
    assert desk.ask(TokenRow, Tokens, draft=draft, row=30).origin == "rows.jsonl:30"


def test_a_quick_look_at_the_first_rows_only(desk: Desk, tiny_model: Path, data: Path, small_sample: int) -> None:
    draft, answers = desk.open_draft(table=tables(tiny_model, data), exact=False)
    assert kinds(answers) == ["drafted False", "measured True"]
    with pytest.raises(DataError, match="no row 20"):
        desk.ask(TokenRow, Tokens, draft=draft, row=20)
    batch = desk.ask(TokenBatch, BatchFound, draft=draft, step=1)  # a batch is one of all rows
    assert batch.steps == 4
    assert desk.ask(TokenRow, Tokens, draft=draft, row=20).row == 20


def test_first_rows_that_are_too_few_for_the_split(desk: Desk, tiny_model: Path, data: Path, small_sample: int) -> None:
    _, answers = desk.open_draft(table=tables(tiny_model, data, split={"test_size": 15}))
    assert kinds(answers) == ["drafted True", "measured True"]
    assert answers[0].facts.held_out == 15


CUT_OTHERWISE: list[dict[str, Any]] = [
    {"tokens__max_length": 40},
    {"tokens__max_length": 30, "tokens__truncation": "split"},
    {"tokens__packing": "bfd"},
    {"tokens__padding_side": "left"},
    {"train__batch_size": 3, "train__shuffle": False},
    {"tokens__refused_rows": "skip"},
]


@pytest.mark.parametrize("changes", CUT_OTHERWISE)
def test_cutting_otherwise_tokenizes_nothing(
    desk: Desk, tiny_model: Path, data: Path, tokenized: list[int], changes: dict[str, Any]
) -> None:
    draft, _ = desk.open_draft(table=tables(tiny_model, data))
    tokenized.clear()
    answers = desk.change(draft, **changes)
    assert kinds(answers) == ["drafted True", "measured True"]
    assert tokenized == []
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    assert dotted.items() <= answers[0].facts.keys.items()
    fresh = Desk()
    number, others = fresh.open_draft(table=tables(tiny_model, data), changes=dotted)
    assert [replace(answer, id=0) for answer in others] == [replace(answer, id=0) for answer in answers]
    for step in (1, 2):
        batch = fresh.ask(TokenBatch, BatchFound, draft=number, step=step)
        assert batch == desk.ask(TokenBatch, BatchFound, draft=draft, step=step)


@pytest.mark.parametrize("key", ["tokens__supervise", "tokens__train_on_eos", "data[0]__template", "split__test_size"])
def test_other_changes_tokenize_again(
    desk: Desk, tiny_model: Path, data: Path, tokenized: list[int], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = {"tokens__supervise": "all", "tokens__train_on_eos": False, "data[0]__template": "chatml"}.get(key, 5)
    draft, before = desk.open_draft(table=tables(tiny_model, data))
    tokenized.clear()
    monkeypatch.setattr(Reading, "_read", lambda self: pytest.fail("the file was read again"))
    answers = desk.change(draft, **{key: value})
    assert kinds(answers) == ["drafted True", "measured True"]
    assert sum(tokenized) == answers[1].total
    assert answers[1].lengths != before[1].lengths


def test_new_tokens_belong_to_one_state(desk: Desk, tiny_model: Path, data: Path) -> None:
    draft, answers = desk.open_draft(table=tables(tiny_model, data))
    size = answers[0].facts.vocabulary
    added = desk.change(draft, **{"model.new_tokens": ["<|salt|>"]})[0].facts
    assert (added.new_tokens, added.vocabulary) == (["<|salt|>"], size + 1)
    assert any("<|salt|>" in note for note in added.notes)
    back = desk.change(draft)[0].facts
    assert (back.new_tokens, back.vocabulary, back.notes) == ([], size, [])


def test_another_source_is_read(desk: Desk, tiny_model: Path, data: Path, tmp_path: Path) -> None:
    draft, _ = desk.open_draft(table=tables(tiny_model, data))
    other = rows_file(tmp_path / "other.jsonl", 9)
    answers = desk.change(draft, **{"data[0].path": str(other)})
    assert answers[0].facts.rows == 9
    answers = desk.change(draft, **{"data[0].max_rows": 4})
    assert answers[0].facts.rows == 4


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"tokens.max_length": 2}, ConfigError),
        ({"tokens.max_length": 9999}, DataError),
        ({"tokens.packing": "wrapped"}, ConfigError),
        ({"data[0].template": "tokenizer"}, TemplateError),
        ({"data[0].path": "nowhere.jsonl"}, DataError),
        ({"model.path": "nowhere"}, LuthierError),
        ({"model.chat_template": "nowhere.jinja"}, ConfigError),
    ],
)
def test_a_change_that_fails_leaves_the_draft_as_it_was(
    desk: Desk, tiny_model: Path, data: Path, changes: dict[str, Any], error: type[LuthierError]
) -> None:
    draft, _ = desk.open_draft(table=tables(tiny_model, data))
    before = desk.ask(TokenRow, Tokens, draft=draft, row=3), desk.ask(TokenBatch, BatchFound, draft=draft, step=2)
    with pytest.raises(error):
        desk.ask(Draft, Measured, draft=draft, changes=changes)
    after = desk.ask(TokenRow, Tokens, draft=draft, row=3), desk.ask(TokenBatch, BatchFound, draft=draft, step=2)
    assert before == after
    assert desk.change(draft)[0].facts.max_length == 256


def test_a_chat_template_that_is_edited_is_read_again(desk: Desk, tiny_model: Path, data: Path, tmp_path: Path) -> None:
    jinja = tmp_path / "own.jinja"
    text = "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}"
    text += "{% if add_generation_prompt %}assistant: {% endif %}"
    jinja.write_text(text)
    draft, _ = desk.open_draft(table=tables(tiny_model, data))
    changes = {"model.chat_template": str(jinja), "data[0].template": "tokenizer"}
    desk.change(draft, **changes)
    assert desk.ask(TokenRow, Tokens, draft=draft, row=1).text.startswith("user: What")
    jinja.write_text(text.replace(": ", " says "))
    desk.change(draft, **changes)
    assert desk.ask(TokenRow, Tokens, draft=draft, row=1).text.startswith("user says What")


@pytest.mark.parametrize("in_folder", [False, True])
def test_data_that_is_edited_is_read_again(desk: Desk, tiny_model: Path, tmp_path: Path, in_folder: bool) -> None:
    file = rows_file((tmp_path / "rows.jsonl"), 30)
    draft, _ = desk.open_draft(table=tables(tiny_model, tmp_path if in_folder else file))
    assert "boat 0 " in desk.ask(TokenRow, Tokens, draft=draft, row=1).text
    rows = file.read_text().splitlines(keepends=True)
    file.write_text("".join(rows[5:]))
    drafted, measured = desk.change(draft, tokens__max_length=64)
    assert (drafted.facts.rows, measured.complete) == (25, True)
    assert "boat 5 " in desk.ask(TokenRow, Tokens, draft=draft, row=1).text
    file.unlink()
    with pytest.raises(DataError):
        desk.change(draft, tokens__max_length=32)
    assert "boat 5 " in desk.ask(TokenRow, Tokens, draft=draft, row=1).text, "what was read stays"


def test_walking_through_a_finding(desk: Desk, tiny_model: Path, data: Path) -> None:
    draft, answers = desk.open_draft(table=tables(tiny_model, data, tokens={"max_length": 45}))
    found = next(f for f in answers[1].findings if f.rule == "answer_cut")
    walked, row = [], 0
    for place in range(1, found.rows + 1):
        answer = desk.ask(NextRow, FoundRow, draft=draft, rule="answer_cut", row=row)
        assert (answer.place, answer.of) == (place, found.rows)
        walked.append(row := answer.row)
        assert "answer_cut" in desk.ask(TokenRow, Tokens, draft=draft, row=row).findings
    assert walked == found.examples[: len(walked)]
    assert desk.ask(NextRow, FoundRow, draft=draft, rule="answer_cut", row=row).row == walked[0]
    assert desk.ask(NextRow, FoundRow, draft=draft, rule="answer_cut", row=walked[0], backwards=True).row == walked[-1]
    assert desk.ask(NextRow, FoundRow, draft=draft, rule="answer_cut", row=walked[1], backwards=True).row == walked[0]
    assert desk.ask(NextRow, FoundRow, draft=draft, rule="double_bos", row=1).row == 0
    with pytest.raises(DataError, match="no finding 'salt'"):
        desk.ask(NextRow, FoundRow, draft=draft, rule="salt", row=1)


def test_rows_that_a_template_refuses_are_shown(desk: Desk, tiny_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "talks.jsonl"
    turns = [("user", "Who?"), ("assistant", "I."), ("user", "And?"), ("assistant", "You.")]
    rows = [{"messages": [{"role": r, "content": c} for r, c in turns[:n]]} for n in (2, 4, 2)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    draft, answers = desk.open_draft(table=tables(tiny_model, file, split={"test_size": 0}))
    assert [(f.rule, f.examples) for f in answers[1].findings] == [("template_refused", [2])]
    row = desk.ask(TokenRow, Tokens, draft=draft, row=2)
    assert (row.state, row.tokens) == ("refused", [])
    assert "one question and one answer" in row.problem
    assert desk.ask(TokenBatch, BatchFound, draft=draft, step=1).tokens > 0


def test_without_a_sequence_there_is_no_batch(desk: Desk, tiny_model: Path, data: Path) -> None:
    draft, answers = desk.open_draft(table=tables(tiny_model, data, tokens={"max_length": 8, "truncation": "drop"}))
    assert answers[1].lengths.sequences == 0
    assert answers[1].lengths.lost == answers[1].lengths.tokens
    with pytest.raises(DataError, match="no batches"):
        desk.ask(TokenBatch, BatchFound, draft=draft, step=1)


def test_a_newer_request_ends_an_older_one(
    desk: Desk, tiny_model: Path, data: Path, small_sample: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older one waits for the reading; the newer one goes on with what it began, and the file is read once."""
    reading, go_on, reads = threading.Event(), threading.Event(), []
    real = Reading._read

    def slow(self: Reading) -> None:
        reads.append(self)
        reading.set()
        go_on.wait(10)
        real(self)

    monkeypatch.setattr(Reading, "_read", slow)
    ended: list[BaseException] = []

    def older() -> None:
        try:
            desk.ask(Draft, Measured, table=tables(tiny_model, data))
        except Ended as error:
            ended.append(error)

    thread = threading.Thread(target=older)
    thread.start()
    assert reading.wait(10)
    draft = next(a.draft for a in desk.channel.said if isinstance(a, Drafted))
    newer: list[Any] = []
    second = threading.Thread(target=lambda: newer.extend(desk.change(draft, tokens__max_length=30)))
    second.start()
    thread.join(10)
    assert len(ended) == 1
    go_on.set()
    second.join(10)
    assert [answer.facts.complete for answer in newer if isinstance(answer, Drafted)][-1]
    assert newer[-1].lengths.max_length == 30
    assert newer[-1].total == 28
    assert len(reads) == 1


def test_a_tokenizer_without_weights_can_be_looked_at(desk: Desk, tiny_model: Path, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tiny_model / name).read_bytes())
    draft, answers = desk.open_draft(table=tables(folder, data))
    facts = answers[0].facts
    assert (facts.weights, facts.context, facts.max_length) == (False, None, 1024)
    assert "no weights in this folder" in facts.notes[0]
    assert desk.ask(TokenRow, Tokens, draft=draft, row=1).total > 10


def test_what_was_left_out_is_noted(desk: Desk, tiny_model: Path, tmp_path: Path) -> None:
    data = rows_file(tmp_path / "rows.jsonl", 12)
    with data.open("a") as file:
        file.write('{"question": "torn\n' + json.dumps({"question": "Who?", "answer": "  "}) + "\n")
    table = tables(tiny_model, data)
    with pytest.raises(DataError, match=r"rows.jsonl:13"):
        desk.ask(Draft, Measured, table=table)
    table["data"][0] |= {"bad_lines": "skip", "exclude": {"rows": [2]}}
    notes = desk.open_draft(table=table)[1][0].facts.notes
    assert notes == [
        "rows.jsonl: 1 line skipped (rows.jsonl:13)",
        "rows.jsonl: 1 row left out: with an empty answer",
        "rows.jsonl: 1 row left out by the run file (by number)",
    ]


def test_a_closed_draft_is_forgotten(desk: Desk, tiny_model: Path, data: Path) -> None:
    draft, _ = desk.open_draft(table=tables(tiny_model, data))
    desk.ask(TokenBatch, BatchFound, draft=draft, step=1)
    desk.ask(TokenRow, Tokens, draft=draft, row=1)
    rows = weakref.ref(desk.sources.drafts.look(draft).laid.path)
    gc.disable()
    try:
        desk.ask(CloseDraft, Done, draft=draft)
        assert rows() is None  # without a search for cycles: nobody holds its rows in a circle
    finally:
        gc.enable()
    with pytest.raises(DataError, match="no open draft 1"):
        desk.ask(TokenRow, Tokens, draft=draft, row=1)


POSSIBLE: dict[str, list[Any]] = {
    "tokens.max_length": [24, 48, 60, 256, None],
    "tokens.truncation": ["left", "split", "drop", None],
    "tokens.packing": ["bfd", None],
    "tokens.padding_side": ["left", None],
    "tokens.supervise": ["all", "last", None],
    "tokens.train_on_eos": [False, None],
    "data[0].template": ["chatml", "alpaca", "qa"],
    "data[1].template": ["chatml", "alpaca", "qa"],
    "data[1].max_rows": [5, None],
    "data[0].weight": [0.3, None],
    "split.test_size": [3, 0, None],
    "model.new_tokens": [["<|salt|>"], [], None],
    "train.batch_size": [2, 5, None],
}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_was_changed_before_it_is_as_if_opened_anew(
    tiny_model: Path, tmp_path: Path, small_sample: int, seed: int
) -> None:
    chosen = random.Random(seed)
    table = tables(tiny_model, rows_file(tmp_path / "rows.jsonl", 30))
    table["data"].append({"path": str(rows_file(tmp_path / "more.jsonl", 10)), "template": "qa"})
    desk, changes = Desk(), dict[str, Any]()
    draft, _ = desk.open_draft(table=table)
    for _ in range(12):
        key = chosen.choice(list(POSSIBLE))
        changes[key] = chosen.choice(POSSIBLE[key])
        if "data[0].weight" in changes:
            changes["data[1].weight"] = changes["data[0].weight"]
        fresh = Desk()
        expected, said = outcome(fresh, table=table, changes=dict(changes))
        found, told = outcome(desk, draft=draft, changes=dict(changes))
        assert (found is None, told) == (expected is None, said)
        if found is None or expected is None:
            continue
        assert found == expected
        row = chosen.randint(1, 35)
        assert desk.ask(TokenRow, Tokens, draft=draft, row=row) == fresh.ask(TokenRow, Tokens, draft=1, row=row)
        assert batch_or_error(desk, draft) == batch_or_error(fresh, 1)


def outcome(desk: Desk, **fields: Any) -> tuple[list[Any] | None, str]:
    """(the last `drafted` and `measured`, ""), or (None, why not)."""
    try:
        answers = desk.open_draft(**fields)[1]
    except LuthierError as error:
        return None, str(error)
    last = [next(a for a in reversed(answers) if isinstance(a, kind)) for kind in (Drafted, Measured)]
    return [replace(answer, id=0) for answer in last], ""


def batch_or_error(desk: Desk, draft: int) -> Any:
    """A batch, or why there is none."""
    try:
        return desk.ask(TokenBatch, BatchFound, draft=draft, step=2)
    except DataError as error:
        return str(error)
