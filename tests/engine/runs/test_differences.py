"""What differs between runs, and what they came to."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import pytest

from engine.runs import events as e
from engine.runs.crash import what_next
from engine.runs.differences import Fact, changes, differences, shown
from engine.runs.figures import Figures, figures_of, table
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.runs.store import Run

RUN_FILE = """
name = "{name}"
[model]
path = "models/tiny"
[[data]]
path = "rows.jsonl"
[lora]
rank = {rank}
[train]
learning_rate = {rate}
"""


def make(
    runs: Path,
    name: str,
    rank: int = 8,
    rate: float = 2e-4,
    host: str = "workshop",
    torch: str = "2.13.0",
    sha: str = "aa11",
    fingerprint: str = "f00d",
    losses: tuple[float | None, ...] = (3.0, 2.0, 1.0),
) -> Run:
    """A run with a few steps."""
    directory = RunDir(runs / name)
    directory.path.mkdir(parents=True)
    directory.config.write_text(RUN_FILE.format(name=name, rank=rank, rate=rate))
    clock = iter(range(1000, 9000))
    journal = Journal(directory.journal, lambda: float(next(clock)))
    journal.append(e.Hello(run=name, pid=1, host=host, versions={"torch": torch, "luthier": "0.1"}))
    source = {"path": "rows.jsonl", "sha256": sha * 16, "rows": 7}
    journal.append(e.Data(sources=[source], train_examples=7, train_tokens=900, fingerprint=fingerprint))
    journal.append(
        e.Model(
            path="models/tiny", architecture="L", parameters=9, trainable_parameters=3, device="CPU", attention="sdpa"
        )
    )
    journal.append(e.Plan(steps=len(losses), steps_per_epoch=3, batch_size=4, micro_batch_size=2))
    for step, loss in enumerate(losses, 1):
        journal.append(
            e.Step(step=step, epoch=1, loss=loss, finite=loss is not None, tokens=100, seconds=0.5, peak_gib=1.5)
        )
    journal.append(e.Eval(step=2, loss=1.5))
    journal.append(e.Eval(step=3, loss=1.75))
    journal.append(e.Finished(outcome="succeeded", step=len(losses)))
    journal.close()
    return Run(directory).load()


def by_key(facts: list[Fact]) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(fact.group, fact.key): fact.values for fact in facts}


def test_only_what_differs_is_listed(tmp_path: Path) -> None:
    runs = [
        make(tmp_path, "a-1"),
        make(tmp_path, "a-2", rank=16),
        make(tmp_path, "a-3", rank=16, rate=1e-3, host="lab"),
    ]
    facts = by_key(differences(runs))
    assert facts[("run file", "lora.rank")] == ("8", "16", "16")
    assert facts[("run file", "train.learning_rate")] == ("0.0002", "0.0002", "0.001")
    assert facts[("machine", "host")] == ("workshop", "workshop", "lab")
    assert not [key for group, key in facts if group in ("data", "versions")]


def test_everything_has_equal_keys_and_the_order_of_the_run_file(tmp_path: Path) -> None:
    runs = [make(tmp_path, "a-1"), make(tmp_path, "a-2", rank=16)]
    facts = differences(runs, everything=True)
    keys = [fact.key for fact in facts if fact.group == "run file"]
    assert (
        keys.index("model.path")
        < keys.index("data[0].path")
        < keys.index("lora.rank")
        < keys.index("train.learning_rate")
    )
    assert by_key(facts)[("data", "source sha256")] == ("aa11aa11aa11", "aa11aa11aa11")
    assert by_key(facts)[("outcome", "steps")] == ("3 of 3", "3 of 3")
    assert by_key(facts)[("machine", "attention")] == ("sdpa", "sdpa")
    assert {fact.key for fact in facts if fact.differs} == {"lora.rank"}


def test_other_data_and_versions_show(tmp_path: Path) -> None:
    runs = [make(tmp_path, "a-1"), make(tmp_path, "a-2", sha="bb22", fingerprint="beef", torch="2.9.0")]
    facts = by_key(differences(runs))
    assert facts[("data", "source sha256")] == ("aa11aa11aa11", "bb22bb22bb22")
    assert facts[("data", "fingerprint")] == ("f00d", "beef")
    assert facts[("versions", "torch")] == ("2.13.0", "2.9.0")


def test_a_default_that_is_left_out_is_no_difference(tmp_path: Path) -> None:
    one, other = make(tmp_path, "a-1"), make(tmp_path, "a-2")
    text = other.dir.config.read_text().replace("rank = 8", "rank = 8\ndropout = 0.5")
    other.dir.config.write_text(text)
    facts = by_key(differences([one, other]))
    assert facts[("run file", "lora.dropout")][1] == "0.5"
    default = facts[("run file", "lora.dropout")][0]
    other.dir.config.write_text(text.replace("0.5", default))
    assert ("run file", "lora.dropout") not in by_key(differences([one, other]))


def test_a_source_that_only_one_has(tmp_path: Path) -> None:
    one, other = make(tmp_path, "a-1"), make(tmp_path, "a-2")
    other.dir.config.write_text(other.dir.config.read_text() + '\n[[data]]\npath = "more.jsonl"\n')
    facts = by_key(differences([one, other]))
    assert facts[("run file", "data[1].path")] == ("none", "more.jsonl")
    assert [key for group, key in facts if group == "run file"] == ["data[1].path"], "its other keys say no more"
    tables = [tomllib.loads(run.dir.config.read_text()) for run in (one, other)]
    assert [change.key for change in changes(*tables)] == ["data[1].path"]


@pytest.mark.parametrize("broken", ["", "[lora", "\udcff"])
def test_a_run_file_that_cannot_be_read_is_told(tmp_path: Path, broken: str) -> None:
    runs = [make(tmp_path, "a-1"), make(tmp_path, "a-2", rank=16), make(tmp_path, "a-3", rank=32)]
    if broken:
        runs[1].dir.config.write_bytes(broken.encode("utf-8", "surrogateescape"))
    else:
        runs[1].dir.config.unlink()
    facts = by_key(differences(runs))
    assert facts[("run file", "run.toml")] == ("", "cannot be read", "")
    assert facts[("run file", "lora.rank")] == ("8", "?", "32")


def test_an_imported_log_tells_only_what_it_holds(tmp_path: Path) -> None:
    runs = [make(tmp_path, "a-1"), make(tmp_path, "hf-1", rank=64)]
    runs[1].dir.config.write_text('name = "hf-1"\n[model]\npath = "other"\n[train]\nlearning_rate = 0.0002\n')
    (runs[1].dir.path / "imported.json").write_text('{"from": "trainer_state.json", "kind": "trainer_state"}')
    facts = by_key(differences(runs))
    assert facts[("run file", "model.path")] == ("models/tiny", "other")
    assert ("run file", "lora.rank") not in facts, "what it does not tell is no difference"
    assert by_key(differences(runs, everything=True))[("run file", "lora.rank")] == ("8", "?")


def test_what_an_old_journal_does_not_tell_is_no_difference(tmp_path: Path) -> None:
    facts = by_key(differences([make(tmp_path, "a-1"), make(tmp_path, "a-2", fingerprint="")]))
    assert ("data", "fingerprint") not in facts


def test_runs_without_a_journal(tmp_path: Path) -> None:
    empty = RunDir(tmp_path / "b-1")
    empty.path.mkdir()
    empty.config.write_text('name = "b"\n')
    facts = differences([Run(empty).load(), make(tmp_path, "a-1")])
    assert ("outcome", "outcome") in by_key(facts)
    assert figures_of(Run(empty).load()).loss is None


def test_figures(tmp_path: Path) -> None:
    figures = figures_of(make(tmp_path, "a-1", losses=(*[3.0] * 57, 1.0, 2.0, None)))
    assert figures.steps == figures.total_steps == 60
    assert figures.loss == pytest.approx(1.5), "the mean of the last 5 %, without what is no number"
    assert (figures.best_eval_loss, figures.best_eval_step, figures.eval_loss) == (1.5, 2, 1.75)
    assert figures.tokens == 6000
    assert figures.tokens_per_s == pytest.approx(200)
    assert figures.peak_gib == pytest.approx(1.5)
    assert figures.state == "succeeded"


def test_the_best_of_a_row() -> None:
    def one(loss: float | None, speed: float | None = None) -> Figures:
        return Figures("succeeded", 1, 1, None, None, loss, None, None, None, speed, None)

    rows = {row.key: row for row in table([one(2.0, 100), one(1.0, 100.01), one(None, 50), one(math.nan, 5), one(1.0)])}
    assert rows["loss"].best == {1, 4}
    assert rows["tokens_per_s"].best == {0, 1}, "what looks the same is the same"
    assert rows["eval_loss"].best == frozenset()
    assert table([one(1.0)])[4].best == frozenset(), "a single run is not the best of anything"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "true"),
        (2e-4, "0.0002"),
        (0.1 + 0.2, repr(0.1 + 0.2)),
        (["q", 1], "[q, 1]"),
        ({"a": 1}, "{a = 1}"),
    ],
)
def test_values_as_one_would_type_them(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("code", "said"), [(1, "meet the same error"), (0, "meet the same error"), (3, "starts over"), (2, "starts over")]
)
def test_a_resume_is_advised_only_where_it_can_help(tmp_path: Path, code: int, said: str) -> None:
    run = make(tmp_path, "a-1")
    run.view.finished = e.Finished(outcome="failed", code=code)
    text = what_next(run.dir, run.view)
    assert said in text
    assert (str(run.dir.config) in text) == ("same error" in text)
