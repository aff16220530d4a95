"""The wheel carries the engine, the TUI with its styles, and the palettes; nothing of the tests."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_in_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = [
        *(ROOT / "tui").rglob("*.tcss"),
        *(ROOT / "themes").glob("*.toml"),
        *(p for top in ("engine", "tui") for p in (ROOT / top).rglob("*.py")),
    ]
    assert len(wanted) > 100
    assert {str(path.relative_to(ROOT)) for path in wanted} <= names
    assert not [name for name in names if name.startswith(("tests", "bench", "docs"))]
    (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
    assert "luthier = tui.entry:main" in zipfile.ZipFile(wheel).read(entry_points).decode()
