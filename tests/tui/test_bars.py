"""The header: where one is stays where it is, and what is known takes what is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui import fakes
from tests.tui.conftest import shown, until
from tui.app import LuthierApp
from tui.tokens.model import Origin
from tui.widgets.bars import TABS, Header

Make = Callable[..., LuthierApp]


def head(app: LuthierApp) -> str:
    return shown(app).splitlines()[0]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
async def test_the_tabs_stay_where_they_are(make_app: Make, runs: Path, width: int) -> None:
    """Whatever is known beside them: a draft, a changed draft, a living run."""
    clock = fakes.Clock()
    run, journal = fakes.begin(runs, "a-run-of-mine-1", clock)
    fakes.train(journal, clock, 1, 60)
    app = make_app()
    with fakes.held(run):
        async with app.run_test(size=(width, 24), notifications=True) as pilot:
            await until(pilot, lambda: app.link.live() and "10%" in head(app))
            header = app.screen.query_one(Header)
            spots, beside = list(header._spots), head(app)
            assert len(spots) == len(TABS)
            if width >= 80:
                assert "a-r" in beside[spots[-1][1] :], "the run has a name"
            draft = app.drafts.open(Origin("/nowhere/a-draft-with-a-long-name.toml"))
            seen = [beside, await painted(pilot, header)]
            draft.changes["lora.rank"] = 8
            seen.append(await painted(pilot, header))
            app.link.live = list  # type: ignore[method-assign]
            seen.append(await painted(pilot, header))
            for line in seen:
                assert header._spots == spots
                assert line[: spots[-1][1]] == beside[: spots[-1][1]]
                assert line[spots[-1][1] :][:2].strip() == "", "blanks part them"


async def painted(pilot: Pilot[list[str]], header: Header) -> str:
    header.repaint()
    await pilot.pause()
    return head(pilot.app)  # type: ignore[arg-type]
