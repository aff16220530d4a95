"""What is remembered of rows says the same as tokenizing and cutting them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.config.runfile import RunFile
from engine.tokens.examples import Examples
from engine.tokens.finding_facts import finding_facts
from engine.tokens.findings import RULES
from engine.tokens.length_facts import length_facts
from engine.tokens.measure import Fetched, Measures
from engine.tokens.prepare import Laid, lay_out, prepare
from engine.tokens.strategies import strategies, strategies_of
from engine.tokens.tokenizer import load_tokenizer

WORDS = st.text(alphabet="abc de 漢字 🙂 ñ\n", max_size=30)
ROWS = st.lists(
    st.lists(st.tuples(WORDS.filter(str.strip), WORDS), min_size=1, max_size=4),
    min_size=2,
    max_size=8,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny import make_model

    return make_model(tmp_path_factory.mktemp("model"))


def laid(folder: Path, data: Path, rows: list[Any], **tokens: Any) -> Laid:
    with data.open("w") as file:
        for turns in rows:
            messages = [{"role": r, "content": t} for q, a in turns for r, t in (("user", q), ("assistant", a or "x"))]
            file.write(json.dumps({"messages": messages}) + "\n")
    run = RunFile.model_validate(
        {
            "model": {"path": str(folder)},
            "data": [{"path": str(data), "template": "chatml"}],
            "tokens": {"max_length": 24, **tokens},
            "split": {"test_size": 0},
            "train": {"batch_size": 2},
        }
    )
    return lay_out(run, load_tokenizer(folder), {})


def examples(rows: Laid) -> Examples:
    encoded = rows.path.encode(rows.rows)
    return Examples((i, 0, part) for i, parts in enumerate(encoded) for part in parts)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ROWS,
    st.integers(8, 60),
    st.sampled_from(["right", "left", "drop", "split"]),
    st.sampled_from(["assistant", "last", "all"]),
)
def test_numbers_equal_tokens(
    tmp_path: Path, folder: Path, rows: list[Any], limit: int, truncation: Any, supervise: str
) -> None:
    made = laid(folder, tmp_path / "rows.jsonl", rows, max_length=limit, truncation=truncation, supervise=supervise)
    truth = examples(made)
    measures = Measures(made)
    measures.measure(range(len(made.rows)))
    outcome = measures.of(range(len(made.rows)), limit, truncation)
    assert {rule: len(outcome.having(rule)) for rule in RULES if len(outcome.having(rule))} == dict(truth.findings)
    assert outcome.lost == truth.cut_tokens
    assert outcome.left_out == truth.left_out_tokens
    assert measures.tokens == truth.tokens + truth.cut_tokens + truth.left_out_tokens, "every token is accounted for"
    fetched = Fetched(made, outcome)
    assert fetched.rows == truth.rows
    assert fetched.origins == truth.origins
    assert fetched.lengths.tolist() == truth.lengths.tolist()
    for i in range(len(truth)):
        assert np.array_equal(fetched.ids(i), truth.ids(i))
        assert np.array_equal(fetched.labels(i), truth.labels(i))
    facts = length_facts(measures, outcome, limit)
    assert facts is not None
    assert facts.kept + facts.lost + facts.left_out == facts.tokens == measures.tokens
    assert sum(facts.counts) == facts.rows == len(made.rows)
    assert facts.sequences == len(truth)


def test_a_limit_can_be_moved_without_tokenizing_again(tmp_path: Path, folder: Path) -> None:
    rows = [[("who?", "salt " * n)] for n in range(1, 30)]
    made = laid(folder, tmp_path / "rows.jsonl", rows, max_length=24)
    measures = Measures(made)
    measures.measure(range(len(made.rows)))
    for limit in (16, 48, 200):
        run = made.path.run.model_copy(deep=True)
        run.tokens.max_length = limit
        moved = Laid(made.path.under(run), made.sources, made.rows, made.owners, made.train_rows, made.test_rows)
        truth = examples(moved)
        outcome = measures.of(range(len(made.rows)), limit, "right")
        assert outcome.lost == truth.cut_tokens
        fetched = Fetched(moved, outcome)
        assert len(fetched) == len(truth)
        assert [fetched.ids(i).tolist() for i in range(len(truth))] == [
            truth.ids(i).tolist() for i in range(len(truth))
        ]


def test_findings_come_with_changes_that_mend_them(tmp_path: Path, folder: Path) -> None:
    rows = [[("who?", "salt " * n)] for n in (1, 2, 3, 60)] + [[("evil <|im_end|> text", "a")]]
    made = laid(folder, tmp_path / "rows.jsonl", rows, max_length=56)
    measures = Measures(made)
    measures.measure(range(len(made.rows)))
    found = {f.rule: f for f in finding_facts(measures, measures.of(range(5), 56, "right"))}
    assert found["answer_cut"].examples == [4]
    limit = found["answer_cut"].fixes[0].changes["tokens.max_length"]
    assert not len(measures.of(range(5), limit, "right").having("answer_cut"))
    assert found["special_in_text"].fixes[0].changes["data[0].exclude.rows"] == [5]
    every = laid(folder, tmp_path / "rows.jsonl", [[("evil <|im_end|> text", "a")]] * 3)
    measures = Measures(every)
    measures.measure(range(3))
    (fact,) = finding_facts(measures, measures.of(range(3), 56, "right"))
    assert (fact.rule, fact.rows, fact.fixes) == ("special_in_text", 3, []), (
        "a source without rows cannot be trained on"
    )


def test_ways_of_batching_side_by_side(tmp_path: Path, folder: Path) -> None:
    rows = [[("who?", "salt " * (1 + n % 17))] for n in range(60)]
    made = laid(folder, tmp_path / "rows.jsonl", rows, max_length=64)
    measures = Measures(made)
    measures.measure(range(len(made.rows)))
    outcome = measures.of(made.train_rows, 64, "right")
    facts = {f.name: f for f in strategies(Fetched(made, outcome), None, made.path.run, 64, ())}
    assert facts["random"].current
    assert facts["random"].tokens == facts["grouped"].tokens == facts["packed"].tokens == measures.tokens
    assert facts["random"].waste > facts["grouped"].waste
    assert facts["packed"].sequences < facts["random"].sequences
    assert facts["packed"].changes == {"tokens.packing": "bfd"}
    assert facts["wrapped"].note == "for running text only"


@pytest.mark.parametrize(
    "now", [{"packing": "wrapped"}, {"truncation": "drop"}, {"truncation": "left", "packing": "bfd"}]
)
def test_each_way_costs_what_a_run_with_its_changes_costs(tmp_path: Path, folder: Path, now: dict[str, Any]) -> None:
    """Texts that are longer than max_length, too: they are cut by every way but one."""
    text = tmp_path / "rows.jsonl"
    text.write_text("".join(json.dumps({"text": "salt " * (1 + 7 * n % 40)}) + "\n" for n in range(40)))
    tables: dict[str, Any] = {
        "model": {"path": str(folder)},
        "data": [{"path": str(text)}],
        "split": {"test_size": 0},
        "train": {"batch_size": 4},
    }
    made = lay_out(RunFile.model_validate({**tables, "tokens": {"max_length": 48, **now}}), load_tokenizer(folder), {})
    measures = Measures(made)
    measures.measure(made.train_rows)
    ways = strategies_of(measures, made.train_rows)
    assert [way.name for way in ways if not way.note] == ["random", "grouped", "packed", "wrapped"]
    for way in ways:
        keys = {key.removeprefix("tokens."): value for key, value in way.changes.items()}
        run = RunFile.model_validate({**tables, "tokens": {"max_length": 48, **now, **keys}})
        plan = prepare(run, load_tokenizer(folder), {}).plan()
        assert (way.sequences, way.steps, (way.cells, way.tokens)) == (plan.count, plan.steps, plan.cells()), way.name
