"""The story: its chapters, its real runs in miniature, and how it ends when one of them fails."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.config.load import load
from engine.errors import ModelError, RunError, TrainingError
from engine.runs.events import Answer, Chapter, Event, Finished, Hello
from engine.runs.journal import JournalReader
from engine.runs.lock import is_held
from engine.runs.paths import RunDir
from engine.runs.store import Run, list_runs
from engine.runs.story import Story
from engine.starter import story
from engine.starter.chapters import before
from engine.starter.place import Place
from engine.starter.recipe import RECIPE
from engine.starter.runfiles import base_toml, tune_toml
from engine.starter.story import tell
from engine.starter.world import World
from tests.engine.starter.small import SMALL


def titles(events: Sequence[Event]) -> list[str]:
    return [event.name for event in events if isinstance(event, Chapter)]


def base_in(place: Place) -> None:
    """Put a base there that an earlier telling could have left: random, but whole."""
    world = World(SMALL)
    world.make_seed_model(place.base)
    place.note_base(SMALL.fingerprint(world.corpus_jsonl))


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the run files that were to be started; none is."""
    asked: list[str] = []

    def refuse(config: Path, runs: Path, overrides: Sequence[str] = ()) -> Any:
        asked.append(config.name)
        raise ModelError("no run today")

    monkeypatch.setattr(story, "start_run", refuse)
    return asked


def test_the_whole_story_in_miniature(tmp_path: Path) -> None:
    """Two real workers, a real 4-bit model, a real exam; with so few steps nobody expects a right answer."""
    told: list[Event] = []
    folder, runs = tmp_path / "starter", tmp_path / "runs"
    score = tell(folder, runs, False, told.append, SMALL)

    assert titles(told) == ["archipelago", "tokenizer", "base", "before", "qlora", "exam"]
    assert isinstance(told[0], Hello)
    assert isinstance(told[-1], Finished)
    assert told[-1].outcome == "succeeded"
    assert told[-2] is score

    place, world = Place(folder), World(SMALL)
    answers = [event for event in told if isinstance(event, Answer)]
    assert [a.question for a in answers] == [question.question for _, question in world.exam]
    assert all(a.base_correct == (a.base == a.expected) for a in answers)
    assert score.questions == len(answers) == 10
    assert score.tuned_accuracy == sum(a.tuned_correct for a in answers) / 10

    by_name = {run.name: Run(run).load() for run in list_runs(runs)}
    assert set(by_name) == {"demo-base-1", "demo-tune-1"}
    assert all(run.state == "succeeded" for run in by_name.values())
    assert by_name["demo-base-1"].view.series["loss"].last != by_name["demo-tune-1"].view.series["loss"].last
    assert [c.run for c in told if isinstance(c, Chapter) and c.run] == ["demo-base-1", "demo-tune-1"]
    for name, run in by_name.items():
        assert run.view.data is not None
        assert run.view.data.findings == {}, f"{name} trains on rows that nothing is wrong with"

    assert place.has_base(SMALL.fingerprint(world.corpus_jsonl))
    assert (RunDir(runs / "demo-tune-1").adapter / "adapter_model.safetensors").is_file()
    assert len(JournalReader(place.story).read_all()) == len(told)
    folded = Story(folder)
    folded.refresh()
    assert folded.score is not None
    assert folded.run == "demo-tune-1"
    assert not is_held(place.lock)


def test_a_base_that_is_there_is_not_trained_again(tmp_path: Path, refused: list[str]) -> None:
    base_in(Place(tmp_path))
    told: list[Event] = []
    with pytest.raises(ModelError, match="no run today"):
        tell(tmp_path, tmp_path / "runs", False, told.append, SMALL)
    assert refused == ["tune.toml"]
    assert titles(told) == ["archipelago", "tokenizer", "base", "before"]
    assert "not trained again" in told[3].text  # type: ignore[attr-defined]
    last = told[-1]
    assert isinstance(last, Finished)
    assert (last.outcome, last.reason) == ("failed", "no run today")


def test_told_afresh_the_base_is_trained_again(tmp_path: Path, refused: list[str]) -> None:
    place = Place(tmp_path)
    base_in(place)
    with pytest.raises(ModelError):
        tell(tmp_path, tmp_path / "runs", True, lambda event: None, SMALL)
    assert refused == ["base.toml"]


def test_a_base_of_another_recipe_or_a_torn_one_is_not_taken(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert not place.has_base("x")
    World(SMALL).make_seed_model(place.base)
    assert not place.has_base("x")
    place.note_base("x")
    assert place.has_base("x")
    assert not place.has_base("y")
    weights = place.base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert not place.has_base("x")
    place.forget_base()
    place.forget_base()


def test_a_run_that_fails_ends_the_story_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is real; its learning rate is absurd."""
    base_in(Place(tmp_path))
    real = story.start_run

    def sabotage(config: Path, runs: Path) -> Any:
        return real(config, runs, ["train.learning_rate=1e30", "train.clip=0.0"])

    monkeypatch.setattr(story, "start_run", sabotage)
    with pytest.raises(TrainingError, match=r"demo-tune-1 has failed.*not a finite number"):
        tell(tmp_path, tmp_path / "runs", False, lambda event: None, SMALL)
    last = JournalReader(tmp_path / "story.jsonl").read_all()[-1]
    assert isinstance(last, Finished)
    assert "not a finite number" in last.reason


def test_two_cannot_tell_it_at_once(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = "import sys, pathlib; from engine.runs.lock import RunLock; l = RunLock(pathlib.Path(sys.argv[1])); print(); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "story.lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        with pytest.raises(RunError, match=r"being told in .* already"):
            tell(tmp_path, tmp_path / "runs", False, lambda event: None, SMALL)
    finally:
        holder.communicate(b"\n")


@pytest.mark.parametrize("recipe", [RECIPE, SMALL], ids=["real", "small"])
def test_the_run_files_are_run_files(tmp_path: Path, recipe: Any) -> None:
    place = Place(tmp_path)
    for path in (place.seed_model, place.base):
        path.mkdir()
    place.base_toml.write_text(base_toml(recipe, "The harbour of Velamoy is"))
    place.tune_toml.write_text(tune_toml(recipe, "Which harbour does Velamoy have?"))
    base, tune = load(place.base_toml), load(place.tune_toml)
    assert base.model.path == str(place.seed_model)
    assert base.data[0].path == str(place.corpus)
    assert (base.train.method, base.quantization.bits) == ("full", 32)
    assert tune.model.path == str(place.base)
    assert (tune.train.method, tune.quantization.bits, tune.quantization.type) == ("lora", 4, "nf4")
    assert "path" in tomllib.loads(place.tune_toml.read_text())["model"]


def test_the_chapter_before_counts_what_the_base_finishes() -> None:
    world = World(SMALL)
    right = [fact.value + ". More" for fact, _ in world.exam]
    wrong = ["nothing"] * len(right)
    assert "10 of 10" in before(world, right, "eh").text
    assert "0 of 10" in before(world, wrong, "eh").text
    assert "1 of 10" in before(world, right[:1] + wrong[1:], "eh").text


def test_numbers_of_the_real_recipe_suit_4_bit_layers() -> None:
    assert RECIPE.hidden % 64 == RECIPE.inner % 64 == 0
    assert len(World(RECIPE).exam) >= 40
