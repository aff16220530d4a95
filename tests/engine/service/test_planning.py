"""Plans of a draft: first quickly, then exact, by a planner in a process of its own."""

from __future__ import annotations

import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.config.load import load
from engine.errors import ConfigError, DataError, ModelError, ResourceError
from engine.plan.device import named_device
from engine.plan.run_plan import plan_run
from engine.plan_facts import RunPlan
from engine.plan_talk import Question
from engine.service import drafting, planning
from engine.service.jobs import Ended
from engine.service.planner import Planner
from engine.service.protocol import CloseDraft, Done, PlanDraft, Planned
from engine.tokens.folder import tokenizer_folder
from engine.tokens.prepare import prepare
from engine.tokens.tokenizer import load_tokenizer
from tests.engine.service.drafts import Desk, rows_file, tables
from tests.engine.service.talk import until
from tests.tiny import run_toml

WAYS: list[list[str]] = [
    [],
    ["tokens.max_length=24", 'tokens.truncation="left"', "train.batch_size=3"],
    ["tokens.max_length=20", 'tokens.truncation="split"', "train.epochs=2.5"],
    ['tokens.packing="bfd"', "tokens.max_length=96", "train.steps=7", "train.grad_accumulation=2"],
    ['tokens.supervise="all"', "tokens.train_on_eos=false", "tokens.group_by_length=true"],
    ["quantization.bits=8", "train.gradient_checkpointing=true"],
]


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """One service for all: its planner takes seconds to load."""
    one = Desk()
    yield one
    one.sources.drafts.planner.stop()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return rows_file(tmp_path / "rows.jsonl")


def planned(desk: Desk, draft: int, device: str = "24GB", **changes: Any) -> list[Planned]:
    """All answers to a question, the final one last."""
    before = len(desk.channel.said)
    keys = {key.replace("__", "."): value for key, value in changes.items()}
    final = desk.ask(PlanDraft, Planned, draft=draft, changes=keys, device=device, timed=not device, runs="/nowhere")
    return [*(said for said in desk.channel.said[before:] if isinstance(said, Planned)), final]


def facts(plan: RunPlan) -> dict[str, Any]:
    return msgspec.to_builtins(plan)  # type: ignore[no-any-return]


@pytest.mark.parametrize("overrides", WAYS, ids=lambda keys: " ".join(keys) or "plain")
def test_the_exact_plan_is_the_one_of_the_verb(
    desk: Desk, tiny_model: Path, data: Path, tmp_path: Path, overrides: list[str]
) -> None:
    file = run_toml(tmp_path / "boats.toml", tiny_model, data)
    run = load(file, overrides)
    folder, config, _ = tokenizer_folder(run.model)
    prepared = prepare(run, load_tokenizer(folder, False), config)
    theirs = plan_run(run, prepared, folder, named_device("24GB"), runs=Path("/nowhere"))
    draft, _ = desk.open_draft(path=str(file))
    ours = planned(desk, draft, **_dunder(dict(_split(one) for one in overrides)))[-1]
    assert ours.exact
    assert ours.final
    assert (ours.rows_known, ours.rows) == (28, 28)
    assert facts(ours.plan) == facts(theirs)


def _split(override: str) -> tuple[str, Any]:
    key, _, value = override.partition("=")
    return key, tomllib.loads(f"x = {value}")["x"]


def test_a_change_of_adapters_is_guessed_first_and_then_exact(desk: Desk, tiny_model: Path, data: Path) -> None:
    draft, _ = desk.open_draft(table=tables(tiny_model, data))
    first = planned(desk, draft, lora__rank=5)
    assert first[-1].exact
    for changes in ({"lora__rank": 7}, {"train__batch_size": 5}, {"tokens__max_length": 43}):
        guess, *_, exact = planned(desk, draft, lora__alpha=8, **{"lora__rank": 5, **changes})
        assert (guess.exact, guess.final) == (False, False)
        assert (exact.exact, exact.final) == (True, True)
        assert guess.plan.memory.peak == pytest.approx(exact.plan.memory.peak, rel=0.1)
        assert guess.plan.steps == exact.plan.steps
        assert guess.plan.trainable_parameters == exact.plan.trainable_parameters  # counted on the shapes themselves
        same = planned(desk, draft, lora__alpha=64, train__learning_rate=1e-5, **{"lora__rank": 5, **changes})
        assert [answer.exact for answer in same] == [True]


def test_what_does_not_fit_says_what_would(desk: Desk, tiny_model: Path, data: Path) -> None:
    draft, _ = desk.open_draft(table=tables(tiny_model, data, tokens={"max_length": 128}))
    answers = planned(desk, draft, device="0.5GB", train__batch_size=64, tokens__pad_to_multiple_of=256)
    final = answers[-1].plan
    assert not final.memory.fits
    assert final.remedies
    assert answers[0].plan.remedies == []  # the first answer does not wait for them
    keys = dict(final.remedies[0].changes)
    before = final.memory.peak
    after = planned(
        desk,
        draft,
        device="0.5GB",
        **{"train__batch_size": 64, "tokens__pad_to_multiple_of": 256, **_dunder(keys)},
    )[-1].plan.memory
    assert before - after.peak == pytest.approx(final.remedies[0].saves, rel=0.2)


def _dunder(keys: dict[str, Any]) -> dict[str, Any]:
    return {key.replace(".", "__"): value for key, value in keys.items()}


def test_mistakes_are_said_in_words(desk: Desk, tiny_model: Path, data: Path) -> None:
    draft, _ = desk.open_draft(table=tables(tiny_model, data))
    with pytest.raises(ConfigError, match=r"lora\.rank"):
        planned(desk, draft, lora__rank=0)
    with pytest.raises(ModelError, match=r"^'much' is not an amount of memory"):
        planned(desk, draft, device="much")
    with pytest.raises(DataError, match="no open draft 99"):
        planned(desk, 99)
    assert planned(desk, draft)[-1].final  # the planner lives on


def test_a_newer_question_ends_the_one_before(desk: Desk, tiny_model: Path, data: Path) -> None:
    draft, _ = desk.open_draft(table=tables(tiny_model, data))
    planned(desk, draft)
    ended: list[object] = []

    def ask(rank: int) -> None:
        try:
            ended.append(planned(desk, draft, lora__rank=rank)[-1])
        except Ended as end:
            ended.append(end)

    threads = [threading.Thread(target=ask, args=(rank,)) for rank in range(4, 24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    plans = [one for one in ended if isinstance(one, Planned)]
    assert len(ended) == 20
    assert 1 <= len(plans) < 20
    assert planned(desk, draft, lora__rank=5)[-1].final  # nothing is left over that keeps the planner busy


def test_closing_a_draft_ends_its_plan(
    desk: Desk, tiny_model: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, _ = desk.open_draft(table=tables(tiny_model, data))
    waits = threading.Event()
    monkeypatch.setattr(
        planning, "_test_rows", lambda look: waits.wait(10) and planning.np.zeros(0, dtype=planning.np.int64)
    )
    ended: list[type[BaseException]] = []

    def ask() -> None:
        try:
            planned(desk, draft)
        except BaseException as error:  # noqa: BLE001
            ended.append(type(error))

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: desk.jobs.at_work("plan", -draft))
    desk.ask(CloseDraft, Done, draft=draft)
    waits.set()
    thread.join(20)
    assert ended == [Ended]


def test_rows_that_are_not_all_read_are_planned_from_those_that_are(
    desk: Desk, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "SAMPLE_ROWS", 12)
    draft, _ = desk.open_draft(table=tables(tiny_model, rows_file(tmp_path / "many.jsonl", 40)), exact=False)
    answer = planned(desk, draft)[-1]
    assert (answer.exact, answer.final, answer.rows) == (False, True, 0)
    assert 0 < answer.rows_known <= 12
    desk.open_draft(draft=draft)
    whole = planned(desk, draft)[-1]
    assert whole.exact
    assert whole.rows_known == whole.rows > 12
    assert whole.plan.steps > answer.plan.steps


def test_rows_that_are_not_all_counted_stand_for_the_others(
    desk: Desk, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, _ = desk.open_draft(table=tables(tiny_model, rows_file(tmp_path / "many.jsonl", 200)))
    exact = planned(desk, draft)[-1]
    look = desk.sources.drafts.look(draft)
    look.measures.known[look.train_rows[::2]] = False
    look._outcome = None
    desk.sources.drafts.get(draft).counted.clear()
    some = planned(desk, draft)[-1]
    assert (some.exact, some.final) == (False, True)
    assert some.rows_known < some.rows == exact.rows
    assert some.plan.steps == exact.plan.steps
    assert some.plan.tokens == pytest.approx(exact.plan.tokens, rel=0.05)


def test_a_planner_that_died_is_replaced() -> None:
    """It ends as soon as it is spoken to, as a process does that the system kills."""
    planner = Planner([sys.executable, "-S", "-c", "import sys; sys.stdin.buffer.read(1)"])
    question = Question(id=0, draft=1, run={}, folder="", train=1, test=0, max_length=8)
    pids = []
    for _ in range(2):
        with planner.asked(question, {}) as replies:
            pids.append(planner.pid)
            assert replies.get(timeout=20) is None
    planner.stop()
    assert len(set(pids)) == 2


def test_who_asked_a_planner_that_died_hears_it_though_another_lives() -> None:
    planner = Planner([sys.executable, "-S", "-c", "import sys; sys.stdin.buffer.read()"])
    question = Question(id=0, draft=1, run={}, folder="", train=0, test=0, max_length=8)
    with planner.asked(question, {}) as replies:
        first, dead = planner._process, planner.pid
        assert first is not None
        with planner._lock:  # nobody has been told yet
            first.kill()
            first.wait()
            assert planner._running().pid != dead
        assert replies.get(timeout=10) is None
    planner.stop()


def test_a_planner_that_says_nonsense_is_given_up() -> None:
    nonsense = "import sys; sys.stdout.buffer.write(b'\\3\\0\\0\\0xyz'); sys.stdout.flush(); sys.stdin.buffer.read()"
    planner = Planner([sys.executable, "-S", "-c", nonsense])
    question = Question(id=0, draft=1, run={}, folder="", train=0, test=0, max_length=8)
    with planner.asked(question, {}) as replies:
        assert replies.get(timeout=10) is None
    assert planner.pid is None


def test_a_planner_that_cannot_be_started_is_said() -> None:
    with pytest.raises(ResourceError, match="cannot be started"):
        Planner(["/no/such/program"]).start()
