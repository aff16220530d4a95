"""The lowest evaluation loss: kept, told, and the end of a run that no longer gets lower."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine.config.load import load
from engine.errors import ConfigError, DataError
from engine.runs.events import Checkpoint, Eval, Log, Sample, Step, Warning_
from engine.tokens.examples import Examples
from engine.tokens.prepare import Prepared
from engine.train import checkpoint
from engine.train.adapters import ADAPTER_WEIGHTS, save_weights
from engine.train.best import Best
from tests.engine.train.training import events_of, prepared, run_file, same, trainer_of, weights_of
from tests.tiny import run_toml

UP_AGAIN = {"steps": 12, "eval_every": 2, "learning_rate": 0.5, "warmup": 0, "scheduler": "constant"}
"""A learning rate that lowers the loss at first and then ruins it."""


@pytest.fixture(scope="module")
def rows(tiny_model: Path, rows_file: Path) -> Prepared:
    return prepared(run_file(tiny_model, rows_file))


def run_with(rows: Prepared, model: Path, **sections: Any) -> Any:
    return run_file(model, rows.sources[0].source.path, **sections)


def steps_there(folder: Path) -> list[int]:
    return sorted(int(path.name[5:]) for path in (folder / "checkpoints").iterdir())


def evaluations(folder: Path) -> list[tuple[int, float | None, bool]]:
    return [(event.step, event.loss, event.best) for event in events_of(folder, Eval)]


def test_what_was_asked_for_in_between_brings_the_end_no_nearer() -> None:
    best = Best()
    assert best.see(0, 2.0, scheduled=True)
    assert not best.see(3, 2.0, scheduled=False)
    assert not best.see(4, 2.1, scheduled=True)
    assert (best.step, best.without) == (0, 1)
    assert best.see(5, 1.9, scheduled=False)
    assert (best.step, best.loss, best.without) == (5, 1.9, 0)
    assert Best.of(json.loads(json.dumps(best.state()))) == best
    assert Best.of(json.loads(json.dumps(Best().state()))) == Best()


def test_the_lowest_is_told_kept_and_becomes_the_result(rows: Prepared, tiny_model: Path, tmp_path: Path) -> None:
    run = run_with(rows, tiny_model, train={**UP_AGAIN, "result": "best", "keep": 1, "save_every": 3})
    trainer = trainer_of(run, tmp_path, rows)
    assert trainer.train()
    assert trainer.reason == ""
    seen = evaluations(tmp_path)
    losses = [loss for _, loss, _ in seen if loss is not None]
    lowest = losses.index(min(losses))
    assert 0 < lowest < len(losses) - 1, "the scenario: down, then up"
    assert [best for *_, best in seen] == [loss == min(losses[: i + 1]) for i, loss in enumerate(losses)]
    best = seen[lowest][0]
    assert steps_there(tmp_path) == [best, 12]
    flags = {event.step: event.best for event in events_of(tmp_path, Checkpoint)}
    assert flags[best]
    assert not flags[12]

    last = weights_of(trainer)
    trainer.load_result()
    assert not same(weights_of(trainer), last)
    save_weights(trainer.model, tmp_path / "adapter")
    there = checkpoint.folder_of(trainer.checkpoints, best) / checkpoint.WEIGHTS / ADAPTER_WEIGHTS
    assert (tmp_path / "adapter" / ADAPTER_WEIGHTS).read_bytes() == there.read_bytes()
    assert events_of(tmp_path, Log)[-1].message.startswith(f"the result holds the weights of step {best}:")


def test_a_best_checkpoint_that_is_torn_is_said(rows: Prepared, tiny_model: Path, tmp_path: Path) -> None:
    run = run_with(rows, tiny_model, train={**UP_AGAIN, "result": "best"})
    trainer = trainer_of(run, tmp_path, rows)
    trainer.train()
    file = checkpoint.folder_of(trainer.checkpoints, trainer.best.step) / checkpoint.WEIGHTS / ADAPTER_WEIGHTS
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    last = weights_of(trainer)
    trainer.load_result()
    assert same(weights_of(trainer), last)
    assert [event.code for event in events_of(tmp_path, Warning_)] == ["best_lost"]


def test_a_run_that_gets_no_lower_ends_early_with_all_that_a_last_step_has(
    rows: Prepared, tiny_model: Path, tmp_path: Path
) -> None:
    train = {"steps": 30, "eval_every": 2, "save_every": 30, "learning_rate": 1e-30, "early_stopping": 3}
    samples = {"samples": ["What does the boat carry?"], "sample_every": 30}
    trainer = trainer_of(run_with(rows, tiny_model, train=train, eval=samples), tmp_path, rows)
    assert trainer.train()
    assert [step for step, *_ in evaluations(tmp_path)] == [0, 2, 4, 6]
    assert trainer.step == 6
    assert trainer.reason.startswith("Stopped early after step 6 of 30: 3 evaluations in a row were not below")
    assert [event.step for event in events_of(tmp_path, Sample)] == [0, 6]
    assert steps_there(tmp_path) == [0, 6]

    again = trainer_of(run_with(rows, tiny_model, train=train), tmp_path / "again", rows)
    saved = checkpoint.newest(trainer.checkpoints)
    assert saved is not None
    again.restore(saved)
    assert again.train(), "killed after its last checkpoint, it has nothing left to do"
    assert not events_of(tmp_path / "again", Step)
    assert again.reason == trainer.reason


@pytest.mark.parametrize("at", [2, 6, 10])
def test_what_was_seen_survives_a_resume(at: int, rows: Prepared, tiny_model: Path, tmp_path: Path) -> None:
    train = {**UP_AGAIN, "steps": 40, "learning_rate": 1.0, "save_every": 2, "keep": 40, "early_stopping": 3}
    run = run_with(rows, tiny_model, train=train)
    whole, resumed = trainer_of(run, tmp_path / "whole", rows), trainer_of(run, tmp_path / "resumed", rows)
    assert whole.train()
    assert (whole.best.step, whole.step) == (6, 12), "the scenario: up and down, down, then level"
    saved = checkpoint.verify(checkpoint.folder_of(whole.checkpoints, at))
    assert saved is not None
    resumed.restore(saved)
    assert resumed.train()
    assert (resumed.step, resumed.best, resumed.reason) == (whole.step, whole.best, whole.reason)
    assert evaluations(tmp_path / "resumed") == [seen for seen in evaluations(tmp_path / "whole") if seen[0] > at]
    assert same(weights_of(resumed), weights_of(whole))


def test_nothing_held_out_is_refused_when_it_is_known(tiny_model: Path, rows_file: Path, tmp_path: Path) -> None:
    for asked in ("early_stopping = 2", 'result = "best"'):
        text = f"[train]\n{asked}\n[split]\ntest_size = 0\n"
        with pytest.raises(ConfigError, match=f"train.{asked.split(' ')[0]}.*no rows are held out"):
            load(run_toml(tmp_path / "run.toml", tiny_model, rows_file, text))
    run = run_file(tiny_model, rows_file, train={"early_stopping": 2})
    with pytest.raises(DataError, match=r"train\.early_stopping needs an evaluation loss.*no rows are held out"):
        trainer_of(run, tmp_path / "run", replace(prepared(run), test=Examples([])))


def test_the_best_checkpoint_stays_and_the_result_is_the_last(rows: Prepared, tiny_model: Path, tmp_path: Path) -> None:
    trainer = trainer_of(run_with(rows, tiny_model, train={**UP_AGAIN, "keep": 1}), tmp_path, rows)
    assert trainer.train()
    assert steps_there(tmp_path) == [8, 12], "the newest, and the best beside it"
    trainer.load_result()
    saved = load_file(checkpoint.folder_of(trainer.checkpoints, 12) / checkpoint.WEIGHTS / ADAPTER_WEIGHTS)
    save_weights(trainer.model, tmp_path / "adapter")
    left = load_file(tmp_path / "adapter" / ADAPTER_WEIGHTS)
    assert all(torch.equal(left[name], saved[name]) for name in saved)


def test_the_reason_counts_in_words() -> None:
    once, thrice = Best(2, 1.5, 1), Best(2, 1.5, 3)
    assert once.reason(4, 9).startswith("Stopped early after step 4 of 9: one evaluation was not below 1.5000")
    assert thrice.reason(8, 9).startswith(
        "Stopped early after step 8 of 9: 3 evaluations in a row were not below 1.5000"
    )
