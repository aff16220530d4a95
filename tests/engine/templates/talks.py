"""Random conversations in several scripts, with white space at the ends, and with texts that look like a template's words."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.data.conversation import Conversation, Message, Role

PIECES = [
    "user", "assistant", "system", "Hello", "So.", "你好，世界", "привет", "שלום", "مرحبا", "👩‍👩‍👧", "🙂", "e\u0301", " ", "  ",
    "\n", "\n\n", "\t", "\u3000", "x", "{{ x }}", "{% y %}", "'", '"', "\\n", "<|im_end|>", "<|im_start|>user\n", "[/INST]",
    "</s>", "<|eot_id|>", "im_end", "\U00100000", "0",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)


def said(*turns: tuple[Role, str]) -> Conversation:
    """A conversation of (role, text)."""
    return Conversation("d:1", tuple(Message(role, text, f"messages[{i}]") for i, (role, text) in enumerate(turns)))


@st.composite
def in_turn(draw: st.DrawFn) -> Conversation:
    """Perhaps a system text, then questions and answers in turn, of which the last answer may be missing."""
    turns: list[tuple[Role, str]] = [("system", draw(texts))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        turns += [("user", draw(texts)), ("assistant", draw(texts))]
    return said(*(turns[:-1] if draw(st.booleans()) else turns))


@st.composite
def in_any_order(draw: st.DrawFn) -> Conversation:
    """One to five turns of any roles."""
    roles = st.sampled_from(["system", "user", "assistant", "tool"])
    return said(*draw(st.lists(st.tuples(roles, texts), min_size=1, max_size=5)))
