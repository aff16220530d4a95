"""Makes the pictures of the README from the real app, on the runs that `luthier demo` left behind.

    python docs/pictures.py [--starter-dir D] [--runs-dir D]

Nothing in them is drawn by hand: the app is opened in memory at 120x36 and its screens are exported as SVG.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from pathlib import Path

from textual.pilot import Pilot

from engine.runs.paths import runs_dir, starter_dir
from tui.app import LuthierApp
from tui.tokens.model import Origin

FOLDER = Path(__file__).resolve().parent / "pictures"
SIZE = (120, 36)
_PATIENCE = 30
# The exported SVG names web fonts by address; a viewer's own monospace font does as well and asks nobody.
WEB_FONTS = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)

DATA = "tuning.jsonl"
"""A file of the demo, for the scenes of data."""
RUN_FILE = "tune.toml"
"""A run file of the demo, for the form."""
WAIT = "wait"
"""In the place of a key: the service is given time."""
PLANNED = "planned"
"""In the place of a key: the plan has come."""
SCENES: dict[str, tuple[bool, list[str]]] = {
    "home": (False, []),
    "monitor": (False, ["enter"]),
    "crosshair": (False, ["enter", *["left_square_bracket"] * 6]),
    "configure": (False, [RUN_FILE, *["right_square_bracket"] * 5, "right", "j", "right", "right", PLANNED]),
    "compare": (False, ["space", "down", "space", "c", WAIT, *["left_square_bracket"] * 4]),
    "demo": (True, []),
    "data": (False, ["2", DATA, "j", "j", "j"]),
    "tokens": (False, ["t", WAIT, WAIT, "right_square_bracket", *["down"] * 2, *["right"] * 9, WAIT]),
}
"""Name -> whether it opens on the demo, and the keys that lead to the scene; a file's name opens it."""


async def photograph(name: str, runs: Path, starter: Path) -> None:
    """Open the app, press the keys, write the picture."""
    on_demo, keys = SCENES[name]
    app = LuthierApp(runs, starter, demo=on_demo)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        for key in keys:
            if key == DATA:
                app.desk.open([{"path": str(starter / DATA)}])
            elif key == RUN_FILE:
                app.open_configure(Origin(path=str(starter / RUN_FILE)))
            elif key == PLANNED:
                await planned(pilot, app)
            elif key == WAIT:
                await settle(pilot)
            else:
                await pilot.press(key)
            await settle(pilot)
        svg = WEB_FONTS.sub("", app.export_screenshot(title="luthier"))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.svg").write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


async def settle(pilot: Pilot[list[str]]) -> None:
    """Wait until the journals are read and drawn."""
    for _ in range(12):
        await pilot.pause(0.15)


async def planned(pilot: Pilot[list[str]], app: LuthierApp) -> None:
    """Wait until the plan of what the form says now is there."""
    for _ in range(_PATIENCE):
        await settle(pilot)
        if app.planning.planned is not None and not app.planning.busy:
            return
    sys.exit("The plan never came.")


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starter-dir", type=Path)
    parser.add_argument("--runs-dir", type=Path)
    arguments = parser.parse_args()
    runs, starter = runs_dir(arguments.runs_dir), starter_dir(arguments.starter_dir)
    if not (starter / "story.jsonl").exists():
        sys.exit(f"There is no demo in {starter}. Run `make demo` first.")
    for name in SCENES:
        asyncio.run(photograph(name, runs, starter))


if __name__ == "__main__":
    main()
