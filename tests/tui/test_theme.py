"""Palettes: readable, complete, and a bad file is a message."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from tests.tui.conftest import until
from tui.app import LuthierApp
from tui.theme import FEW_COLORS_THEME, INK_KEYS, OURS, derived_inks, inks_of, load_themes, parse, user_themes_dir
from tui.theme import contrast as theme_contrast

GOOD = """
dark = true
[base]
background = "#000000"
foreground = "#ffffff"
primary = "#ffaa00"
"""


def contrast(one: str, other: str) -> float:
    """Ratio of luminances as WCAG 2 defines it."""
    return theme_contrast(Color.parse(one), Color.parse(other))


@pytest.mark.parametrize("name", [name for name in OURS if name != FEW_COLORS_THEME])
def test_ours_can_be_read(name: str) -> None:
    theme = load_themes().themes[name]
    ground = str(theme.background)
    ink = {key: theme.variables[f"ink-{key}"] for key in INK_KEYS}
    for color in (theme.foreground, ink["muted"], theme.error, theme.success, theme.warning, theme.primary):
        assert contrast(str(color), ground) >= 4.5
    for key in ("train", "eval", "rate", "grad", "speed", "memory", "faint"):
        assert contrast(ink[key], ground) >= 3.0, key
    for color in (theme.foreground, ink["muted"], theme.error, theme.success, theme.accent):
        assert contrast(str(color), ink["selected"]) >= 3.5


def test_one_of_ours_is_light_and_one_leaves_the_colours_to_the_terminal() -> None:
    themes = load_themes().themes
    assert [name for name in OURS if not themes[name].dark] == ["spruce"]
    assert [name for name in OURS if themes[name].ansi] == [FEW_COLORS_THEME]
    inks = [value for key, value in themes[FEW_COLORS_THEME].variables.items() if key.startswith("ink-")]
    assert inks
    assert all(value.startswith("ansi_") for value in inks)


@pytest.mark.parametrize("name", sorted(BUILTIN_THEMES))
def test_every_theme_of_textual_gets_all_inks(name: str) -> None:
    theme = BUILTIN_THEMES[name]
    inks = derived_inks(theme)
    assert set(inks) == {f"ink-{key}" for key in INK_KEYS}
    variables = {**theme.to_color_system().generate(), **inks}
    assert "train" in inks_of(variables, theme.ansi, no_color=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dark = 1\n" + GOOD.replace("dark = true", ""), "true or false"),
        (GOOD + '[ink]\nmutd = "#fff"', "mutd"),
        (GOOD.replace("#ffaa00", "no-colour"), "no-colour"),
        (GOOD.replace("primary", "secondary"), "primary"),
        ("[base", "table declaration"),
        ("nonsense = 1", "nonsense"),
    ],
)
def test_a_bad_palette_is_a_message(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse("bad", text)
    user_themes_dir().mkdir(parents=True)
    (user_themes_dir() / "bad.toml").write_text(text)
    (user_themes_dir() / "mine.toml").write_text(GOOD)
    found = load_themes()
    assert set(found.themes) == {*OURS, "mine"}
    assert len(found.problems) == 1
    assert "bad.toml" in found.problems[0]


@pytest.mark.parametrize("name", [name for name in sorted(BUILTIN_THEMES) if not BUILTIN_THEMES[name].ansi])
def test_what_is_derived_for_themes_of_textual_can_be_read(name: str) -> None:
    theme = BUILTIN_THEMES[name]
    colors, derived = theme.to_color_system().generate(), derived_inks(theme)
    ground = colors["background"]
    assert contrast(derived["ink-muted"], ground) >= 4.4
    for key in ("faint", "train", "eval", "rate", "grad", "speed", "memory"):
        assert contrast(derived[f"ink-{key}"], ground) >= 2.9, key
    inks = inks_of({**colors, **derived}, theme.ansi, no_color=False)
    for key in ("text", "accent", "good", "warn", "bad", "key"):
        assert inks[key].color is not None
        assert contrast(str(inks[key].color.name), ground) >= 4.4, key


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_colours_for_colour_blind_eyes_differ_in_lightness_too() -> None:
    theme = load_themes().themes["purfling"]
    ground = str(theme.background)
    one, other = (contrast(theme.variables[f"ink-{key}"], ground) for key in ("train", "eval"))
    assert max(one, other) / min(one, other) > 1.5


def test_series_are_told_apart_by_their_marks() -> None:
    from tui.glyphs import ASCII, UNICODE

    for glyphs in (UNICODE, ASCII):
        signs = [glyphs.states[state] for state in ("running", "succeeded", "stopped", "failed", "starting")]
        assert len(set(signs)) == len(signs), "states are told apart by their signs"
        assert glyphs.mark not in (glyphs.bar_done, glyphs.bar_rest), "an evaluation is a mark, a loss a line"


async def test_a_theme_of_the_user_is_shown_as_its_file_is_now(make_app: Callable[..., LuthierApp]) -> None:
    user_themes_dir().mkdir(parents=True)
    file = user_themes_dir() / "mine.toml"
    file.write_text(GOOD)
    app = make_app(theme="mine")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        assert app.theme == "mine"
        before = app.inks["strong"].color
        app.look_at_themes()
        assert app.inks["strong"].color == before
        file.write_text(GOOD.replace("#ffaa00", "#00aaff"))
        os.utime(file, (1, 1))
        app.look_at_themes()
        await until(pilot, lambda: app.inks["strong"].color != before, 6)
        assert app.current_theme.primary == "#00aaff"
        file.write_text(GOOD.replace("#ffaa00", "no-colour"))
        os.utime(file, (2, 2))
        app.look_at_themes()
        await until(pilot, lambda: any("is no colour" in " ".join(n.message.split()) for n in app._notifications))
        assert app.current_theme.primary == "#00aaff", "the last good one stays"
        (user_themes_dir() / "another.toml").write_text(GOOD)
        app.look_at_themes()
        assert "another" in app.usable_themes


@pytest.mark.parametrize(
    ("variables", "theme"), [({"TERM": "linux"}, "willow"), ({"TERM": "xterm-256color"}, "varnish")]
)
def test_a_terminal_of_16_colours_gets_a_theme_of_its_own(
    make_app: Callable[..., LuthierApp], monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], theme: str
) -> None:
    monkeypatch.delenv("COLORTERM")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert make_app().theme == theme


@pytest.mark.parametrize("text", ['ansi = true\n[base]\nbackground = "#000000"\n', '[base]\nbackground = "ansi_red"\n'])
def test_names_of_the_terminals_colours_are_not_mixed_with_others(text: str) -> None:
    with pytest.raises(ValueError, match="ansi"):
        parse("bad", text)
