"""The ways to the Tokens screen and from it: open data, runs and their batches, a run file that was just written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from engine.runs import events as e
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from tests.tui import fakes
from tests.tui.conftest import sees, shown, until
from tests.tui.datafiles import boats, chats, looking_at, type_into
from tests.tui.tokenfiles import Make, boats_run, draft_of, run_file, screen_of, settled, tokenizer_folder, tokens_of
from tui.link.verbs import Started
from tui.screens.data import Data
from tui.screens.dialogs import new_run
from tui.screens.monitor import Monitor
from tui.screens.tokens import Tokens


async def test_open_data_are_looked_at_as_tokens_and_become_a_run_file(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tokenizer_folder(tmp_path / "model")
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl"), chats(tmp_path / "chats.jsonl")) as pilot:
        await pilot.press("G")
        await until(pilot, lambda: app.desk.source.row is not None and app.desk.source.row.number == 200)  # type: ignore[union-attr]
        await pilot.press("i")
        await sees(pilot, "tokenizer", "Whose tokens?", "tokenizer alone")
        await type_into(pilot, str(folder), "enter")
        await until(pilot, lambda: app.drafts.current is not None)
        await settled(pilot)
        await sees(pilot, "2 sources", "row 199 of 229", "boats.jsonl:200", "Boat·199")
        assert app.desk.tokenizer == str(folder)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Data))
        await pilot.press("right_square_bracket", "j", "j")
        await until(pilot, lambda: app.desk.source.row is not None and app.desk.source.row.number == 3)  # type: ignore[union-attr]
        await pilot.press("i")
        await sees(pilot, "row 202 of 229", "chats.jsonl:3", "The·keeper")
        assert len(app.drafts.drafts) == 1, "the same sources are the same draft"
        await pilot.press("less_than_sign")
        await settled(pilot)
        await pilot.press("w")
        await sees(pilot, "write the changes", "2-sources.toml is new")
        await pilot.press("ctrl+u")
        await type_into(pilot, "both.toml", "enter")
        await until(pilot, lambda: draft_of(pilot).origin.path.endswith("both.toml"))
        await settled(pilot)
        await sees(pilot, "both.toml", "row 202 of 229")
        assert not draft_of(pilot).changes
    tables = tomllib.loads((tmp_path / "both.toml").read_text())
    assert [table["path"] for table in tables["data"]] == ["boats.jsonl", "chats.jsonl"]
    assert tables["model"]["path"] == "model"
    assert tables["tokens"]["max_length"] == 960


async def test_tokens_are_the_next_step_after_a_run_file(
    make_app: Make, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(path: Path, runs_dir: Path) -> Started:
        assert path == tmp_path / "boats.toml"
        fakes.begin(runs_dir, "boats-1", fakes.Clock())
        return Started(run="boats-1")

    monkeypatch.setattr(new_run, "start_run", start)
    monkeypatch.chdir(tmp_path)
    tokenizer_folder(tmp_path / "model")
    app = make_app()
    async with looking_at(app, boats(tmp_path / "boats.jsonl")) as pilot:
        await pilot.press("u")
        await sees(pilot, "use in a run")
        await pilot.press("enter")
        await type_into(pilot, "model", "enter")
        await sees(pilot, "the run file is ready", "see its tokens", "start it now", "go on looking")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Tokens))
        await settled(pilot)
        await sees(pilot, "boats.toml", "row 1 of 199", "What·does")
        await pilot.press("R")
        await sees(pilot, "start a run", "start it")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Monitor))


def run_with_steps(runs: Path, tmp_path: Path, prints: dict[int, str], cells: int = 0) -> RunDir:
    """A run of the file `boats.toml` whose journal has these fingerprints."""
    run, journal = fakes.begin(runs, "boats-1", fakes.Clock(), steps=13)
    tables = (tmp_path / "boats.toml").read_text()
    tables = tables.replace('"model"', f'"{tmp_path / "model"}"').replace(
        '"boats.jsonl"', f'"{tmp_path / "boats.jsonl"}"'
    )
    run.config.write_text(tables)
    for step, fingerprint in prints.items():
        journal.append(e.Step(step=step, epoch=0.1, loss=2.0 / step, batch=fingerprint, seconds=2.0, cells=cells))
    journal.close()
    return run


async def test_the_batch_of_a_step_has_the_fingerprint_that_the_journal_has(
    make_app: Make, runs: Path, tmp_path: Path
) -> None:
    path = boats_run(tmp_path)
    async with tokens_of(make_app(), path) as pilot:
        found = draft_of(pilot).batch.found
        assert found is not None
        first, cells = found.fingerprint, found.cells
    run_with_steps(runs, tmp_path, {1: first, 2: "0123456789ab"}, cells)
    app = make_app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "boats-1")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, Tokens))
        await settled(pilot)
        await sees(pilot, "boats-1", "row 1 of 59", "✓ as journaled")
        await pilot.press("full_stop")
        await sees(pilot, "batch 2 of 13", "✗ differs: journal 01234")
        await pilot.press("full_stop")
        await sees(pilot, "batch 3 of 13", "not trained yet")
        third = draft_of(pilot).batch.found
        assert third is not None
        journal = Journal(runs / "boats-1" / "events.jsonl", lambda: fakes.NOON + 100)
        journal.append(e.Step(step=3, epoch=0.2, loss=0.5, batch=third.fingerprint, seconds=2.0, cells=cells))
        journal.close()
        app.link.hurry()
        await sees(pilot, "batch 3 of 13", "✓ as journaled")
        await pilot.press("escape", "enter")
        await pilot.press("left")
        await sees(pilot, "boats-1", "⏎ batch")
        await pilot.press(*["left_square_bracket"] * 12, "enter")
        await until(pilot, lambda: isinstance(app.screen, Tokens))
        await settled(pilot)
        assert screen_of(pilot).pane == "batch"
        await sees(pilot, "batch 1 of 13", "✓ as journaled")
        await pilot.press("escape", "escape")
        assert isinstance(app.screen, Monitor), "back to where one was"
        await pilot.press("t")
        await sees(pilot, "of 59")
        await pilot.press("D")
        await settled(pilot)
        await sees(pilot, "1 change not in boats-1", "your changes")
        await pilot.press("w")
        await sees(pilot, "boats-1.toml is new", "tokens.padding_side")
        await pilot.press("escape", "u")
        await settled(pilot)
        assert (runs / "boats-1" / "run.toml").read_text().count("padding_side") == 0, "a run's own file stays as it is"


async def test_the_time_of_a_way_of_batching_follows_from_a_run_of_the_same_model(
    make_app: Make, runs: Path, tmp_path: Path
) -> None:
    path = run_file(tmp_path / "boats.toml", boats(tmp_path / "boats.jsonl", 60))
    run = run_with_steps(runs, tmp_path, {1: "x"}, cells=10)
    text = run.journal.read_text().replace("models/SmolLM2-135M", str(tmp_path / "model"))
    run.journal.write_text(text)
    app = make_app()
    async with tokens_of(app, path) as pilot:
        await until(pilot, lambda: "boats-1" in app.link.runs)
        screen_of(pilot).news_of_tokens({"drafts"})
        measured = draft_of(pilot).measured
        assert measured is not None
        now = next(way for way in measured.strategies if way.current)
        await sees(pilot, f"{now.cells * 0.2 // 60:.0f} min {now.cells * 0.2 % 60:02.0f} s")
        assert "1.00 x" not in shown(app)
