"""Strings from outside are shown literally on every screen, and act on nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import tui
from tests.tui import hostile
from tests.tui.conftest import sees, shown, until
from tui.app import LuthierApp
from tui.link import VerbError
from tui.screens.dialogs import new_run

Make = Callable[..., LuthierApp]
_ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff]")


def harmless(app: LuthierApp) -> None:
    """No character on the screen acts on the terminal."""
    assert not _ACTS.search(shown(app)), shown(app)


@pytest.mark.parametrize("size", [(140, 50), (80, 24)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_screen(
    make_app: Make, runs: Path, tmp_path: Path, size: tuple[int, int], ascii_only: bool
) -> None:
    hostile.fill(runs, tmp_path / "starter")
    app = make_app(ascii_only=ascii_only)
    async with app.run_test(size=size, notifications=True) as pilot:
        await sees(pilot, "failed")
        harmless(app)
        await pilot.press("enter")
        await sees(pilot, hostile.LITERAL)
        harmless(app)
        await pilot.press("l")
        await sees(pilot, hostile.LITERAL)
        harmless(app)
        await pilot.press("escape", "y")
        await until(pilot, lambda: "OSC 52" in shown(app))
        harmless(app)
        await pilot.press("9")
        await sees(pilot, hostile.LITERAL[:8])
        harmless(app)
        if ascii_only:
            assert shown(app).isascii()
        app.complain(hostile.TEXT)
        await sees(pilot, hostile.LITERAL)
        harmless(app)


async def test_what_the_engine_refuses(make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise VerbError(hostile.TEXT)

    monkeypatch.setattr(new_run, "start_run", refuse)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.toml").write_text("")
    (tmp_path / "evil[red]\x1b[2J.toml").write_text("")
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("n")
        await sees(pilot, "evil[red]")
        harmless(app)
        await pilot.press(*"r.toml", "enter")
        await sees(pilot, hostile.LITERAL)
        harmless(app)


def sources() -> list[tuple[Path, ast.Module]]:
    root = Path(str(tui.__file__)).parent
    return [(path, ast.parse(path.read_text())) for path in sorted(root.rglob("*.py"))]


def test_no_call_parses_markup() -> None:
    """`notify` says markup=False, and content widgets get constants, safe() or markup=False."""
    content_widgets = {"Static", "Label", "Button", "Checkbox", "Collapsible", "TabPane"}
    for path, tree in sources():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            keywords = {k.arg: k.value for k in call.keywords}
            off = isinstance(keywords.get("markup"), ast.Constant) and keywords["markup"].value is False  # type: ignore[attr-defined]
            if name == "notify":
                assert off, f"{path}:{call.lineno} notify() without markup=False"
            if name in content_widgets and call.args:
                constant = isinstance(call.args[0], ast.Constant)
                assert off or constant, f"{path}:{call.lineno} {name}() may parse markup"
            assert name not in ("from_markup", "from_text"), f"{path}:{call.lineno} parses markup"


def test_titles_of_borders_are_constants_or_made_safe() -> None:
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Attribute) and target.attr in ("border_title", "border_subtitle"):
                        value = node.value
                        made_safe = isinstance(value, ast.Call) and getattr(value.func, "id", "") == "safe"
                        assert isinstance(value, ast.Constant) or made_safe, f"{path}:{node.lineno}"


def test_processes_are_started_by_the_link_only() -> None:
    for path, tree in sources():
        if path.parent.name == "link":
            continue
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert "subprocess" not in names, path
        assert not any(
            isinstance(node, ast.Attribute) and node.attr.startswith("create_subprocess") for node in ast.walk(tree)
        ), path
