"""docs/terminal.md promises things and names the tests that prove them: each of them exists, and the settings are those."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tui.commands import VERBS
from tui.keys import KEYS
from tui.keys.user import UserKeys, id_of
from tui.settings import KNOWN, checked

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "terminal.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda part: part)
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert name in [node.name for node in found]


def test_every_promise_names_a_test_and_every_file_exists() -> None:
    table = TEXT[TEXT.index("| promise |") :].splitlines()[2:]
    assert len(table) > 25
    for line in table:
        assert "::" in line, line
    for name in re.findall(r"`((?:tui|engine|themes)/[\w/]+\.\w+)`", TEXT):
        assert (ROOT / name).exists(), name


def test_the_settings_that_are_shown_are_the_settings() -> None:
    shown = tomllib.loads(TEXT[TEXT.index("```toml") + 7 :].split("```")[0])
    keymap = shown.pop("keymap")
    flat = {
        f"{section}.{name}": value
        for section, table in shown.items()
        if isinstance(table, dict)
        for name, value in table.items()
    }
    flat["theme"] = shown["theme"]
    assert set(flat) == set(KNOWN)
    for key, value in flat.items():
        assert checked(KNOWN[key], value) == value
    assert UserKeys("default", keymap).problems == []
    assert set(keymap) <= {id_of(key) for key in KEYS}


def test_every_verb_is_in_the_table() -> None:
    for verb in VERBS:
        assert f"`:{verb.name}" in TEXT
