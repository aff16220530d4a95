"""Foreign text becomes harmless and stays readable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text import one_line, visible


@pytest.mark.parametrize(
    "payload", ["\x1b]52;c;aGk=\x07", "\x1b[2J", "\x9b31m", "a\u202eb", "\ufeffx", "\x7f", "\ud800"]
)
def test_nothing_that_a_terminal_acts_on_survives(payload: str) -> None:
    shown = visible(payload)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs") or c in "\u202e\ufeff"]
    shown.encode()


def test_ordinary_text_is_untouched() -> None:
    text = "naïve 日本語 🙂👩‍👩‍👧 [/INST] [red]x[/]\n\tend"
    assert visible(text) == text


@given(st.text())
def test_any_text_can_be_printed(text: str) -> None:
    shown = visible(text)
    shown.encode()
    assert not set(shown) & set("\x1b\x07\x08\r\x9b\u202e\u200b")


def test_one_line_is_cut_with_an_ellipsis() -> None:
    assert one_line("a\nb\tc") == "a⏎b⇥c"
    assert one_line("abcdef", 4) == "abc…"
