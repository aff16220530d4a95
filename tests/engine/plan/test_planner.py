"""What plans of one model share: a change traces only what it touches, and sequences that are known by their masks are those of
the run."""

from __future__ import annotations

import sys
import time
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from engine.config.runfile import RunFile
from engine.plan.device import watched_device
from engine.plan.kept import Interrupted, Kept
from engine.plan.lengths import Length, length_of
from engine.plan.loads import heaviest
from engine.plan.masks import Masks
from engine.plan.memory import planned
from engine.plan.paces import Like, earlier_pace
from engine.plan.pacing import Pacing
from engine.plan.planner import Planner
from engine.plan.timing import Beat
from engine.plan_facts import DeviceFacts, Load
from engine.plan_talk import MaskBytes, Question, Reply, Sequences
from engine.runs.events import Hello, Memory, Model, Step
from engine.runs.journal import Journal
from tests.engine.plan.models import llama, run_of
from tests.engine.plan.test_loads import WAYS, plan_of

CARD = DeviceFacts(kind="cuda", name="d", bytes=24 << 30)
LOAD = Load(rows=4, width=128, supervised=300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llama(tmp_path_factory.mktemp("shapes"))


def masks_of(count: int = 60, seed: int = 0) -> MaskBytes:
    chosen = np.random.default_rng(seed)
    lengths = chosen.integers(6, 60, count)
    stretches = np.stack([np.arange(count), lengths // 2, lengths])
    arrays = (lengths, np.zeros(count), stretches.ravel())
    return MaskBytes(*(np.asarray(each, dtype="<i4").tobytes() for each in arrays))


class Bench:
    """A planner without a process, which counts what it makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.planner = Planner(pacing=Known())
        self.planner.take(Sequences(1, masks_of()))

    def ask(self, **sections: Any) -> list[Reply]:
        run = run_of(self.folder, **sections)
        question = Question(
            id=1,
            draft=1,
            run=run.model_dump(mode="json"),
            folder=str(self.folder),
            train=1,
            test=0,
            max_length=64,
            device="24GB",
        )
        return list(self.planner.answers(question))

    @property
    def made(self) -> tuple[int, int]:
        return self.planner.kept.built, self.planner.kept.traced


class Known(Pacing):
    """Layers that were timed."""

    def knows(self, key: str) -> bool:
        return True

    def found(self, key: str) -> Beat:
        return Beat(1e-6, 1e-6, 2e-6, 1e-6, 5)


@pytest.fixture
def bench(folder: Path) -> Iterator[Bench]:
    return Bench(folder)


@pytest.mark.parametrize(
    "train",
    [
        {"learning_rate": 1e-5},
        {"epochs": 3.0},
        {"eval_every": 5, "save_every": 7},
        {"scheduler": "linear", "warmup": 10},
        {"optimizer": "adamw_8bit"},
        {"seed": 4, "clip": 0.5},
        {"memory_limit": "9GB"},
        {"grad_accumulation": 4},
    ],
    ids=lambda train: next(iter(train)),
)
def test_what_no_shape_depends_on_traces_nothing_anew(bench: Bench, train: dict[str, Any]) -> None:
    bench.ask(train={"shuffle": False})
    before = bench.made
    (answer,) = (
        bench.ask(train={"shuffle": False, **train})
        if "seed" not in train
        else bench.ask(train={**train, "shuffle": False})
    )
    assert bench.made == before
    assert answer.exact
    assert answer.final
    fresh = Bench(bench.folder).ask(train={"shuffle": False, **train})[-1]
    assert msgspec.to_builtins(answer.plan) == msgspec.to_builtins(fresh.plan)


@pytest.mark.parametrize(
    "sections",
    [{"lora": {"rank": 4}}, {"lora": {"target_modules": ["q_proj"]}}, {"train": {"batch_size": 3}}],
    ids=["rank", "targets", "batch_size"],
)
def test_a_guess_is_followed_by_what_a_fresh_planner_says(bench: Bench, sections: dict[str, Any]) -> None:
    bench.ask()
    first, last = bench.ask(**sections)
    assert (first.exact, first.final, last.exact, last.final) == (False, False, True, True)
    fresh = Bench(bench.folder).ask(**sections)[-1]
    assert last.plan is not None
    assert first.plan is not None
    assert msgspec.to_builtins(last.plan) == msgspec.to_builtins(fresh.plan)
    assert first.plan.memory.training == pytest.approx(last.plan.memory.training, rel=0.1)


def test_while_nobody_asks_what_a_larger_batch_needs_is_made(bench: Bench) -> None:
    bench.ask()
    before = bench.made[1]
    assert bench.planner.ahead is not None
    bench.planner.look_ahead()
    assert bench.made[1] == before + 1
    assert bench.planner.ahead is None
    bench.planner.look_ahead()
    assert bench.made[1] == before + 1


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(
    "load",
    [
        Load(rows=8, width=128, supervised=600),
        Load(rows=4, width=40, supervised=90),
        Load(rows=1, width=16, supervised=8),
    ],
)
def test_a_guessed_load_is_near(folder: Path, load: Load, again: bool) -> None:
    kept, run = Kept(), run_of(folder, train={"gradient_checkpointing": again}, quantization={"bits": 4})
    planned(run, folder, LOAD, CARD, kept=kept)
    with kept.guessing():
        guess = planned(run, folder, load, CARD, kept=kept).plan
    assert kept.guessed
    exact = planned(run, folder, load, CARD, kept=kept).plan
    moving = [plan.training - plan.saving for plan in (guess, exact)]
    assert moving[0] == pytest.approx(moving[1], rel=0.15, abs=1 << 20)


def test_dropout_is_not_guessed_from_a_pass_without(folder: Path) -> None:
    kept, device = Kept(), CARD
    planned(run_of(folder), folder, LOAD, device, kept=kept)
    with kept.guessing():
        dropped = run_of(folder, lora={"dropout": 0.1}, train={"gradient_checkpointing": False})
        guess = planned(dropped, folder, LOAD, device, kept=kept).plan
    assert guess.parts["activations"] == planned(dropped, folder, LOAD, device).plan.parts["activations"]


def test_what_is_wanted_no_more_ends_between_passes(folder: Path) -> None:
    calls = 0

    def between() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Interrupted

    kept = Kept(between)
    with pytest.raises(Interrupted):
        planned(run_of(folder), folder, LOAD, CARD, kept=kept)
    assert (kept.built, kept.traced) == (1, 1)
    planned(run_of(folder), folder, LOAD, CARD, kept=kept)
    assert kept.built == 1  # what was made is kept


@pytest.mark.parametrize("tokens", WAYS, ids=lambda w: "-".join(map(str, w.values())) or "padded")
def test_masks_say_what_the_sequences_say(tokens: dict[str, Any]) -> None:
    plan = plan_of(tokens, weights=())
    sequences = plan.sequences
    found: list[tuple[int, int, int]] = []
    for number in range(len(sequences)):
        learned = np.flatnonzero(np.concatenate([[False], sequences.labels(number)[1:] != -100]))
        found += [(number, int(at), int(at) + 1) for at in learned]
    stretches = tuple(np.array(found, dtype=np.int64).reshape(-1, 3).T)
    masks = Masks(sequences.lengths, np.zeros(len(sequences), dtype=np.int64), stretches)  # type: ignore[arg-type]
    plan_of_masks = plan.lasting(_train_of(plan))
    plan_of_masks.sequences = masks
    assert length_of(plan_of_masks) == length_of(plan)
    assert heaviest(plan_of_masks) == heaviest(plan)
    chosen = masks.chosen(np.array([5, 2, 2, 9]))
    assert chosen.lengths.tolist() == sequences.lengths[[5, 2, 2, 9]].tolist()
    assert [chosen.labels(n).tolist() for n in range(4)] == [masks.labels(n).tolist() for n in (5, 2, 2, 9)]


def _train_of(plan: Any) -> Any:
    from engine.config.train import TrainSection

    return TrainSection(batch_size=4, grad_accumulation=2, epochs=3.0)


def test_lengths_of_whole_epochs_are_counted_once() -> None:
    plan = plan_of({})
    known: dict[int, Length] = {}
    assert length_of(plan, known=known) == length_of(plan)
    asked: list[int] = []
    longer = plan.lasting(_train_of(plan).model_copy(update={"epochs": 4.5}))
    assert length_of(longer, lambda: asked.append(1), known) == length_of(plan_of({}, epochs=4.5))
    assert len(asked) == 1  # the fourth; the last one is not whole


def journaled(runs: Path, name: str, seconds: float, **changes: Any) -> None:
    place = runs / name
    place.mkdir(parents=True)
    (place / "run.toml").write_text('name = "x"\n')
    journal = Journal(place / "events.jsonl")
    journal.append(Hello(run=name, pid=1, host="h", versions={}))
    facts = {
        "path": "m",
        "architecture": "LlamaForCausalLM",
        "device": "CPU, 2 cores",
        "parameters": 1040,
        "trainable_parameters": 40,
        "quantization": "NF4 double",
    }
    journal.append(Model(**{**facts, **changes}))
    journal.append(Memory(stage="planned", micro_batch_size=2, grad_accumulation=1, predicted_gib=1.0, layers=5))
    for step in range(1, 12):
        journal.append(
            Step(step=step, epoch=0.1, loss=1.0, cells=100, tokens=80, seconds=9.0 if step == 1 else seconds)
        )
    journal.close()


def test_the_pace_of_earlier_runs_is_believed_first(tmp_path: Path) -> None:
    like = Like("LlamaForCausalLM", 1000, "NF4 double", "cpu", "CPU", 5, 0)
    assert earlier_pace(tmp_path, like) is None
    journaled(tmp_path, "other", 1.0, parameters=7000)
    journaled(tmp_path, "faster", 1.0, device="NVIDIA H200, 139 GiB")
    assert earlier_pace(tmp_path, like) is None
    journaled(tmp_path, "mine", 2.0)
    told = earlier_pace(tmp_path, like)
    assert told is not None
    assert (told.source, told.off) == ("earlier run mine", 0.05)
    assert told.pace.training(100) == pytest.approx(2.0)  # the first step, which warms up, does not count
    assert told.pace.evaluating(100) == pytest.approx(1.0)
    journaled(tmp_path, "slower", 3.0)
    wide = earlier_pace(tmp_path, like)
    assert wide is not None
    assert wide.off is not None
    assert wide.off > 0.3
    assert earlier_pace(tmp_path, replace(like, checkpointed=5)) is None  # they computed nothing again


def _until_known(pacing: Pacing, key: str) -> None:
    deadline = time.monotonic() + 20
    while not pacing.knows(key):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_layers_are_timed_once_and_beside(folder: Path) -> None:
    said = (
        "import sys; sys.stdin.read(); print(" + repr(msgspec.json.encode(Beat(1.0, 2.0, 3.0, 4.0, 5)).decode()) + ")"
    )
    pacing, run = Pacing([sys.executable, "-S", "-c", said]), run_of(folder)
    key = Pacing.key(run, folder, CARD)
    assert not pacing.knows(key)
    pacing.begin(key, run, folder, LOAD, "cuda")
    _until_known(pacing, key)
    found = pacing.found(key)
    assert found == Beat(1.0, 2.0, 3.0, 4.0, 5)
    assert found is not None
    assert found.pace(0).training(1) == 5 * 1 + 2 + 5 * 3 + 4
    assert found.pace(2).training(1) == found.pace(0).training(1) + 2
    assert Pacing.key(run_of(folder, train={"batch_size": 2}), folder, CARD) == key
    assert Pacing.key(run_of(folder, quantization={"bits": 16}), folder, CARD) != key


def test_what_cannot_be_timed_is_not_tried_again(folder: Path) -> None:
    pacing, run = Pacing([sys.executable, "-S", "-c", "raise SystemExit(1)"]), run_of(folder)
    pacing.begin("a", run, folder, LOAD, "cpu")
    _until_known(pacing, "a")
    assert pacing.found("a") is None
    pacing.begin("a", run, folder, LOAD, "cpu")
    assert not pacing.busy("a")
    slow = Pacing([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    slow.begin("a", run, folder, LOAD, "cpu")
    slow.begin("b", run, folder, LOAD, "cpu")
    assert (slow.busy("a"), slow.busy("b")) == (False, True), "what is timed for another model is given up"
    slow.stop()


def test_the_driver_is_asked_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    told = types.SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda number: f"card {number}",
        nvmlDeviceGetHandleByUUID=lambda name: f"card {name}",
        nvmlDeviceGetName=lambda handle: f"NVIDIA {handle}",
        nvmlDeviceGetMemoryInfo=lambda handle: types.SimpleNamespace(free=20 << 30),
    )
    monkeypatch.setitem(sys.modules, "pynvml", told)
    assert watched_device("1") == DeviceFacts(kind="cuda", name="NVIDIA card 1", bytes=20 << 30)
    assert watched_device("GPU-ab", "9GB").bytes == 9_000_000_000
    assert watched_device("GPU-ab").name == "NVIDIA card GPU-ab"


def test_the_run_file_is_read_as_it_was_sent(folder: Path) -> None:
    run = run_of(folder, train={"steps": 5, "epochs": None}, tokens={"packing": "bfd"})
    assert RunFile.model_validate(run.model_dump(mode="json")) == run
