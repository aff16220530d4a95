"""A run before it starts, against the batches that the trainer makes; and how well earlier plans were kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from engine.cli import console
from engine.cli.app import main
from engine.cli.plan_page import spell_time
from engine.config.load import load
from engine.plan.device import this_device
from engine.plan.history import earlier_runs
from engine.plan.lengths import length_of
from engine.plan.run_plan import plan_run
from engine.runs.events import Finished, Hello, Memory, Model
from engine.runs.journal import Journal
from engine.tokens.folder import model_folder
from engine.tokens.prepare import prepare
from engine.tokens.tokenizer import load_tokenizer
from tests.engine.plan.test_loads import WAYS, plan_of
from tests.tiny import make_model, run_toml, write_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tiny")
    make_model(place / "model")
    write_rows(place / "rows.jsonl")
    return place


def toml(place: Path, extra: str = "") -> Path:
    return run_toml(place / "run.toml", place / "model", place / "rows.jsonl", extra)


@pytest.mark.parametrize("tokens", WAYS, ids=lambda w: "-".join(map(str, w.values())) or "padded")
@pytest.mark.parametrize("train", [{"epochs": 2.5}, {"steps": 7, "epochs": None}], ids=["epochs", "steps"])
def test_a_run_is_as_long_as_its_batches(tokens: dict[str, Any], train: dict[str, Any]) -> None:
    plan = plan_of(tokens, **train)
    batches = [plan.batch(step) for step in range(1, plan.steps + 1)]
    length = length_of(plan)
    assert length.tokens == sum(batch.tokens for batch in batches)
    assert length.supervised == sum(batch.supervised_tokens for batch in batches)
    assert length.cells == sum(batch.cells(plan.micro_batch_size) for batch in batches)


def test_a_plan_says_what_the_run_will_journal(folder: Path) -> None:
    run = load(toml(folder, '[tokens]\npacking = "bfd"\nmax_length = 64\n[train]\nepochs = 2.0\nbatch_size = 2\n'))
    place, config = model_folder(run.model)
    data = prepare(run, load_tokenizer(place, False), config)
    made, plan = plan_run(run, data, place, this_device()), data.plan()
    assert (made.steps, made.steps_per_epoch, made.examples) == (plan.steps, plan.steps_per_epoch, plan.count)
    assert made.epochs == 2.0
    assert made.memory.load.rows == 2
    assert made.trainable_parameters > 0
    assert made.seconds is None
    assert made.disk > 12 * made.trainable_parameters


def test_a_timed_plan_knows_the_pace(folder: Path) -> None:
    run = load(toml(folder))
    place, config = model_folder(run.model)
    data = prepare(run, load_tokenizer(place, False), config)
    made = plan_run(run, data, place, this_device(), timed=True)
    assert made.seconds is not None
    assert made.seconds_per_step is not None
    assert made.seconds > made.steps * made.seconds_per_step > 0


def test_memory_that_is_not_there_is_said_with_what_helps(folder: Path) -> None:
    run = load(toml(folder), ["train.memory_limit=100MB"])
    place, config = model_folder(run.model)
    data = prepare(run, load_tokenizer(place, False), config)
    made = plan_run(run, data, place, this_device(run.train.memory_limit))
    assert not made.memory.fits
    assert made.memory.device.bytes == 100_000_000


def journaled(runs: Path, name: str, *, architecture: str, device: str, measured: float, halved: bool = False) -> None:
    place = runs / name
    place.mkdir(parents=True)
    (place / "run.toml").write_text('name = "x"\n')
    journal = Journal(place / "events.jsonl")
    journal.append(Hello(run=name, pid=1, host="h", versions={}))
    model = Model(
        path="m",
        architecture=architecture,
        device=device,
        parameters=1,
        trainable_parameters=1,
        quantization="NF4 double",
    )
    journal.append(model)
    parts = {"process": 0.5}
    journal.append(Memory(stage="planned", micro_batch_size=2, grad_accumulation=1, predicted_gib=2.5, parts=parts))
    if halved:
        journal.append(Memory(stage="halved", micro_batch_size=1, grad_accumulation=2, predicted_gib=1.5, parts=parts))
    journal.append(Memory(stage="finished", micro_batch_size=2, grad_accumulation=1, measured_gib=measured))
    journal.append(Finished(outcome="succeeded", step=1, reason="", code=0, seconds=1.0))
    journal.close()


def test_earlier_runs_of_the_family_are_compared_with_their_plans(tmp_path: Path) -> None:
    journaled(tmp_path, "a", architecture="LlamaForCausalLM", device="CPU, 2 cores", measured=2.5)
    journaled(tmp_path, "b", architecture="LlamaForCausalLM", device="NVIDIA H200, 139 GiB", measured=2.2)
    journaled(tmp_path, "c", architecture="Qwen2ForCausalLM", device="CPU, 2 cores", measured=2.0)
    journaled(tmp_path, "d", architecture="LlamaForCausalLM", device="CPU, 4 cores", measured=1.2, halved=True)
    on_cpu = dict(earlier_runs(tmp_path, "LlamaForCausalLM", "NF4 double", "cpu"))
    assert on_cpu == {"a": 1.0, "d": 0.8}
    assert dict(earlier_runs(tmp_path, "LlamaForCausalLM", "NF4 double", "cuda")) == {"b": 1.1}  # without the context
    assert earlier_runs(tmp_path, "LlamaForCausalLM", "bfloat16", "cpu") == []
    assert earlier_runs(tmp_path / "none", "LlamaForCausalLM", "NF4 double", "cpu") == []


def verb(*words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == 0


def test_the_verb_prints_a_plan_as_one_object(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verb("plan", str(toml(folder)), "--no-time", "--json", "--runs-dir", str(tmp_path), "--set", "train.batch_size=4")
    facts = json.loads(capsys.readouterr().out)
    assert facts["memory"]["micro_batch_size"] == 4
    assert facts["fits"] is True
    assert facts["peak"] >= facts["memory"]["training"]
    assert facts["seconds"] is None


def test_the_page_fits_80_columns_and_says_all(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.out, "width", 80)
    journaled(tmp_path, "a", architecture="LlamaForCausalLM", device="NVIDIA", measured=2.5)
    verb("plan", str(toml(folder)), "--device", "0.2GB", "--runs-dir", str(tmp_path), "--set", 'name="evil"')
    page = capsys.readouterr().out
    assert all(len(line) <= 80 for line in page.splitlines()), page
    for word in ("does not fit", "activations", "optimizer", "steps", "supervised", "disk", "1 earlier run", "padding"):
        assert word in page
    assert isinstance(console.out, Console)


def test_a_device_that_is_no_amount_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["plan", str(toml(folder)), "--device", "large"])
    assert ended.value.code == 2
    assert "24GB" in capsys.readouterr().err


def test_times_are_spelled_for_people() -> None:
    assert [spell_time(s) for s in (40, 100, 3600, 12_000)] == ["40 s", "2 min", "60 min", "3 h 20 min"]
