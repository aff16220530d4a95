"""The thread that reads: it hands over, keeps up, and costs nothing for runs that ended."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from textual.message import Message

from engine.runs import events as e
from engine.runs import glance as glancing
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from tests.tui import fakes
from tui.link import Link, RunFound, RunGrew, RunsListed, StoryGrew, VerbError, start_run, start_story, verbs
from tui.link import tail as tail_module


class Desk:
    """Stands for the app: takes messages."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def post_message(self, message: Message) -> None:
        self.messages.append(message)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def link(desk: Desk, runs: Path, tmp_path: Path) -> Link:
    return Link(desk, runs, tmp_path / "starter")  # type: ignore[arg-type]


def take(link: Link, desk: Desk) -> set[str]:
    """What the app would do with the messages."""
    changed: set[str] = set()
    for message in desk.messages:
        if isinstance(message, RunsListed | RunFound | RunGrew):
            changed |= link.accept(message)
    desk.messages.clear()
    return changed


def test_a_run_is_found_read_and_then_followed(link: Link, desk: Desk, runs: Path) -> None:
    clock = fakes.Clock()
    run, journal = fakes.begin(runs, "a-1", clock)
    fakes.train(journal, clock, 1, 20)
    with fakes.held(run):
        link._scan()
        assert take(link, desk) == {"a-1"}
        assert link.runs["a-1"].view.step == 20
        assert link.runs["a-1"].state == "running"
        assert [r.dir.name for r in link.live()] == ["a-1"]
        fakes.train(journal, clock, 21, 30)
        link._scan()
        assert [type(m) for m in desk.messages] == [RunGrew]
        assert take(link, desk) == {"a-1"}
        assert link.runs["a-1"].view.step == 30
        link._scan()
        assert desk.messages == [], "nothing new is nothing said"
    link._scan()
    assert take(link, desk) == {"a-1"}
    assert link.runs["a-1"].state == "crashed"
    assert link.live() == []


def test_the_view_is_the_same_however_it_was_read(link: Link, desk: Desk, runs: Path) -> None:
    clock = fakes.Clock()
    _, journal = fakes.begin(runs, "a-1", clock)
    link._scan()
    fakes.train(journal, clock, 1, 60)
    link._scan()
    take(link, desk)
    other = Link(desk, runs, runs)  # type: ignore[arg-type]
    other._scan()
    take(other, desk)
    assert link.runs["a-1"].view.summary() == other.runs["a-1"].view.summary()


def test_an_ended_run_is_not_read_again(link: Link, desk: Desk, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.whole_run(runs, "done-1", 30)
    link._scan()
    take(link, desk)
    monkeypatch.setattr(type(link._tails["done-1"].reader), "read_blocks", lambda *_: pytest.fail("it was read"))
    link._scan()
    assert desk.messages == []


def test_a_run_that_is_made_anew_is_read_anew_and_one_that_goes_is_gone(link: Link, desk: Desk, runs: Path) -> None:
    run = fakes.whole_run(runs, "a-1", 60)
    link._scan()
    take(link, desk)
    run.journal.write_bytes(b"")
    journal = Journal(run.journal)
    journal.append(e.Hello(run="a-1", pid=1, host="h"))
    link._scan()
    take(link, desk)
    assert link.runs["a-1"].view.step == 0
    run.config.unlink()
    link._scan()
    take(link, desk)
    assert link.runs == {}


def test_runs_that_cannot_be_read_do_not_stop_it(link: Link, desk: Desk, runs: Path) -> None:
    (runs / "empty-1").mkdir()
    (runs / "empty-1" / "run.toml").write_text("")
    (runs / "torn-1").mkdir()
    (runs / "torn-1" / "run.toml").write_text("")
    (runs / "torn-1" / "events.jsonl").write_bytes(b'{"type":"hello"}\nnot json\n\xff\xfe\n{"type":"st')
    link._scan()
    take(link, desk)
    assert {name: run.state for name, run in link.runs.items()} == {"empty-1": "crashed", "torn-1": "crashed"}
    assert "before its first word" in link.reason(link.runs["empty-1"])


def test_the_story_is_a_copy(link: Link, desk: Desk, tmp_path: Path) -> None:
    fakes.story(tmp_path / "starter")
    link.read_story_now()
    assert len(link.story.chapters) == 6
    assert len(link.story.answers) == 12
    assert link.story.score is not None
    assert link.story.run == "demo-1"
    assert not link.story.alive


def test_the_thread_ends_when_told(link: Link, desk: Desk, runs: Path) -> None:
    import threading

    fakes.whole_run(runs, "a-1", 12)
    thread = threading.Thread(target=link.tail)
    thread.start()
    deadline = time.monotonic() + 5
    while not any(isinstance(m, RunFound) for m in desk.messages) and time.monotonic() < deadline:
        time.sleep(0.01)
    start = time.monotonic()
    link.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert time.monotonic() - start < 1
    assert any(isinstance(m, RunFound) for m in desk.messages)
    assert not any(isinstance(m, StoryGrew) for m in desk.messages), "no story, no news of one"


@pytest.fixture
def engine_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    """Puts a little program in the place of `python -m engine`."""

    def say(program: str) -> None:
        path = tmp_path / "engine_stand_in.py"
        path.write_text(program)
        monkeypatch.setattr(verbs, "_command", lambda *arguments: [sys.executable, str(path), *arguments])

    return say


async def test_train_answers_with_the_run(engine_says: object, runs: Path) -> None:
    engine_says('import sys, json; print(json.dumps({"run": "a-1", "path": sys.argv[2]}))')  # type: ignore[operator]
    assert (await start_run(Path("/x/run.toml"), runs)).run == "a-1"


async def test_a_refusal_is_told_in_its_own_words(engine_says: object, runs: Path) -> None:
    engine_says("import sys; print('unknown key `lora.rnak`', file=sys.stderr); sys.exit(2)")  # type: ignore[operator]
    with pytest.raises(VerbError, match=r"unknown key `lora\.rnak`"):
        await start_run(Path("run.toml"), runs)
    engine_says("import sys; sys.exit(3)")  # type: ignore[operator]
    with pytest.raises(VerbError, match="ended with code 3"):
        await start_run(Path("run.toml"), runs)
    engine_says("print('hello')")  # type: ignore[operator]
    with pytest.raises(VerbError, match="not understood"):
        await start_run(Path("run.toml"), runs)


def test_a_story_that_dies_is_told(link: Link, desk: Desk, engine_says: object, tmp_path: Path) -> None:
    engine_says("import sys; print('no space left'); sys.exit(3)")  # type: ignore[operator]
    link.storyteller = start_story(tmp_path / "starter", tmp_path / "runs", fresh=False)
    link.storyteller.wait(10)
    link.read_story_now()
    assert link.story.failure == "no space left"
    assert not link.story.alive


def long_run(runs: Path, name: str, steps: int) -> None:
    """A run with so many steps, of few bytes each."""
    run = RunDir(runs / name)
    run.path.mkdir(parents=True)
    run.config.write_text("")
    lines = [
        e.encode(e.Hello(run=name, pid=1, host="h")),
        e.encode(e.Plan(steps=steps, steps_per_epoch=9, batch_size=1)),
    ]
    lines += [e.encode(e.Step(step=n, epoch=0.0, loss=1.0 + n % 7, tokens=5, t=n / 10)) for n in range(1, steps + 1)]
    run.journal.write_bytes(b"".join([*lines, e.encode(e.Finished(outcome="succeeded", step=steps))]))


@pytest.fixture
def small_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long is what a test can make."""
    monkeypatch.setattr(glancing, "LONG_BYTES", 300_000)
    monkeypatch.setattr(glancing, "_HEAD_BYTES", 10_000)
    monkeypatch.setattr(glancing, "_TAIL_BYTES", 10_000)
    for name, steps in (("WHOLE_STEPS", 500), ("THIN_STEPS", 100), ("BUDGET_STEPS", 3000), ("UNSEEN_STEPS", 2500)):
        monkeypatch.setattr(tail_module, name, steps)


def test_a_long_run_is_shown_from_afar_and_then_whole(link: Link, desk: Desk, runs: Path, small_budget: None) -> None:
    long_run(runs, "long-1", 2000)
    link._scan()
    take(link, desk)
    first = link.runs["long-1"]
    assert (first.view.step, first.state, first.view.thinned) == (2000, "succeeded", True)
    assert first.view.series["loss"].steps[0] == 1
    assert link._fill(10.0)
    take(link, desk)
    whole = link.runs["long-1"]
    assert whole is not first
    assert not whole.view.thinned
    assert list(whole.view.series["loss"].steps) == list(range(1, 2001))
    assert not link._fill(10.0), "nothing is left to read"
    link._scan()
    assert desk.messages == []


def test_long_curves_together_have_a_budget(link: Link, desk: Desk, runs: Path, small_budget: None) -> None:
    """The run on the screen is whole; it takes the room of the one that was left."""
    for name in ("a-1", "b-1", "c-1"):
        long_run(runs, name, 2000)

    def read() -> dict[str, int]:
        link._scan()
        take(link, desk)
        for _ in range(6):
            link._fill(0.5)
            take(link, desk)
        return {name: run.view.points for name, run in link.runs.items()}

    points = read()
    assert sorted(points.values())[-1] == 2000
    assert sum(points.values()) < 2000 + 2 * 120, "two of them are thinned"
    for name in ("a-1", "b-1", "c-1", "a-1"):
        link.focus = name
        points = read()
        assert points[name] == 2000
        assert not link.runs[name].view.thinned
        assert sum(points.values()) < 3000
        assert {run.view.step for run in link.runs.values()} == {2000}


def test_what_comes_while_a_long_run_is_read_is_not_lost(
    link: Link, desk: Desk, runs: Path, small_budget: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_module, "BITE_BYTES", 40_000)
    long_run(runs, "long-1", 2000)
    path = runs / "long-1" / "events.jsonl"
    link.focus = "long-1"
    link._scan()
    for step in range(2001, 2030):
        with path.open("ab") as file:
            file.write(e.encode(e.Step(step=step, epoch=0.0, loss=9.0, t=step / 10)))
        link._scan()
        link._fill(0.0005)
        take(link, desk)
        assert link.runs["long-1"].view.step == step
    while link._fill(1.0):
        pass
    link._scan()
    take(link, desk)
    view = link.runs["long-1"].view
    assert list(view.series["loss"].steps) == list(range(1, 2030))
    assert view.last("loss") == 9.0


def test_a_longer_journal_in_place_of_another_is_read_anew(link: Link, desk: Desk, runs: Path, tmp_path: Path) -> None:
    """As when a backup is put back: what was read of the other file is no beginning of this one."""
    fakes.whole_run(runs, "a-1", 12)
    link._scan()
    take(link, desk)
    longer = fakes.whole_run(tmp_path / "elsewhere", "a-1", 40, seed=3)
    longer.journal.replace(runs / "a-1" / "events.jsonl")
    link._scan()
    assert take(link, desk) == {"a-1"}
    assert link.runs["a-1"].view.step == 40
    assert len(link.runs["a-1"].view.series["loss"]) == 40
    link._scan()
    assert take(link, desk) == set()
