"""Where a chart is to be written: a path whose ending says as what."""

from __future__ import annotations

from pathlib import Path

from tui.screens.dialogs.ask import Ask

_ENDINGS = (".svg", ".png", ".csv")


class WriteChart(Ask):
    """Answers with the path, once it can be written to."""

    def __init__(self, stem: str) -> None:
        """`stem` is the proposed name, without its ending; it may hold anything."""
        clean = "".join(char if char.isalnum() or char in "-_." else "-" for char in stem)[:80]
        super().__init__(
            "write the chart",
            "The chart as .svg or .png, all figures as .csv: the ending of the name says which.",
            str(_here() / f"{clean}.svg"),
            wrong_with,
            paths=True,
            yes="write",
        )


def wrong_with(text: str) -> str:
    """What is wrong with a path to write to; empty where it will do."""
    path = Path(text).expanduser()
    if path.suffix.lower() not in _ENDINGS:
        return f"The name must end with {', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}."
    if path.is_dir():
        return "That is a folder."
    if not path.parent.is_dir():
        return f"There is no folder {path.parent}."
    return ""


def _here() -> Path:
    """The folder one stands in; it may have been removed."""
    try:
        return Path.cwd()
    except OSError:
        return Path.home()
