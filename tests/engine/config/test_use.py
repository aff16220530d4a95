"""Sources put into a run file: nothing else of it changes, and nothing is lost without being told."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.load import load
from engine.config.splice import comments, rewritten
from engine.config.use import Change, merge_sources, plan, write
from engine.errors import ConfigError

COMMENTED = """\
# my favourite run
name = "boats"

[model]  # a small one
path = "/m"

# where the rows come from
[[data]]
path = "a.jsonl"
template = "qa"

[[data]]
path = "b.jsonl"  # twice as much
weight = 2.0

[lora]
rank = 8  # enough
"""


def a_file(folder: Path, text: str = COMMENTED) -> Path:
    path = folder / "run.toml"
    path.write_text(text)
    return path


def test_a_new_file_is_whole_and_loads(tmp_path: Path) -> None:
    source = {
        "path": str(tmp_path / "rows.jsonl"),
        "format": "auto",
        "exclude": {"rows": [3, 7], "sha256": "ab" * 8},
        "weight": None,
    }
    made = plan(tmp_path / "new.toml", [source], model=str(tmp_path / "model"))
    assert made.before is None
    assert made.changes == [Change("new", "rows.jsonl", "exclude {rows = [3, 7], sha256 = abababababababab}")]
    write(made)
    run = load(tmp_path / "new.toml")
    assert run.name == "new"
    assert run.data[0].path == str(tmp_path / "rows.jsonl")
    assert run.data[0].exclude.rows == [3, 7]
    assert 'path = "rows.jsonl"' in made.text, "the two can move together"


def test_a_source_elsewhere_keeps_its_whole_path(tmp_path: Path) -> None:
    made = plan(
        tmp_path / "new.toml", [{"path": "/data/x.jsonl"}, {"preset": "gsm8k"}, {"path": "a/b"}], model="owner/name"
    )
    tables = tomllib.loads(made.text)
    assert tables["data"] == [{"path": "/data/x.jsonl"}, {"preset": "gsm8k"}, {"path": "a/b"}]
    assert tables["model"] == {"path": "owner/name"}


def test_everything_else_of_a_file_stays_as_it_stands(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    made = plan(path, [{"path": str(tmp_path / "a.jsonl"), "weight": 1.0, "format": "alpaca"}])
    assert [(change.kind, change.name) for change in made.changes] == [("changed", "a.jsonl"), ("same", "b.jsonl")]
    assert "weight none -> 1.0" in made.changes[0].detail
    assert made.lost_comments == 0
    for line in ("# my favourite run", "[model]  # a small one", "# where the rows come from", "rank = 8  # enough"):
        assert line in made.text
    assert 'path = "b.jsonl"  # twice as much' in made.text
    assert made.run.data[0].template == "qa", "keys that are not ours stay"
    write(made)
    assert path.read_text() == made.text


def test_comments_inside_a_changed_table_are_counted(tmp_path: Path) -> None:
    made = plan(a_file(tmp_path), [{"path": str(tmp_path / name), "weight": 3.0} for name in ("a.jsonl", "b.jsonl")])
    assert made.lost_comments == 1
    assert "twice as much" not in made.text
    assert "# where the rows come from" in made.text


def test_the_other_sources_go_where_that_is_wanted(tmp_path: Path) -> None:
    made = plan(a_file(tmp_path), [{"path": str(tmp_path / "c.jsonl")}], only=True)
    assert [(change.kind, change.name) for change in made.changes] == [
        ("gone", "a.jsonl"),
        ("gone", "b.jsonl"),
        ("new", "c.jsonl"),
    ]
    assert [source.path for source in made.run.data] == [str(tmp_path / "c.jsonl")]
    assert "# enough" in made.text


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    text = COMMENTED.replace("weight = 2.0\n", "")
    made = plan(a_file(tmp_path, text), [{"path": str(tmp_path / "b.jsonl")}, {"path": str(tmp_path / "a.jsonl")}])
    assert made.text == text
    assert {change.kind for change in made.changes} == {"same"}


def test_what_would_be_no_run_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    with pytest.raises(ConfigError, match="has no `weight`"):
        plan(path, [{"path": str(tmp_path / "c.jsonl"), "weight": 0.5}])
    with pytest.raises(ConfigError, match=r"`model` is missing|model"):
        plan(tmp_path / "new.toml", [{"path": "/x.jsonl"}])
    with pytest.raises(ConfigError, match="not valid TOML"):
        plan(a_file(tmp_path, "[[["), [{"path": "/x.jsonl"}])
    with pytest.raises(ConfigError, match="two brackets"):
        plan(a_file(tmp_path, "[data]\npath = 'x'"), [{"path": "/x.jsonl"}])


def test_a_file_that_changed_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    made = plan(path, [{"path": str(tmp_path / "a.jsonl"), "weight": 1.0}])
    path.write_text(COMMENTED + "alpha = 16\n")
    with pytest.raises(ConfigError, match="changed meanwhile"):
        write(made)
    assert "alpha = 16" in path.read_text()


def test_a_link_stays_a_link_and_the_mode_stays(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    path.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    write(plan(link, [{"path": str(tmp_path / "a.jsonl"), "weight": 1.0}]))
    assert link.is_symlink()
    assert os.stat(path).st_mode & 0o777 == 0o640
    assert not list(tmp_path.glob(".run.toml-*"))


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write(plan(tmp_path / "file" / "new.toml", [{"path": "/x.jsonl"}], model="/m"))


@pytest.mark.parametrize(
    "text",
    [
        'data = [{path = "/a.jsonl"}]\n[model]\npath = "/m"\n',
        'text = """\n[[data]]\npath = "/no"\n"""\n[model]\npath = "/m"\n[[data]]\npath = "/a.jsonl"\n',
        '[model]\npath = "/m"\n[[ "data" ]] # odd\npath = "/a.jsonl"\n[data.columns]\nprompt = "p"\n',
        '[[data]]\npath = "/a.jsonl"\n[data.exclude]\nrows = [1]\n[[data]]\npath = "/b.jsonl"\n[model]\npath = "/m"',
        '[[data]]\r\npath = "/a.jsonl"\r\n\r\n[model]\r\npath = "/m"\r\n',
    ],
)
def test_odd_ways_to_write_a_file_say_the_same_afterwards(text: str) -> None:
    table = tomllib.loads(text)
    merged = merge_sources(table["data"], [{"path": "/a.jsonl", "weight": 0.5}, {"path": "/z.jsonl"}], Path("/"))
    wanted = {**table, "data": [new for _, new in merged if new is not None]}
    after, _ = rewritten(text, table, wanted, merged)
    assert tomllib.loads(after) == wanted


_value = st.one_of(st.integers(-99, 99), st.booleans(), st.text("ab#'\"\\\n []=é", max_size=8))
_table = st.dictionaries(st.sampled_from(["weight", "format", "x", "y"]), _value, max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(_table, max_size=3),
    st.lists(_table, max_size=3),
    st.booleans(),
    st.dictionaries(st.sampled_from("mno"), _table),
)
def test_whatever_is_written_says_what_was_wanted(old: list, new: list, only: bool, others: dict) -> None:
    import tomli_w

    tables = [{**table, "path": f"/{number}"} for number, table in enumerate(old)]
    fresh = [{**table, "path": f"/{number + 1}"} for number, table in enumerate(new)]
    table = {**others, **({"data": tables} if tables else {})}
    merged = merge_sources(tables, fresh, Path("/"), only)
    wanted = {**table, "data": [item for _, item in merged if item is not None]}
    after, lost = rewritten(tomli_w.dumps(table), table, wanted, merged)
    assert tomllib.loads(after) == wanted or (not wanted["data"] and tomllib.loads(after) == {**others})
    assert lost <= comments(tomli_w.dumps(table).splitlines())
