"""Examinations: a sample at once, everything after it, and what is made of the findings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.config.sections import data_section
from engine.data.source import read_source
from engine.errors import ModelError
from engine.service import examining
from engine.service.examination import Examination
from engine.service.protocol import Detail, Examine, Examined, Filter, Interpret, Matched, Opened, Page, RowInFull, Rows
from tests.engine.service.talk import Talk


@pytest.fixture
def doubled(tmp_path: Path) -> Path:
    """Rows of which every tenth says what the first says."""
    rows = [
        {"question": f"Who keeps lamp {i if i % 10 else 0}?", "answer": f"Keeper {i if i % 10 else 0}."}
        for i in range(100)
    ]
    path = tmp_path / "doubled.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_small_source_is_examined_at_once(talk: Talk, doubled: Path) -> None:
    source = talk.open(doubled)
    answer = talk.ask(Examine, Examined, source=source.number)
    assert not [said for said in talk.channel.said if isinstance(said, Examined)]
    assert (answer.seen, answer.exact, answer.complete, answer.conversations) == (100, True, True, 100)
    assert [column.name for column in answer.columns] == ["question", "answer"]
    findings = {finding.rule: finding for finding in answer.findings}
    assert findings["exact_duplicate"].rows == 9
    assert findings["exact_duplicate"].examples[:2] == [11, 21]


def test_a_large_one_is_sampled_first(talk: Talk, doubled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "SAMPLE_ROWS", 20)
    source = talk.open(doubled)
    answer = talk.ask(Examine, Examined, source=source.number)
    (sample,) = [said for said in talk.channel.said if isinstance(said, Examined)]
    assert (sample.seen, sample.exact, sample.complete) == (20, False, False)
    assert sample.notes[0] == "Of a sample of 20 rows, evenly spread."
    assert (answer.seen, answer.exact, answer.complete) == (100, True, True)
    assert not [note for note in answer.notes if "sample" in note]
    known = talk.ask(Examine, Examined, source=source.number, exact=False)
    assert (known.seen, known.exact) == (100, True), "what is known exactly is told at once"
    only = talk.ask(Examine, Examined, source=talk.open(doubled).number, exact=False)
    assert (only.seen, only.exact, only.complete) == (20, False, True)


def test_leaving_rows_out_costs_no_second_examination(
    talk: Talk, doubled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = talk.open(doubled)
    first = talk.ask(Examine, Examined, source=source.number)
    section = {"path": str(doubled), "exclude": {"rows": [3], "findings": ["exact_duplicate"]}}
    talk.ask(Interpret, Opened, source=source.number, section=section)
    asked: list[object] = []
    whole = examining._whole
    monkeypatch.setattr(examining, "_whole", lambda *a, **k: (asked.append(a[3]), whole(*a, **k))[1])
    again = talk.ask(Examine, Examined, source=source.number)
    assert (again.findings, again.columns) == (first.findings, first.columns)
    assert asked == ["looking for rows to leave out"]
    page = talk.ask(Page, Rows, source=source.number, count=100)
    assert [row.number for row in page.rows if row.state == "excluded"] == [3, *range(11, 100, 10)]


def test_samples_are_spread_and_always_the_same() -> None:
    assert examining.spread(10, 4).tolist() == [0, 3, 6, 9]
    assert examining.spread(3, 4).tolist() == [0, 1, 2]
    assert examining.spread(0, 4).tolist() == []
    assert len(examining.spread(1_000_000, 2000)) == 2000


def test_a_finding_is_a_filter(talk: Talk, doubled: Path) -> None:
    source = talk.open(doubled)
    found = talk.ask(Filter, Matched, source=source.number, findings=["exact_duplicate"])
    assert source.examination is not None
    page = talk.ask(Page, Rows, source=source.number, view=found.view)
    assert [row.number for row in page.rows] == list(range(11, 101, 10))
    both = talk.ask(Filter, Matched, source=source.number, findings=["exact_duplicate"], rows=[1, 21, 22, 31])
    assert both.matches == 2
    assert talk.ask(Detail, RowInFull, source=source.number, number=21).findings == ["exact_duplicate"]
    assert talk.ask(Detail, RowInFull, source=source.number, number=22).findings == []


def test_what_findings_leave_out_is_left_out(talk: Talk, doubled: Path) -> None:
    source = talk.open(doubled, exclude={"findings": ["exact_duplicate"], "rows": [2]})
    kept = talk.ask(Filter, Matched, source=source.number, kept=True)
    assert kept.matches == 90
    page = talk.ask(Page, Rows, source=source.number, count=11)
    assert (page.rows[10].state, page.rows[10].note) == ("excluded", "left out by exclude.findings: exact_duplicate")
    talk.ask(Interpret, Opened, source=source.number, section={"path": str(doubled)})
    assert talk.ask(Page, Rows, source=source.number, count=11).rows[10].state == "ok"
    assert talk.ask(Filter, Matched, source=source.number, kept=True).matches == 100


def test_findings_leave_out_what_they_find_among_the_rows_of_the_run(talk: Talk, tmp_path: Path) -> None:
    lengths = [5] * 30 + [4000] * 41
    path = tmp_path / "lengths.jsonl"
    path.write_text("".join(json.dumps({"question": f"{i}?", "answer": "x" * n}) + "\n" for i, n in enumerate(lengths)))
    source = talk.open(path, exclude={"findings": ["length_outlier"]}, max_rows=31)
    talk.ask(Filter, Matched, source=source.number, kept=True)
    assert source.excluded is not None
    assert source.excluded.rows_with(["length_outlier"]).tolist() == [30]
    taken = read_source(source.section)
    assert taken.excluded == {"length_outlier": 1}
    assert talk.ask(Filter, Matched, source=source.number, kept=True).matches == len(taken.conversations) == 30


def test_leakage_is_looked_for_in_other_open_sources(talk: Talk, doubled: Path, tmp_path: Path) -> None:
    test_file = tmp_path / "test.jsonl"
    test_file.write_text(json.dumps({"question": "who keeps LAMP 7?", "answer": "Keeper 7."}) + "\n")
    source, other = talk.open(doubled), talk.open(test_file)
    answer = talk.ask(Examine, Examined, source=source.number, against=[other.number])
    findings = {finding.rule: finding for finding in answer.findings}
    assert findings["leakage"].examples == [8]
    assert answer.notes[-1] == "Looked for leakage into test.jsonl."


def test_tokens_are_counted_with_a_tokenizer(talk: Talk, doubled: Path, tiny_model: Path) -> None:
    source = talk.open(doubled)
    answer = talk.ask(Examine, Examined, source=source.number, tokenizer=str(tiny_model))
    figures = {figure.name: figure for figure in answer.figures}
    assert figures["tokens"].mean is not None
    assert 10 < figures["tokens"].mean < len("Who keeps lamp 10? Keeper 10.")
    with pytest.raises(ModelError, match="no model folder"):
        talk.ask(Examine, Examined, source=source.number, tokenizer=str(tiny_model / "none"))


def test_marks_name_the_first_rule_that_found_a_row(talk: Talk) -> None:
    found = {"a": np.array([2, 4]), "b": np.array([4, 5]), "c": np.array([], dtype=np.int64)}
    examination = Examination(found, exact=True)
    assert list(examination.marks(["b", "a", "c"])) == [0, 2, 0, 1, 1]
    assert examination.marks(["c"]) == b""
    assert examination.rows_with(["a", "b"]).tolist() == [1, 3, 4]
    assert examination.rules_of(4) == ["a", "b"]
    assert examination.rules_of(6) == []


def test_only_a_run_decides_what_is_left_out(talk: Talk, doubled: Path) -> None:
    source = talk.open(doubled, exclude={"findings": ["leakage"]})
    other = talk.open(doubled)
    talk.ask(Examine, Examined, source=source.number, against=[other.number])
    page = talk.ask(Page, Rows, source=source.number, count=1000)
    assert source.examination is not None
    assert len(source.examination.rows_with(["leakage"])) > 0
    assert not any(row.state == "excluded" for row in page.rows)


def test_lines_that_cannot_be_read_count_for_max_rows_as_in_a_run(talk: Talk, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    short = [json.dumps({"question": f"what {i}", "answer": "word " * (9 + i % 4)}) for i in range(30)]
    long = [json.dumps({"question": f"tell {i}", "answer": "word " * 4000}) for i in range(40)]
    path.write_text("\n".join(["no row"] * 30 + short + long))
    keys = {"max_rows": 62, "bad_lines": "skip", "exclude": {"findings": ["length_outlier"]}}
    source = talk.open(path, **keys)
    taken = read_source(data_section({"path": str(path), **keys}))
    assert talk.ask(Filter, Matched, source=source.number, kept=True).matches == len(taken.conversations) == 30
