"""`luthier data` of several sources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli import data_verb


def test_a_mixture_is_not_reckoned_from_a_quick_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for name, count in (("short", 20), ("long", data_verb.SPARE_ROWS + 10)):
        paths.append(str(tmp_path / f"{name}.jsonl"))
        Path(paths[-1]).write_text("".join(json.dumps({"text": f"{name} {i}"}) + "\n" for i in range(count)))
    data_verb.data(paths, [], data_verb.Wanted(quick=True, as_json=True))
    said = capsys.readouterr()
    assert '"mixture"' not in said.out
    assert "leave --quick away" in said.err
    data_verb.data(paths, [], data_verb.Wanted(as_json=True))
    table = json.loads(capsys.readouterr().out.splitlines()[-1])["mixture"]
    assert [row["rows"] for row in table] == [20, data_verb.SPARE_ROWS + 10]
