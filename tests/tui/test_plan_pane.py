"""The pane of the plan: what it says at several sizes, without colour, and what it posts."""

from __future__ import annotations

from typing import Any

import pytest
from textual.message import Message

from tests.tui.conftest import shown
from tests.tui.planfacts import Told, does_not_fit, fits, loads_highest, told
from tests.tui.tokenfacts import Make, hosting
from tui.plan_parts import cells, in_unit, parts_of, spelled, unit_of
from tui.tokens.model import Draft, Origin
from tui.widgets.plan_pane import PlanPane

DRAFT = Draft(1, Origin(path="run.toml"))


def lines(app: object) -> list[str]:
    return shown(app).splitlines()  # type: ignore[arg-type]


def test_a_bar_is_as_long_as_its_parts_together() -> None:
    assert cells([50, 25, 25], 100, 40) == [20, 10, 10]
    assert sum(cells([1, 1, 1, 997], 1000, 33)) == 33
    assert cells([10], 100, 50) == [5]
    plan = does_not_fit().memory
    assert sum(size for _, size in parts_of(plan)) == plan.peak
    assert parts_of(loads_highest().memory)[-1][0].letter == "+"
    assert [in_unit(int(n * (1 << 30)), 1 << 30) for n in (0.001, 0.5, 9.99, 10, 99.99, 1024)] == [
        *("<0.01", "0.50", "9.99", "10.0", "100.0", "1024")
    ]
    assert (unit_of(300 << 20), unit_of(3 << 30)) == (("MiB", 1 << 20), ("GiB", 1 << 30))
    assert [in_unit(int(n * (1 << 20)), 1 << 20) for n in (0.5, 36, 790.6)] == ["0.50", "36.0", "790.6"]
    assert [spelled(int(n * (1 << 30))) for n in (0.5, 0.9999, 12.34, 139.8)] == [
        *("512 MiB", "1.0 GiB", "12.3 GiB", "140 GiB")
    ]


async def test_memory_length_and_parts(make_app: Make) -> None:
    widget = PlanPane()
    app = make_app()
    async with hosting(app, widget, (46, 15)) as pilot:
        widget.show(told(fits(seconds=2460.0, seconds_off=240.0, pace_from="earlier run gsm-1")), DRAFT)  # type: ignore[arg-type]
        await pilot.pause()
        screen = lines(app)
        assert "memory on 22.4 GiB GPU" in screen[0]
        assert "plan 19.5 GiB" in screen[0]
        bar = screen[1].strip("│ ")
        assert [letter for letter in bar if letter.isalpha()] == list(
            "WOCLP"
        )  # scales and adapters are below a cell's half
        assert bar.endswith("┃")
        assert 0.82 < (len(bar) - bar.count("·") - 1) / (len(bar) - 1) < 0.92
        assert "✓ fits: 2.9 GiB left" in screen[2]
        text = "\n".join(screen)
        for said in ("2,805 steps", "3 epochs", "41 min ± 4 min", "disk 1.1 GiB", "5.1M tokens", "37 % padding"):
            assert said in text
        for said in ("W weights      5.21", "S scales       0.10", "C activations  12.9", "L logits       0.37"):
            assert said in text
        assert "time from earlier run gsm-1" in text
        assert "recomputes" not in text


class Heard(PlanPane):
    """Keeps what it posts."""

    chosen_changes: list[dict[str, Any]] = []

    def post_message(self, message: Message) -> bool:
        if isinstance(message, PlanPane.Chosen):
            self.chosen_changes.append(message.changes)
        return super().post_message(message)


async def test_what_does_not_fit_leads_to_what_would(make_app: Make) -> None:
    widget = Heard()
    app = make_app()
    async with hosting(app, widget, (46, 40)) as pilot:
        widget.show(told(does_not_fit(earlier=[("a", 0.97), ("b", 1.02)])), DRAFT)  # type: ignore[arg-type]
        await pilot.pause()
        text = shown(app)
        for said in (
            "✗ does not fit: 288 MiB too much",
            "recomputes 32 of 32 layers",
            "earlier runs took 0.97 to 1.02 of plan",
            "-1.0 GiB  batch_size 1, grad_accumulation",
            "another result",
            "time not known",
        ):
            assert said in text
        bar = lines(app)[1].strip("│ ")
        assert 0 < bar.index("┃") < len(bar) - 1, "the device ends within the stack"
        widget.focus()
        await pilot.press("j", "j", "enter")
        await pilot.pause()
        assert widget.chosen_changes == [{"tokens.max_length": 199}]
        first = widget.remedy(0)
        assert first is not None
        assert first.changes == {"train.batch_size": 1, "train.grad_accumulation": 8}
        assert widget.remedy(3) is None
        await pilot.resize_terminal(46, 12)
        await pilot.press("k", "k", "j", "j")
        await pilot.pause()
        assert "does not fit" in shown(app), "the verdict stays while one goes through the ways"
        assert "max_length 199" in shown(app)


@pytest.mark.parametrize("size", [(38, 8), (30, 5), (24, 4), (12, 3), (3, 2), (46, 15), (78, 22), (150, 50)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_it_bears_any_size(make_app: Make, size: tuple[int, int], ascii_only: bool) -> None:
    widget = PlanPane()
    app = make_app(ascii_only=ascii_only)
    async with hosting(app, widget, size) as pilot:
        for state in (
            told(fits()),
            told(does_not_fit()),
            told(loads_highest()),
            Told(busy=True, doing="loading libraries"),
        ):
            widget.show(state, DRAFT)  # type: ignore[arg-type]
            await pilot.pause()
            assert all(len(line) <= size[0] for line in lines(app))
            if ascii_only:
                assert shown(app).isascii()


async def test_a_small_pane_keeps_what_counts(make_app: Make) -> None:
    widget = PlanPane()
    app = make_app()
    async with hosting(app, widget, (38, 8)) as pilot:
        widget.show(told(fits()), DRAFT)  # type: ignore[arg-type]
        await pilot.pause()
        text = shown(app)
        for said in ("19.5 GiB", "✓ fits", "2,805 steps", "W weights 5.21"):
            assert said in text


async def test_loading_may_be_the_highest_moment(make_app: Make) -> None:
    widget = PlanPane()
    app = make_app()
    async with hosting(app, widget, (60, 24)) as pilot:
        widget.show(told(loads_highest()), DRAFT)  # type: ignore[arg-type]
        await pilot.pause()
        assert "loading takes the most; training 19.5 GiB" in shown(app)
        assert "+ loading" in shown(app)
        assert "! fits barely: 360 MiB left" in shown(app)


async def test_what_is_old_near_or_of_some_rows_says_so(make_app: Make) -> None:
    widget = PlanPane()
    app = make_app()
    async with hosting(app, widget, (60, 24)) as pilot:
        widget.show(told(fits(), stale=True), DRAFT)  # type: ignore[arg-type]
        await pilot.pause()
        assert "was 19.5 GiB" in shown(app)
        widget.show(told(fits(), exact=False), DRAFT)  # type: ignore[arg-type]
        await pilot.pause()
        assert "about 19.5 GiB" in shown(app)
        widget.show(told(fits(), exact=False, rows=(2000, 7473)), DRAFT)  # type: ignore[arg-type]
        await pilot.pause()
        assert "from 2,000 of 7,473 rows so far" in shown(app)
        widget.show(told(fits(), exact=False, rows=(2000, 0)), DRAFT)  # type: ignore[arg-type]
        await pilot.pause()
        assert "from the first 2,000 rows so far" in shown(app)
        widget.show(told(fits(), error="lora.rank is 0"), DRAFT)  # type: ignore[arg-type]
        await pilot.pause()
        assert "! lora.rank is 0" in shown(app)
        assert "was 19.5 GiB" in shown(app)


async def test_why_there_is_no_plan(make_app: Make) -> None:
    widget = PlanPane()
    app = make_app()
    async with hosting(app, widget, (60, 12)) as pilot:
        for state, said in (
            (Told(), "No model yet"),
            (Told(busy=True, doing="loading libraries"), "loading libraries…"),
            (Told(busy=True), "planning…"),
            (Told(error="/m has no config.json\x1b[31m"), "there is no plan"),
        ):
            widget.show(state, DRAFT)  # type: ignore[arg-type]
            await pilot.pause()
            assert said in shown(app)
        assert "\x1b" not in shown(app)
        widget.show(Told(), None)  # type: ignore[arg-type]
        await pilot.pause()
        assert "No run file is open" in shown(app)
