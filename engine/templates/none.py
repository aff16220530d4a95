"""No template: rows that come as tokens stay what they are."""

from __future__ import annotations

from engine.data.conversation import Conversation
from engine.errors import TemplateError
from engine.templates.base import Rendered, Segment, Supervise


class AsTokens:
    """Hands tokens on. Their text is not made up from them: a sequence shows the pieces of its ids."""

    name = "none"
    markers: tuple[str, ...] = ()
    end: str | None = None
    jinja: str | None = None

    def render(self, conversation: Conversation, supervise: Supervise) -> Rendered:
        """Return the tokens. Which are learned is said by their labels; `supervise` has no say."""
        if conversation.tokens is None:
            raise TemplateError(f"{conversation.origin} does not come as tokens, so it needs a template.")
        return Rendered((Segment("", "ids", True, "ids"),), False, False, conversation.tokens)

    def prompt(self, conversation: Conversation) -> Rendered:
        """Return a question as it is: nothing is known of the words around questions in such data."""
        text = conversation.messages[-1].content if conversation.messages else ""
        return Rendered((Segment(text, "user", False, "prompt"),), True, False)


AS_TOKENS = AsTokens()
