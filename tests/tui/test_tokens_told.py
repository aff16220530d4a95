"""What the Tokens screen asks before something is lost or begun, and what it says where a key can do nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Key, Paste
from textual.pilot import Pilot

from engine.runs.paths import RunDir
from engine.service import protocol as p
from engine.token_facts import SegmentFact, TokenFact
from tests.tui import fakes
from tests.tui.conftest import sees, shown, until
from tests.tui.tokenfiles import Make, boats_run, draft_of, rows_run, screen_of, settled, tokens_of
from tui.app import LuthierApp
from tui.link.verbs import Started
from tui.screens.dialogs import new_run
from tui.screens.dialogs.confirm import Confirm
from tui.screens.monitor import Monitor
from tui.screens.tokens import Tokens
from tui.tokens.places import place_in
from tui.widgets.batch_map import BatchMap

NAMES = {
    "#": "number_sign",
    "]": "right_square_bracket",
    "/": "slash",
    ".": "full_stop",
    "-": "minus",
    "_": "underscore",
}


def told(app: LuthierApp) -> list[str]:
    """The toasts."""
    return [toast.message for toast in app._notifications]


def burst(pilot: Pilot[object], text: str) -> None:
    """All keys at once, as a terminal sends what is typed ahead."""
    for char in text:
        pilot.app.post_message(Key(NAMES.get(char, char), char))


def with_context(tmp_path: Path, path: Path, context: int) -> Path:
    """The same run file with a model that holds so many tokens."""
    (tmp_path / "model" / "config.json").write_text(
        f'{{"model_type": "llama", "vocab_size": 400, "max_position_embeddings": {context}}}'
    )
    return path


async def test_changes_are_not_lost_by_quitting(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with tokens_of(app, boats_run(tmp_path)) as pilot:
        await pilot.press("D", "a")
        await settled(pilot)
        await pilot.press("ctrl+q")
        await sees(pilot, "boats.toml: 2 changes are not written.", "leave without writing", "stay")
        await pilot.press("ctrl+q")
        assert sum(isinstance(screen, Confirm) for screen in app.screen_stack) == 1
        await pilot.press("escape")
        assert len(draft_of(pilot).changes) == 2
        await pilot.press("1", "q")
        await sees(pilot, "2 changes are not written")
        assert app._exit is False
        await pilot.press("enter")
        await until(pilot, lambda: app._exit)
    assert app.return_value == []


async def test_nothing_is_asked_where_nothing_would_be_lost(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.app._LAST_WORD_S", 1e6)  # its watchdog would end the tests
    app = make_app()
    async with tokens_of(app, boats_run(tmp_path)) as pilot:
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app._exit)
        assert not any(isinstance(screen, Confirm) for screen in app.screen_stack)
    app = make_app()
    async with tokens_of(app, tmp_path / "boats.toml") as pilot:
        await pilot.press("D")
        app._end_by_signal()
        await until(pilot, lambda: app._exit)
        assert not any(isinstance(screen, Confirm) for screen in app.screen_stack)


@pytest.mark.parametrize("place", ["2", "3"])
async def test_what_is_typed_ahead_lands_in_the_field(make_app: Make, place: str) -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press(place)
        await pilot.pause()
        burst(pilot, "o/no/such-1.toml")
        app.post_message(Paste("Rest"))
        await until(pilot, lambda: getattr(app.focused, "value", "").endswith("Rest"))
        assert app.focused.value == "/no/such-1.tomlRest"  # type: ignore[union-attr]
        assert len(app.screen_stack) == 4, "no key did anything else"


async def test_a_number_is_typed_ahead(make_app: Make, tmp_path: Path) -> None:
    async with tokens_of(make_app(), boats_run(tmp_path)) as pilot:
        burst(pilot, "#37")
        pilot.app.post_message(Key("enter", None))
        await until(pilot, lambda: draft_of(pilot).row == 37)
        burst(pilot, "]]")
        await until(pilot, lambda: draft_of(pilot).row == 39)


async def test_a_run_is_started_after_a_question(
    make_app: Make, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    async def start(path: Path, runs_dir: Path) -> Started:
        started.append(path.read_text())
        fakes.begin(runs_dir, "boats-1", fakes.Clock())
        return Started(run="boats-1")

    monkeypatch.setattr(new_run, "start_run", start)
    app = make_app()
    async with tokens_of(app, boats_run(tmp_path)) as pilot:
        await pilot.press("R")
        await sees(pilot, "start a run", "boats.toml is trained now.")
        await pilot.press("escape", "D")
        await settled(pilot)
        assert not started
        await pilot.press("R")
        await sees(pilot, "1 change is not written", "write first")
        await pilot.press("enter")
        await sees(pilot, "write the changes", "padding_side")
        await pilot.press("enter")
        await sees(pilot, "boats.toml is trained now.", "start it")
        assert any("Written to boats.toml." in text for text in told(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Monitor))
    assert 'padding_side = "left"' in started[0]


async def test_a_limit_that_goes_no_further_says_why(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    path = with_context(tmp_path, boats_run(tmp_path, max_length=128), 128)
    async with tokens_of(app, path) as pilot:
        await pilot.press("greater_than_sign")
        await sees(pilot, "128 is all that this model holds.")
        assert not draft_of(pilot).changes
        app.clear_notifications()  # what is on the screen is not said twice
        await pilot.press("right_curly_bracket")
        await sees(pilot, "128 is all that this model holds.")
        await pilot.press("equals_sign")
        await sees(pilot, "8 to 128. 128 is all that this model holds.")
        await pilot.press("1", "2", "9", "enter")
        await sees(pilot, "A number from 8 to 128. 128 is all")


async def test_the_cursor_goes_to_what_was_found_and_the_count_is_forgotten(make_app: Make, tmp_path: Path) -> None:
    rows = [(f"Is {i} it?", "It is. " * (2000 if i == 2 else 3)) for i in range(6)]
    async with tokens_of(make_app(), rows_run(tmp_path, rows, max_length=4000)) as pilot:
        screen, draft = screen_of(pilot), draft_of(pilot)
        await pilot.press("f", "n")
        await until(pilot, lambda: draft.row == 3 and screen.strip.token is not None and draft.token == 4000)
        assert screen.strip.token is not None
        assert screen.strip.token.mark == "cut"
        await sees(pilot, "1 of 1 found")
        await pilot.press("less_than_sign")
        await settled(pilot)
        assert "found" not in shown(pilot.app).splitlines()[2]  # type: ignore[arg-type]
        assert draft.place == (0, 0)


async def test_a_batch_from_the_monitor_shows_its_first_row(make_app: Make, runs: Path, tmp_path: Path) -> None:
    boats_run(tmp_path)
    run, journal = fakes.begin(runs, "boats-1", fakes.Clock(), steps=13)
    assert isinstance(run, RunDir)
    text = (tmp_path / "boats.toml").read_text()
    for name in ("model", "boats.jsonl"):
        text = text.replace(f'"{name}"', f'"{tmp_path / name}"')
    run.config.write_text(text)
    journal.close()
    app = make_app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "boats-1")
        app.open_run_tokens("boats-1", step=5)
        await until(pilot, lambda: isinstance(app.screen, Tokens))
        await settled(pilot)
        draft = draft_of(pilot)
        first = screen_of(pilot).query_one(BatchMap).document
        assert first is not None
        assert draft.row == first.row != 1
        await sees(pilot, "batch 5 of 13", f"row {first.row} of 59")
        await pilot.press("full_stop")
        await sees(pilot, "batch 6 of 13")
        assert draft.row == first.row, "the row stays where somebody only turns the batches"


async def test_keys_that_can_do_nothing_say_why(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    path = boats_run(tmp_path)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        app.open_run_file(path)
        await until(pilot, lambda: isinstance(app.screen, Tokens) and app.screen.composed)
        draft = draft_of(pilot)
        draft.facts, draft.measured, draft.state = None, None, "opening"
        for key in ("n", "number_sign", "right_square_bracket", "full_stop"):
            app._notifications.clear()
            await screen_of(pilot).run_action(  # before anything else can arrive
                {"n": "next_finding", "number_sign": "go_to_row", "full_stop": "next_batch"}.get(key, "next_row")
            )
            draft.facts = None
            await until(pilot, lambda: told(app) or draft.facts)
            if draft.facts is None:
                assert told(app) == ["The rows are still being read."]
        await settled(pilot)
        app._notifications.clear()
        await pilot.press("n", "u")
        await until(pilot, lambda: len(told(app)) == 2)
        assert told(app) == ["Nothing is found in these rows.", "Nothing to undo."]
        await pilot.press("D")
        await settled(pilot)
        await pilot.press("w", "enter")
        await until(pilot, lambda: not draft.changes)
        await settled(pilot)
        await pilot.press("u")
        await until(pilot, lambda: "Nothing to undo: the last changes are written." in told(app))
        await sees(pilot, "vocabulary 358")


def row_of(*tokens: tuple[str, str, int, str], **other: object) -> p.Tokens:
    """A made-up window: (piece, bytes, segment, mark) of each token, each of one character."""
    facts = [
        TokenFact(i, piece, data, i, i + 1, segment, mark, not data, 0)  # type: ignore[arg-type]
        for i, (piece, data, segment, mark) in enumerate(tokens)
    ]
    half = len(facts) // 2
    segments = [
        SegmentFact(0, half, "template", "", False),
        SegmentFact(half, len(facts), "assistant", "answer", True),
    ]
    values: dict[str, object] = {"total": len(facts), "sequences": [(0, len(facts))], "text": "x" * len(facts)}
    return p.Tokens(
        id=0, draft=1, row=1, origin="", source=0, split="train", template="qa", segments=segments, tokens=facts,
        **(values | other),  # type: ignore[arg-type]
    )  # fmt: skip


def test_places_of_findings() -> None:
    row = row_of(
        ("<s>", "", 0, "masked"), ("a", "61", 0, "masked"), ("<s>", "", 1, "trained"), ("b", "62", 1, "trained")
    )
    assert place_in("special_in_text", row) == 2, "that of the template is no finding"
    assert place_in("unknown_token", row) == 2
    assert place_in("straddle", row) == 2
    assert place_in("role_order", row) == 0
    assert place_in("cut", row_of(("a", "61", 0, "masked"), total=9, sequences=[(0, 5)])) == 5
    assert place_in("cut", row_of(("a", "61", 0, "masked"), total=9, sequences=[(4, 9)])) == 0
    assert place_in("split", row_of(("a", "61", 0, "masked"), total=9, sequences=[(0, 5), (5, 9)])) == 5
    run = [("a", "61", 1, "trained")] * 3 + [("Ã", "f0", 1, "trained")] * 12
    assert place_in("byte_run", row_of(*run)) == 3
    assert place_in("byte_run", row_of(*run[:-1])) is None, "it is in a later window"
