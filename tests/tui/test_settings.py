"""The user's settings: strict, in their order of precedence, and written without losing a comment."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli import paths_verb
from engine.runs import paths
from tui import settings, settings_file
from tui.app import LuthierApp

FILE = """\
# mine
theme = "ebony"  # at night

# how charts begin
[chart]
axis = "tokens"

[keymap]
"home.stop" = "Z"
home.demo = "f5"
"""


def write(text: str) -> Path:
    path = settings.settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_a_file_the_defaults_hold() -> None:
    assert settings.load() == (settings.Settings(), [])


def test_the_file_is_read() -> None:
    write(FILE)
    loaded = settings.load_all()
    assert loaded.problems == []
    assert (loaded.settings.theme, loaded.settings.axis) == ("ebony", "tokens")
    assert loaded.settings.keymap == {"home.stop": "Z", "home.demo": "f5"}
    assert loaded.sources == {"theme": "file", "chart.axis": "file"}


def test_the_environment_comes_before_the_file() -> None:
    write(FILE)
    wanted = {"LUTHIER_CHART__AXIS": "time", "LUTHIER_THEME": "spruce", "LUTHIER_KEYMAP__HOME_STOP": "K"}
    loaded = settings.load_all(wanted)
    assert (loaded.settings.axis, loaded.settings.theme) == ("time", "spruce")
    assert loaded.settings.keymap["home.stop"] == "K"
    assert loaded.sources["chart.axis"] == "environment"
    assert loaded.problems == []


async def test_a_flag_comes_before_all(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(FILE)
    monkeypatch.setenv("LUTHIER_THEME", "spruce")
    assert LuthierApp(runs, tmp_path).theme == "spruce"
    assert LuthierApp(runs, tmp_path, theme="varnish").theme == "varnish"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('thmee = "x"', "did you mean 'theme'"),
        ('[chrt]\naxis = "step"', "did you mean 'chart'"),
        ('[chart]\naxsi = "step"', "did you mean 'chart.axis'"),
        ('[chart]\naxis = "steps"', "one of step, tokens, time"),
        ("[chart]\nsmoothing = 0.9", "text in quotes"),
        ('[chart]\nsmoothing = "much"', "one of none, light, auto, strong"),
        ('[terminal]\nmouse = "maybe"', "true or false"),
        ("theme = 3", "text in quotes"),
        ("theme = ", "were not read"),
        ("keymap = 3", "should be a table"),
        ("[keymap]\nhome.stop = 3", "keys in quotes"),
        ("[theme]\nname = 'x'", "theme"),
    ],
)
def test_what_is_wrong_is_a_message_and_the_default_is_used(text: str, says: str) -> None:
    write(text)
    loaded, problems = settings.load()
    assert loaded == settings.Settings()
    assert len(problems) == 1
    assert says in problems[0]


def test_the_environment_is_read_as_strictly() -> None:
    said = settings.load_all(
        {"LUTHIER_CHART__AXSI": "x", "LUTHIER_CHART__AXIS": "y", "LUTHIER_RUNS_DIR": "/x"}
    ).problems
    assert len(said) == 2
    assert "one of step, tokens, time" in said[0]
    assert "LUTHIER_CHART__AXIS" in said[1]


@given(st.text(max_size=40))
def test_no_file_whatever_is_in_it_keeps_the_screens_from_opening(text: str) -> None:
    loaded = settings.Loaded()
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    settings._take_table(loaded, table, Path("x"))
    assert loaded.problems or not table or loaded.settings != settings.Settings()


def test_another_file_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "other.toml"
    path.write_text('theme = "nord"')
    monkeypatch.setenv("LUTHIER_CONFIG", str(path))
    assert settings.load()[0].theme == "nord"
    monkeypatch.setenv("LUTHIER_CONFIG", str(tmp_path / "none.toml"))
    assert "There are no settings in" in settings.load()[1][0]


def test_writing_a_setting_keeps_every_comment() -> None:
    path = write(FILE)
    settings_file.remember("theme", "spruce")
    assert path.read_text() == FILE.replace('"ebony"', '"spruce"')
    settings_file.remember("chart.smoothing", "light")
    assert '[chart]\naxis = "tokens"\nsmoothing = "light"\n' in path.read_text()
    settings_file.remember("quit.confirm", True)
    assert path.read_text().endswith("\n[quit]\nconfirm = true\n")
    assert "# how charts begin\n[chart]" in path.read_text()
    assert settings.load()[0].smoothing == "light"
    assert [p.name for p in path.parent.iterdir()] == ["settings.toml"], "no temporary file stays"


def test_a_setting_before_the_first_section_stays_before_it() -> None:
    text = settings_file.with_setting("# charts\n[chart]\nlog_y = true\n", "theme", "nord")
    assert text == 'theme = "nord"\n\n# charts\n[chart]\nlog_y = true\n'


@given(
    st.sampled_from(sorted(settings.KNOWN)),
    st.sampled_from(["", FILE, "[quit]\n", 'chart.axis = "step"\n', "a = [\n1,\n]\n"]),
)
def test_what_was_written_is_read_again(key: str, before: str) -> None:
    known = settings.KNOWN[key]
    value = (
        not known.default if isinstance(known.default, bool) else known.choices[-1] if known.choices else known.default
    )
    table = tomllib.loads(settings_file.with_setting(before, key, value))
    section, _, name = key.rpartition(".")
    assert (table[section] if section else table)[name] == value
    kept = tomllib.loads(before)
    assert set(kept) <= set(table)


def test_a_file_that_is_no_toml_is_not_written_over() -> None:
    path = write("theme = ")
    with pytest.raises(tomllib.TOMLDecodeError):
        settings_file.remember("theme", "nord")
    assert path.read_text() == "theme = "


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text('theme = "ebony"\n')
    path = settings.settings_path()
    path.parent.mkdir(parents=True)
    path.symlink_to(real)
    settings_file.remember("theme", "nord")
    assert path.is_symlink()
    assert real.read_text() == 'theme = "nord"\n'


def test_the_folder_of_settings_need_not_be_writable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(NotADirectoryError):
        settings_file.remember("theme", "varnish")


def test_every_setting_is_read_by_code() -> None:
    root = Path(settings.__file__).parent
    code = "".join(p.read_text() for p in root.rglob("*.py") if p.name not in ("settings.py", "settings_file.py"))
    unread = [one.name for one in settings.KNOWN.values() if not re.search(rf"(settings|wanted)\.{one.name}\b", code)]
    assert unread == []


def test_every_place_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths.config_dir().mkdir(parents=True)
    found = paths_verb.places(tmp_path / "runs")
    assert found["settings"] == settings.settings_path()
    assert found["runs"] == tmp_path / "runs"
    assert all(path.is_absolute() for path in found.values())
    paths_verb.paths(tmp_path / "runs", as_json=False)
    said = capsys.readouterr().out
    assert f"config       {paths.config_dir()}\n" in said
    assert f"settings     (not there) {settings.settings_path()}\n" in said
    assert paths_verb.variables({"LUTHIER_THEME": "x", "HOME": "/x"}) == {"LUTHIER_THEME": "x"}


def test_state_lies_in_its_own_folder(tmp_path: Path) -> None:
    from tui.data import recent

    assert str(paths.state_dir()).startswith(os.environ["XDG_STATE_HOME"])
    paths.config_dir().mkdir(parents=True)
    (paths.config_dir() / "recent.json").write_text('[{"path": "/old"}]')
    assert recent.load() == [{"path": "/old"}], "where it once was it is still found"
    recent.remember({"path": "/new"})
    assert [section["path"] for section in recent.load()] == ["/new", "/old"]
    assert recent.recent_path().parent == paths.state_dir()


def test_charts_can_be_what_the_settings_say() -> None:
    from tui.curves import SMOOTHINGS
    from tui.widgets.curve_chart import CurveChart

    assert settings.KNOWN["chart.smoothing"].choices == SMOOTHINGS
    assert settings.KNOWN["chart.axis"].choices == CurveChart.AXES
