"""Palettes: data only, found by scanning, and the inks that the screens paint with.

A palette is a TOML file: ours in the `themes` package, the user's in `<config>/themes`. A file that is not right is a
message, never a crash, and the others still load. Textual's own themes get their inks derived, so that every theme
serves every screen. A theme's name is the name of its file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import Theme

from engine.runs.paths import config_dir

DEFAULT_THEME = "varnish"
FEW_COLORS_THEME = "willow"
"""Where the terminal has 16 colours."""
OURS = ("varnish", "ebony", "spruce", "purfling", "willow")
BASE_KEYS = (
    "background",
    "surface",
    "panel",
    "foreground",
    "primary",
    "secondary",
    "accent",
    "success",
    "warning",
    "error",
)
INK_KEYS = (
    "muted",
    "faint",
    "line",
    "grid",
    "focus",
    "selected",
    "train",
    "raw",
    "eval",
    "rate",
    "grad",
    "speed",
    "memory",
    "even",
    "odd",
)
"""Of these `selected`, `even` and `odd` are grounds: the last two lie by turns under the tokens, so that borders show."""
GROUNDS = ("selected", "even", "odd")
TEXT_CONTRAST = 4.5
"""What WCAG 2 wants of text (AA); of the rest it wants 3."""
_SERIES = ("eval", "rate", "grad", "speed", "memory")
_STEPS = 20


@dataclass
class Themes:
    """What the scan found: themes by name, and one sentence for each file that could not be used."""

    themes: dict[str, Theme] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def user_themes_dir() -> Path:
    """Where the user's own palettes are looked for."""
    return config_dir() / "themes"


def load_themes() -> Themes:
    """Read our palettes and the user's; a user's file of the same name replaces ours."""
    found = Themes()
    files = [(item.name, item.read_text("utf-8")) for item in _ours() if item.name.endswith(".toml")]
    for name, text in files:
        found.themes[name.removesuffix(".toml")] = parse(name.removesuffix(".toml"), text)
    for path in sorted(user_themes_dir().glob("*.toml")) if user_themes_dir().is_dir() else []:
        try:
            found.themes[path.stem] = parse(path.stem, path.read_text("utf-8"))
        except OSError as error:
            found.problems.append(f"The theme {path} was left out: it cannot be read ({error.strerror}).")
        except UnicodeDecodeError:
            found.problems.append(f"The theme {path} was left out: it is no UTF-8 text.")
        except ValueError as error:
            found.problems.append(f"The theme {path} was left out: {error}")
    return found


def _ours() -> list[Any]:
    return sorted(resources.files("themes").iterdir(), key=lambda item: item.name)


def parse(name: str, text: str) -> Theme:
    """Return the theme in a palette file. Raises ValueError in words that name the key."""
    data = tomllib.loads(text)
    unknown = set(data) - {"title", "dark", "ansi", "base", "ink"}
    if unknown:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}; known are title, dark, ansi, [base] and [ink].")
    base, ink = _colors(data, "base", BASE_KEYS), _colors(data, "ink", INK_KEYS)
    if not isinstance(dark := data.get("dark", True), bool):
        raise ValueError("`dark` must be true or false.")
    if not isinstance(ansi := data.get("ansi", False), bool):
        raise ValueError("`ansi` must be true or false.")
    for key, value in {**base, **ink}.items():
        if ansi != value.startswith("ansi_"):
            hint = (
                "write it as ansi_red, ansi_bright_blue"
                if ansi
                else "names of the terminal's colours need `ansi = true`"
            )
            raise ValueError(f"{key} = {value!r}: {hint}.")
    missing = [key for key in ("background", "foreground", "primary") if key not in base]
    if missing:
        raise ValueError(f"[base] lacks {missing[0]!r}.")
    theme = Theme(name=name, primary=base["primary"], dark=dark, luminosity_spread=0.08, ansi=ansi)
    for key, value in base.items():
        setattr(theme, key, value)
    inks = {**derived_inks(theme), **{f"ink-{key}": value for key, value in ink.items()}}
    theme.variables = {**inks, **_widget_variables(theme, inks)}
    return theme


def _colors(data: dict[str, Any], section: str, keys: tuple[str, ...]) -> dict[str, str]:
    table = data.get(section, {})
    if not isinstance(table, dict):
        raise ValueError(f"[{section}] must be a table of colours.")
    for key, value in table.items():
        if key not in keys:
            raise ValueError(f"unknown key {key!r} in [{section}]; known are {', '.join(keys)}.")
        try:
            Color.parse(value)
        except (ColorParseError, TypeError, AttributeError):
            raise ValueError(f"{section}.{key} = {value!r} is no colour; write it as #rrggbb.") from None
    return dict(table)


def derived_inks(theme: Theme) -> dict[str, str]:
    """The inks of a theme that names none: blends of its own colours."""
    if theme.ansi:
        return {
            f"ink-{key}": value
            for key, value in zip(
                INK_KEYS,
                (
                    *("ansi_default", "ansi_bright_black", "ansi_bright_black", "ansi_bright_black", "ansi_yellow"),
                    *("ansi_bright_black", "ansi_yellow", "ansi_bright_black", "ansi_cyan"),
                    *("ansi_magenta", "ansi_red", "ansi_green", "ansi_blue", "ansi_default", "ansi_default"),
                ),
                strict=True,
            )
        }
    colors = theme.to_color_system().generate()
    ground, text = Color.parse(colors["background"]), Color.parse(colors["foreground"])
    ground = Color.parse("#121212" if theme.dark else "#efefef") if ground.ansi is not None else ground
    text = Color.parse("#e0e0e0" if theme.dark else "#202020") if text.ansi is not None else text
    primary, accent = Color.parse(colors["primary"]), Color.parse(colors["accent"])
    shades = {"muted": 0.70, "faint": 0.50, "line": 0.25, "grid": 0.14}
    inks = {key: ground.blend(text, share) for key, share in shades.items()}
    inks |= {
        "focus": ground.blend(primary, 0.6),
        "selected": ground.blend(primary, 0.22),
        "train": accent,
        "raw": ground.blend(accent, 0.45),
        "eval": Color.parse(colors["secondary"]) if theme.secondary else primary,
        "rate": primary,
        "grad": Color.parse(colors["error"]),
        "speed": Color.parse(colors["success"]),
        "memory": Color.parse(colors["warning"]),
        "even": ground.blend(text, 0.07),
        "odd": ground.blend(text, 0.16),
    }
    least = {"muted": TEXT_CONTRAST, "train": 3.0, "faint": 3.0, **dict.fromkeys(_SERIES, 3.0)}
    return {
        f"ink-{key}": (readable(color, ground, text, least[key]) if key in least else color).hex6
        for key, color in inks.items()
    }


def contrast(one: Color, other: Color) -> float:
    """The ratio of luminances as WCAG 2 defines it, 1 to 21."""

    def luminance(color: Color) -> float:
        channels = [c / 255 for c in color.rgb]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(color: Color, ground: Color, text: Color, least: float) -> Color:
    """`color`, as far towards the colour of the text as it takes to be read on the ground: themes choose theirs for areas."""
    for step in range(_STEPS):
        mixed = color.blend(text, step / _STEPS)
        if contrast(mixed, ground) >= least:
            return mixed
    return text


def _widget_variables(theme: Theme, inks: dict[str, str]) -> dict[str, str]:
    """What Textual's own widgets (input, toast) take from the palette."""
    if theme.ansi:
        return {
            "input-cursor-background": theme.primary,
            "input-cursor-foreground": "ansi_black",
            "input-selection-background": "ansi_blue",
            "ansi-background": "ansi_black",
            "ansi-foreground": "ansi_white",
            "border": inks["ink-line"],
        }
    return {
        "input-cursor-background": theme.primary,
        "input-cursor-foreground": theme.background or theme.primary,
        "input-selection-background": inks["ink-selected"],
        "border": inks["ink-line"],
    }


def inks_of(variables: dict[str, str], ansi: bool, no_color: bool) -> dict[str, Style]:
    """Return the Rich style of every ink. A style holds a foreground only, save for grounds and marks."""

    def color(name: str) -> str:
        parsed = Color.parse(variables[name].removesuffix(" 50%"))
        return parsed.rich_color.name if parsed.ansi is not None else parsed.hex6

    def faded(name: str) -> str:
        ground, ink = Color.parse(variables["background"]), Color.parse(variables[name])
        return color(name) if ansi or ground.ansi is not None else ground.blend(ink, 0.42).hex6

    def halfway(name: str, way: float) -> str:
        """A ground some way from the background to another colour."""
        ground, lifted = Color.parse(variables["background"]), Color.parse(variables[name])
        return (lifted if ground.ansi is not None else ground.blend(lifted, way)).hex6

    def style(name: str, bold: bool | None = None) -> Style:
        return Style(color=color(name), bold=bold)

    def said(name: str, bold: bool | None = None) -> Style:
        """A colour of the theme that letters are written in."""
        ground, ink, text = (
            Color.parse(variables[key].removesuffix(" 50%")) for key in ("background", name, "foreground")
        )
        if any(one.ansi is not None for one in (ground, ink, text)):
            return style(name, bold)
        return Style(color=readable(ink, ground, text, TEXT_CONTRAST).hex6, bold=bold)

    flat = no_color or ansi  # no grounds that could be told apart, or none that letters can surely be read on
    inks = {key: style(f"ink-{key}") for key in INK_KEYS if key not in GROUNDS}
    inks |= {f"{key}-fill": Style(color=faded(f"ink-{key}")) for key in ("rate", "grad", "speed", "memory")}
    inks |= {
        "text": style("foreground"),
        "title": style("foreground", bold=True),
        "accent": said("accent"),
        "strong": said("accent", bold=True),
        "good": said("success"),
        "warn": said("warning"),
        "bad": said("error"),
        "key": said("accent", bold=True),
        "axis": style("ink-faint"),
        "cursor": style("ink-muted"),
        "focus": style("ink-focus"),
        "bold": Style(bold=True),
        "train": style("ink-train", bold=no_color or None),
        "selected": Style(reverse=True) if flat else Style(bgcolor=Color.parse(variables["ink-selected"]).hex6),
        "resting": Style(underline=True) if flat else Style(bgcolor=halfway("ink-selected", 0.5)),
        "control": Style(reverse=True) if flat else Style(bgcolor=halfway("foreground", 0.28)),
        "even": Style() if flat else Style(bgcolor=Color.parse(variables["ink-even"]).hex6),
        "odd": Style() if flat else Style(bgcolor=Color.parse(variables["ink-odd"]).hex6),
        "under": Style(underline=True),
        "strike": Style(strike=True),
        "reverse": Style(reverse=True),
        "here": Style(reverse=True, bold=True)
        if flat
        else Style(bgcolor=color("accent"), color=Color.parse(variables["background"]).hex6, bold=True),
    }
    return inks
