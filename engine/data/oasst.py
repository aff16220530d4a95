"""Trees of messages, as OpenAssistant publishes them: nested in a row, or as a list with a message in each row.

Each way from a root to an answer behind which no other answer stands is a conversation. A message is left out only where
its own fields say so (deleted, spam, a failed review), and with it what was replied to it; all of that is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from engine.data.base import Converted, Counts, Format
from engine.data.conversation import Conversation, Message
from engine.data.rows import BadLine, Row
from engine.data.turns import ROLE_NAMES, Columns, RowError, kind_of

SPAM = 0.5
"""A message is spam when reviewers, on average, said so at least that much."""
UNANSWERED = "questions that nobody answered"
BELOW = "messages below one that was left out"


@dataclass(slots=True)
class Node:
    """A message and its replies."""

    message: Message
    refused: str = ""
    """Why it is left out, in words that follow a number, or ""."""
    replies: list[Node] = field(default_factory=list)


def node_of(values: Mapping[str, Any], text: str, role: str, source: str) -> Node:
    """The message in an object, without its replies. Raises RowError when it is none."""
    said, who = values.get(text), values.get(role)
    if not isinstance(said, str):
        raise RowError(f"{source} is no message with a text: its {text!r} is {kind_of(said)}")
    name = ROLE_NAMES.get(str(who).lower())
    if name is None:
        raise RowError(f"{source} has the role {who!r}; OpenAssistant has prompter and assistant")
    return Node(Message(name, said, source), refusal_of(values))


def refusal_of(values: Mapping[str, Any]) -> str:
    """Why a message's own fields say that it is not to be used, or ""."""
    if values.get("deleted") is True:
        return "messages that were deleted"
    if values.get("review_result") is False:
        return "messages that failed their review"
    return "messages labelled as spam" if _spam(values.get("labels")) >= SPAM else ""


def _spam(labels: Any) -> float:
    """The spam label, as trees, lists and tables write labels."""
    value: Any = None
    if isinstance(labels, dict) and isinstance(labels.get("name"), list):
        value = dict(zip(labels["name"], labels.get("value") or [], strict=False)).get("spam")
    elif isinstance(labels, dict):
        spam = labels.get("spam")
        value = spam.get("value") if isinstance(spam, dict) else spam
    elif isinstance(labels, list):
        value = next((x.get("value") for x in labels if isinstance(x, dict) and x.get("name") == "spam"), None)
    return float(value) if isinstance(value, int | float) else 0.0


def threads(root: Node, counts: Counts = None) -> list[tuple[Message, ...]]:
    """The conversations of a tree, in the order of its replies."""
    found: dict[tuple[Message, ...], None] = {}
    waiting: list[tuple[Node, tuple[Message, ...], bool]] = [(root, (), False)]
    while waiting:
        node, above, out = waiting.pop()
        reason = BELOW if out else node.refused
        if reason and counts is not None:
            counts[reason] += 1
        thread = above if reason else (*above, node.message)
        waiting += [(reply, thread, bool(reason)) for reply in reversed(node.replies)]
        if node.replies and not reason:
            continue
        while thread and thread[-1].role != "assistant":
            if counts is not None and not reason:
                counts[UNANSWERED] += 1
            thread = thread[:-1]  # a question that nobody answered teaches nothing
        if thread:
            found[thread] = None
    return list(found)


@dataclass(frozen=True)
class TreeFormat(Format):
    """A whole tree in a row. The root is in `column`, or is the row itself where that is empty."""

    column: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"tree": self.column} if self.column else {"text": "text", "role": "role", "replies": "replies"}

    def convert(self, row: Row, columns: Columns, counts: Counts = None) -> list[Conversation]:
        root = row.values.get(columns["tree"]) if self.column else row.values
        if not isinstance(root, dict) or "replies" not in root:
            name = columns["tree"] if self.column else "row"
            raise RowError(f"{name!r} is {kind_of(root)}, not a tree of messages with `replies`")
        found = threads(self._tree(root, self.column or "row"), counts)
        return [Conversation(row.origin, thread, row.values) for thread in found]

    @staticmethod
    def _tree(values: dict[str, Any], source: str) -> Node:
        root = node_of(values, "text", "role", source)
        waiting = [(root, values, source)]
        while waiting:
            node, values, source = waiting.pop()
            for number, reply in enumerate(values.get("replies") or []):
                where = f"{source}.replies[{number}]"
                if not isinstance(reply, dict):
                    raise RowError(f"{where} is {kind_of(reply)}, not a message")
                node.replies.append(node_of(reply, "text", "role", where))
                waiting.append((node.replies[-1], reply, where))
        return root


@dataclass(frozen=True)
class MessageListFormat(Format):
    """A message in each row, tied together by `message_id` and `parent_id`. A conversation belongs to its root's row."""

    gathers: ClassVar[bool] = True

    @property
    def roles(self) -> Mapping[str, str]:
        return {"id": "message_id", "parent": "parent_id", "text": "text", "role": "role"}

    def convert(self, row: Row, columns: Columns, counts: Counts = None) -> list[Conversation]:
        """The message of this row alone, to look at; conversations come from `convert_all`."""
        return [Conversation(row.origin, (self._node(row, columns)[1].message,), row.values)]

    @staticmethod
    def _node(row: Row, columns: Columns) -> tuple[str, Node]:
        ident, parent = row.values.get(columns["id"]), row.values.get(columns["parent"])
        if not isinstance(ident, str | int) or isinstance(ident, bool) or ident == "":
            raise RowError(f"column {columns['id']!r} is {kind_of(ident)}, not the id of a message")
        if parent is not None and (not isinstance(parent, str | int) or isinstance(parent, bool)):
            raise RowError(f"column {columns['parent']!r} is {kind_of(parent)}, not the id of a message")
        if row.values.get("replies"):
            raise RowError("it holds its replies itself: this is a tree, which format oasst_message reads")
        return str(ident), node_of(row.values, columns["text"], columns["role"], row.origin)

    def fitting(self, rows: Sequence[Row], columns: Columns) -> tuple[int, str]:
        """Rows that are messages; what they reply to may stand further on."""
        wrong = list(self._reasons(rows, columns))
        return len(rows) - len(wrong), wrong[0] if wrong else ""

    def _reasons(self, rows: Sequence[Row], columns: Columns) -> Iterator[str]:
        for row in rows:
            try:
                self._node(row, columns)
            except RowError as error:
                yield str(error)

    def convert_all(self, rows: Iterable[Row], columns: Columns) -> Converted:
        """Gather the threads; a message whose parent is in no row is a misfit, and so is what hangs below it."""
        nodes: dict[str, tuple[Row, Node]] = {}
        parents: dict[str, str] = {}
        misfits: list[BadLine] = []
        for row in rows:
            try:
                ident, node = self._node(row, columns)
                if ident in nodes:
                    raise RowError(f"the id {ident!r} was used before, by {nodes[ident][0].origin}")
            except RowError as error:
                misfits.append(BadLine(row.origin, str(error)))
                continue
            nodes[ident] = (row, node)
            parents[ident] = str(row.values.get(columns["parent"]) or "")
        for ident, parent in parents.items():
            if parent in nodes:
                nodes[parent][1].replies.append(nodes[ident][1])
        lost = _lost(parents)
        misfits += [BadLine(nodes[ident][0].origin, reason) for ident, reason in lost.items()]
        counts: Counter[str] = Counter()
        conversations = [
            Conversation(row.origin, thread, row.values)
            for ident, (row, node) in nodes.items()
            if not parents[ident]
            for thread in threads(node, counts)
        ]
        return Converted(conversations, misfits, dict(counts))

    def remark(self, rows: Sequence[Row], columns: Columns) -> str:
        return "each way from a root to an answer is a conversation, gathered over all rows"


def _lost(parents: Mapping[str, str]) -> dict[str, str]:
    """Ids that no root leads to, and why."""
    known: dict[str, str] = {}  # id -> reason, "" where a root leads to it
    for ident in parents:
        way: dict[str, None] = {}
        at = ident
        while at not in known and at not in way and parents[at] and parents[at] in parents:
            way[at] = None
            at = parents[at]
        if at in way:
            reason = "its replies run in a circle"
        elif at in known:
            reason = known[at]
        elif parents[at]:
            reason = known[at] = f"its parent {parents[at]!r} is in no row"
        else:
            reason = known[at] = ""
        if reason.startswith("its parent"):
            reason = f"it hangs below the message {at!r}, whose parent is in no row"
        known |= dict.fromkeys(way, reason)
    return {ident: reason for ident, reason in known.items() if reason}
