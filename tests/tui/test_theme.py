"""Palettes: readable, complete, and a bad file is a message."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from tui import settings
from tui.theme import INK_KEYS, OURS, derived_inks, inks_of, load_themes, parse, user_themes_dir

GOOD = """
dark = true
[base]
background = "#000000"
foreground = "#ffffff"
primary = "#ffaa00"
"""


def contrast(one: str, other: str) -> float:
    """Ratio of luminances as WCAG 2 defines it."""

    def luminance(text: str) -> float:
        channels = [c / 255 for c in Color.parse(text).rgb]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", OURS)
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


def test_our_three_are_two_dark_and_a_light_one() -> None:
    themes = load_themes().themes
    assert [themes[name].dark for name in OURS] == [True, True, False]


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


def test_settings_are_remembered_and_strict() -> None:
    assert settings.load() == (settings.Settings(), [])
    settings.save(settings.Settings(theme="spruce"))
    assert settings.load()[0].theme == "spruce"
    path = settings.settings_path()
    path.write_text('theme = "ebony"\nthmee = "x"\n')
    loaded, problems = settings.load()
    assert loaded.theme == "ebony"
    assert len(problems) == 1
    assert "did you mean 'theme'" in problems[0]
    settings.save(settings.Settings(theme="varnish"))
    assert "thmee" in path.read_text(), "a key that is not known is kept"
    assert [p.name for p in path.parent.iterdir()] == ["settings.toml"], "no temporary file stays"
    path.write_text("theme = 3")
    assert "text in quotes" in settings.load()[1][0]
    path.write_text("theme = ")
    assert settings.load()[1]
    with pytest.raises(tomllib.TOMLDecodeError):
        settings.save(settings.Settings(theme="varnish"))


def test_the_folder_of_settings_need_not_be_writable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(NotADirectoryError):
        settings.save(settings.Settings(theme="varnish"))
