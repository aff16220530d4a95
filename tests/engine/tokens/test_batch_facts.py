"""A batch as it is shown is the batch as it is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.tokens.batch_facts import MARKS, batch_facts
from engine.tokens.batches import BatchPlan
from engine.tokens.encoded import IGNORE
from engine.tokens.examples import Examples
from engine.tokens.measure import Fetched, Measures
from engine.tokens.prepare import Laid
from tests.engine.tokens.laid import asked, lay

ROWS = [asked(f"Who keeps lamp {i}?", "The keeper" + " and the boat" * (i % 5)) for i in range(11)]
WAYS: list[dict[str, Any]] = [
    {},
    {"packing": "bfd"},
    {"padding_side": "left"},
    {"padding": "max_length"},
    {"pad_to_multiple_of": 8, "group_by_length": True},
    {"truncation": "split", "max_length": 25},
]


def plan_of(laid: Laid, sequences: Any) -> BatchPlan:
    run, path = laid.path.run, laid.path
    return BatchPlan(sequences, run.train, run.tokens, path.max_length, path.padding, [])


@pytest.mark.parametrize("tokens", WAYS)
def test_lines_are_the_cells_of_the_rectangle(tiny_model: Path, tmp_path: Path, tokens: dict[str, Any]) -> None:
    train = {"batch_size": 2, "grad_accumulation": 2}
    laid = lay(tiny_model, tmp_path, ROWS, "qa", tokens={"max_length": 64, **tokens}, train=train)
    measures = Measures(laid)
    measures.measure(laid.train_rows)
    path = laid.path
    outcome = measures.of(laid.train_rows, path.max_length, path.encoder.truncation)
    plan = plan_of(laid, Fetched(laid, outcome))
    encoded = path.encode(laid.rows)
    trainer = plan_of(laid, Examples((i, 0, part) for i, parts in enumerate(encoded) for part in parts))
    assert plan.steps == trainer.steps > 1
    seen: set[int] = set()
    for step in range(1, plan.steps + 1):
        facts, batch = batch_facts(plan, step)
        assert facts.fingerprint == trainer.batch(step).fingerprint
        assert (facts.step, facts.steps, facts.epoch) == (step, plan.steps, plan.epoch_of(step))
        assert (facts.tokens, facts.supervised) == (batch.tokens, batch.supervised_tokens)
        assert facts.cells == sum(part.ids.size for part in batch.micro_batches(2))
        assert facts.waste == pytest.approx(1 - batch.tokens / facts.cells)
        assert facts.width == batch.ids.shape[1]
        for b, line in enumerate(facts.lines):
            drawn = "".join(mark * count for mark, count in line.cells)
            expected = "".join(
                MARKS[0 if not document else 1 if label == IGNORE else 2]
                for document, label in zip(batch.documents[b], batch.labels[b], strict=True)
            )
            assert drawn == expected
            assert all(first != second for (first, _), (second, _) in zip(line.cells, line.cells[1:], strict=False))
            for document in line.documents:
                seen.add(document.row)
                assert document.origin == laid.rows[document.row - 1][1].origin
                ids = batch.ids[b, document.start : document.end].tolist()
                assert ids in [part.ids.tolist() for part in encoded[document.row - 1]]
            covered = sum(document.end - document.start for document in line.documents)
            assert covered == len(drawn) - drawn.count(".")
    assert seen == set(range(1, len(ROWS) + 1))


def test_a_row_that_goes_on_in_the_next_line(tiny_model: Path, tmp_path: Path) -> None:
    texts = [{"text": "The lamp in the harbour burns all night. " * n} for n in (1, 4, 2)]
    laid = lay(tiny_model, tmp_path, texts, tokens={"max_length": 32, "packing": "wrapped"}, train={"batch_size": 4})
    measures = Measures(laid)
    measures.measure(laid.train_rows)
    plan = plan_of(laid, Fetched(laid, measures.of(laid.train_rows, 32, None)))
    documents = [
        document
        for step in range(1, plan.steps + 1)
        for line in batch_facts(plan, step)[0].lines
        for document in line.documents
    ]
    tokens = {row: sum(d.end - d.start for d in documents if d.row == row) for row in (1, 2, 3)}
    assert tokens == {n + 1: len(row.ids) for n, row in enumerate(laid.path.whole(laid.rows))}
    assert sum(d.row == 2 for d in documents) > 1
    assert all(line.cells[0] == ("m", 1) for line in batch_facts(plan, 1)[0].lines)
    with pytest.raises(IndexError):
        batch_facts(plan, plan.steps + 1)
