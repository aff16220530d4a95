"""Foreign text is shown literally and acts on nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from tui.text import Wall, cell_len, clip, pad, plain, safe, wrap

HOSTILE = "\x1b]52;c;QUJD\x07\x1b[2J\x9b31m\u202eevil\u200b[/] [INST] a[/x]"
anything = st.text(max_size=60)


def acts(text: str) -> list[str]:
    """The characters that a terminal would act upon."""
    return [c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u200e\u2066"]


def test_safe_is_literal() -> None:
    content = safe(HOSTILE)
    assert not acts(content.plain)
    assert "[/] [INST] a[/x]" in content.plain


@given(anything, st.integers(1, 30))
def test_lines_fit_and_are_harmless(text: str, width: int) -> None:
    for line in wrap(text, max(2, width)):
        assert cell_len(line) <= max(2, width)
        assert not acts(line)
    assert cell_len(plain(text, width)) <= width
    assert not acts(plain(text, width))
    assert cell_len(pad(plain(text), width)) == width


def test_clip_says_that_it_cut() -> None:
    assert clip("abcdef", 4) == "abc…"
    assert clip("日本語", 4) == "日…"
    assert clip("abc", 3) == "abc"
    assert clip("abc", 0) == ""


def test_wrap() -> None:
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert wrap("a\n\nb", 4) == ["a", "", "b"]
    assert wrap("a b c d e f", 3, max_lines=2) == ["a b", "c…"]


def test_the_wall_keeps_widths_and_lets_nothing_through() -> None:
    segments = [Segment("ok ─ ◆ é", Style(bold=True)), Segment(HOSTILE)]
    clean = Wall().apply(segments, Color(0, 0, 0))
    assert clean[0].text == "ok ─ ◆ é"
    assert not acts(clean[1].text)
    in_ascii = Wall(ascii_only=True).apply(segments, Color(0, 0, 0))
    assert all(segment.text.isascii() for segment in in_ascii)
    assert cell_len(in_ascii[0].text) == cell_len("ok ─ ◆ é")


def test_ascii_keeps_the_width_of_joined_signs() -> None:
    for text in ("👩‍👩‍👧‍👦 family │", "🏳️‍🌈 flag", "1️⃣ keycap", "é\u0301 नमस्ते ไทย", "日本語 …"):
        clean = Wall(ascii_only=True).apply([Segment(text)], Color(0, 0, 0))[0].text
        assert clean.isascii()
        assert len(clean) == cell_len(text), text


def test_a_long_path_is_broken_behind_a_slash() -> None:
    path = "/tmp/some-folder/of-mine/runs/gsm8k-qlora-123/checkpoints/4500"
    lines = wrap(f"It is in {path}", 40)
    assert all(len(line) <= 40 for line in lines)
    assert "".join(lines[1:]) == path
    assert all(line.endswith("/") for line in lines[1:-1]), "no number is parted"
    assert wrap("x" * 50, 20) == ["x" * 20, "x" * 20, "x" * 10]
    assert "".join(wrap("/" + "y" * 50, 20)) == "/" + "y" * 50
