"""Whether a conversation holds anything to learn. Training leaves out what does not, and browsing says so beforehand."""

from __future__ import annotations

import string

from engine.config.data import DataSection
from engine.data.conversation import Conversation
from engine.data.interpret import CUSTOM


def unlearned(conversation: Conversation, section: DataSection) -> str:
    """Why there is nothing to learn in a conversation, or ""."""
    if section.template == CUSTOM:
        learned = [str(conversation.values.get(name, "?")) for name in completion_columns(section)]
    elif conversation.tokens is not None:
        learned = ["ids"] if any(label >= 0 for label in conversation.tokens.labels) else []
    else:
        learned = [
            m.content or (m.tool_calls and "call") or ""
            for m in conversation.messages
            if m.role in ("assistant", "text") and m.weight
        ]
    if any(text and not text.isspace() for text in learned):
        return ""
    if conversation.messages and conversation.messages[0].role == "text":
        return "with an empty text"
    return "with an empty answer" if learned else "without an answer"


def completion_columns(section: DataSection) -> list[str]:
    """The columns that a custom template learns; malformed braces are the template's to report."""
    try:
        return [name for _, name, _, _ in string.Formatter().parse(section.completion or "") if name]
    except ValueError:
        return ["?"]
