"""Logs of the Trainer of transformers as runs that draw, and that nobody can resume."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RunError
from engine.runs import events as e
from engine.runs.foreign import import_trainer, imported_from, is_trainer_state
from engine.runs.store import Run, find_run, list_runs
from engine.train.start import resume_run

LOG: list[dict[str, Any]] = [
    {"epoch": 0.5, "grad_norm": 1.5, "learning_rate": 2e-4, "loss": 2.5, "step": 10, "num_tokens": 4000},
    {"epoch": 1.0, "eval_loss": 2.25, "eval_runtime": 3.5, "eval_samples_per_second": 9.0, "step": 20},
    {"epoch": 1.0, "grad_norm": None, "learning_rate": 1e-4, "loss": 2.0, "step": 20, "num_tokens": 9000},
    {"epoch": 1.5, "learning_rate": 5e-5, "loss": math.nan, "grad_norm": "NaN", "step": 30},
    {"epoch": 2.0, "eval_loss": 2.5, "step": 40},
    {"epoch": 2.0, "train_loss": 2.1, "train_runtime": 99.5, "total_flos": 1.0, "step": 40},
]
STATE: dict[str, Any] = {
    "best_model_checkpoint": "./out/checkpoint-20",
    "global_step": 40,
    "max_steps": 40,
    "num_train_epochs": 2,
    "train_batch_size": 4,
    "logging_steps": 10,
    "eval_steps": 20,
    "save_steps": 20,
    "log_history": LOG,
}


def output(folder: Path, state: dict[str, Any] = STATE) -> Path:
    """A Trainer's output folder with two checkpoints."""
    home = folder / "my out!"
    for step in (20, 40):
        checkpoint = home / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True)
        (checkpoint / "trainer_state.json").write_text(json.dumps({**state, "global_step": step}))
    (home / "checkpoint-40" / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": "org/base", "r": 8, "lora_alpha": 16, "use_rslora": False})
    )
    return home


def events(folder: Path, runs: Path) -> list[Any]:
    return Run(import_trainer(folder, runs).dir).take()


def test_a_log_becomes_a_run_that_draws(tmp_path: Path) -> None:
    made = import_trainer(output(tmp_path), tmp_path / "runs")
    assert (made.dir.name, made.steps, made.evals) == ("my-out-1", 3, 2)
    run = Run(find_run(tmp_path / "runs", "my-out")).load()
    assert (run.state, run.view.step, run.view.total_steps) == ("succeeded", 30, 40)
    assert run.reason == ""
    summary = run.summary()
    assert summary["state"] == "succeeded"
    json.dumps(summary)
    assert [found.name for found in list_runs(tmp_path / "runs")] == ["my-out-1"]
    assert imported_from(run.dir).endswith("checkpoint-40/trainer_state.json")


def test_values_are_those_of_the_log_and_nothing_is_invented(tmp_path: Path) -> None:
    found = events(output(tmp_path), tmp_path / "runs")
    steps = [event for event in found if isinstance(event, e.Step)]
    assert [(s.step, s.epoch, s.loss, s.finite, s.learning_rate, s.grad_norm, s.tokens) for s in steps] == [
        (10, 0.5, 2.5, True, 2e-4, 1.5, 4000),
        (20, 1.0, 2.0, True, 1e-4, None, 5000),
        (30, 1.5, None, False, 5e-5, None, 0),
    ]
    assert all((s.seconds, s.peak_gib, s.rows, s.batch) == (0, 0, [], "") for s in steps)
    evals = [event for event in found if isinstance(event, e.Eval)]
    assert [(v.step, v.loss, v.best, v.seconds) for v in evals] == [(20, 2.25, True, 3.5), (40, 2.5, False, 0)]
    checkpoints = [event for event in found if isinstance(event, e.Checkpoint)]
    assert [(c.step, c.best, Path(c.path).is_dir(), c.bytes > 0) for c in checkpoints] == [
        (20, True, True, True),
        (40, False, True, True),
    ]
    plan = next(event for event in found if isinstance(event, e.Plan))
    assert (plan.steps, plan.steps_per_epoch, plan.batch_size, plan.eval_every) == (40, 20, 0, 20)
    assert isinstance(found[-1], e.Finished)
    assert found[-1].seconds == 99.5
    assert [event.seq for event in found] == list(range(len(found)))
    assert not [event for event in found if isinstance(event, e.Model | e.Data | e.Hardware)]


def test_what_is_known_of_its_settings_is_kept_to_compare(tmp_path: Path) -> None:
    made = import_trainer(output(tmp_path), tmp_path / "runs")
    assert tomllib.loads(made.dir.config.read_text()) == {
        "name": "my-out-1",
        "model": {"path": "org/base"},
        "lora": {"rank": 8, "alpha": 16.0, "rslora": False},
        "train": {"steps": 40, "batch_size": 4},
    }
    assert any("mean over 10 steps" in note for note in made.notes)


def test_a_checkpoint_in_the_middle_is_a_stopped_run(tmp_path: Path) -> None:
    made = import_trainer(output(tmp_path) / "checkpoint-20", tmp_path / "runs", "old")
    run = Run(made.dir).load()
    assert (made.dir.name, run.state, run.reason) == ("old-1", "stopped", "its log ends at step 20 of 40")


def test_it_cannot_be_resumed(tmp_path: Path) -> None:
    for folder in ("", "checkpoint-20"):
        made = import_trainer(output(tmp_path / f"x{folder}") / folder, tmp_path / "runs")
        with pytest.raises(RunError, match="was imported from"):
            resume_run(made.dir)


def test_a_log_alone_is_enough(tmp_path: Path) -> None:
    file = tmp_path / "trainer_state.json"
    file.write_text(json.dumps({"log_history": [{"loss": 1.0, "step": 1}, 3, {"step": "x", "loss": []}]}))
    assert is_trainer_state(file)
    assert not is_trainer_state(tmp_path / "run.toml")
    (tmp_path / "old.json").write_text(file.read_text())
    (tmp_path / "config.json").write_text("{}")
    assert is_trainer_state(tmp_path / "old.json")
    assert not is_trainer_state(tmp_path / "config.json")
    assert not is_trainer_state(tmp_path / "none.json")
    run = Run(import_trainer(file, tmp_path / "runs", "odd").dir).load()
    assert run.state == "stopped"
    run.summary()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"log_history": 3}', "[" * 100_000])
def test_what_is_no_log_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "trainer_state.json"
    file.write_text(text)
    with pytest.raises(RunError):
        import_trainer(file, tmp_path / "runs")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match="holds no trainer_state"):
        import_trainer(tmp_path / "empty", tmp_path / "runs")
    assert list_runs(tmp_path / "runs") == []
