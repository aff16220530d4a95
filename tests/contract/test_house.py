"""The laws of the house that a program can check."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config.explain import all_keys

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(p for top in ("engine", "tui") for p in (ROOT / top).rglob("*.py"))
MAX_LINES, MAX_FUNCTION = 500, 60


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    assert path.read_text().count("\n") <= MAX_LINES
    for function in functions(path):
        assert (function.end_lineno or 0) - function.lineno < MAX_FUNCTION, f"{function.name} is too long"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_say_what_they_own(path: Path) -> None:
    text = path.read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "a module docstring says what it owns"


def test_every_key_of_the_run_file_is_read_by_code() -> None:
    code = "\n".join(p.read_text() for p in SOURCES if "config" not in p.relative_to(ROOT).parts)
    unread = []
    for key in all_keys():
        section, _, name = key.rpartition(".")
        owner = {"data": "section", "": "run"}.get(section, section.rpartition(".")[2])
        if section or name == "name":
            pattern = rf"\b{owner}\.{name}\b"
            if not re.search(pattern, code):
                unread.append(key)
    assert not unread, f"no code reads {unread}"


def test_no_pickle_anywhere() -> None:
    words = re.compile(r"torch\.(load|save)\(|import pickle|pickle\.loads?")
    assert not [p for p in SOURCES if words.search(p.read_text())]
