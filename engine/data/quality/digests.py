"""Digests: 64 bits that are the same for the same words, in every process and on every machine.

White space and case do not count: two rows that differ in nothing else teach the same. In one of thirty-seven million
sources of a million rows, 64 bits take two rows for the same that are not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.data.conversation import Conversation, Message

SIZE = 8
NOTHING = bytes(SIZE)
"""The digest of a conversation without a word; it is no copy of another one without a word."""
_SPACE = bytes([*range(0x09, 0x0E), *range(0x1C, 0x21)])  # what str.split() takes for white space, in ASCII
_LOWER = bytes(range(256)).lower()
_BETWEEN = b"\x1e"  # is white space, so that no folded text has it
_ROLES = {role: b"\x1f" + role.encode() for role in ("system", "user", "assistant", "tool", "text")}
_JSON = msgspec.json.Encoder(order="deterministic")


def folded(text: str) -> bytes:
    """A text without white space and case, in UTF-8."""
    if text.isascii():
        return text.encode().translate(_LOWER, _SPACE)
    return "".join(text.split()).casefold().encode("utf-8", "surrogatepass")


def digest(value: Any) -> bytes:
    """Eight bytes that are the same for equal values; a text is no number and no list."""
    data = value.encode("utf-8", "surrogatepass") if type(value) is str else b"\x00" + as_json(value)
    return blake2b(data, digest_size=SIZE).digest()


def as_json(value: Any) -> bytes:
    """A value as JSON with sorted keys; what JSON does not have, as Python writes it."""
    try:
        return _JSON.encode(value)
    except (TypeError, ValueError, OverflowError):  # odd types, halves of surrogate pairs, whole numbers beyond 64 bits
        pass
    try:
        return json.dumps(value, sort_keys=True, default=repr).encode()
    except TypeError:  # keys of several kinds
        return repr(value).encode("utf-8", "surrogatepass")


def conversation_digest(conversation: Conversation) -> bytes:
    """The digest of what a conversation says: roles, texts, calls; of its row where a template takes the columns itself."""
    parts: list[bytes] = []
    for message in conversation.messages:
        parts += (_ROLES[message.role], folded(message.content))
        if message.tool_calls or message.weight != 1.0:
            parts += _rare(message)
    if not any(parts[1::2]):
        parts = []
    if conversation.tools and parts:
        parts.append(as_json(conversation.tools))
    if conversation.tokens is not None:
        parts.append(as_json((conversation.tokens.ids, conversation.tokens.labels)))
    if not parts:
        return NOTHING if conversation.messages else values_digest(conversation.values)
    return blake2b(_BETWEEN.join(parts), digest_size=SIZE).digest()


def _rare(message: Message) -> list[bytes]:
    calls = [folded(text) for call in message.tool_calls for text in (call.name, call.arguments)]
    return [*calls, str(message.weight).encode()]


def values_digest(values: Mapping[str, Any]) -> bytes:
    """The digest of a whole row, whatever the order of its columns."""
    parts: list[bytes] = []
    for name in sorted(values):
        value = values[name]
        parts += (
            name.encode("utf-8", "surrogatepass"),
            folded(value) if type(value) is str else _BETWEEN + _folded(value),
        )
    return blake2b(_BETWEEN.join(parts), digest_size=SIZE).digest()


def _folded(value: Any) -> bytes:
    return as_json(value).translate(_LOWER) if isinstance(value, list | dict) else as_json(value)


def as_numbers(digests: bytes | bytearray) -> NDArray[np.uint64]:
    """Digests one behind the other as numbers; a copy."""
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def digests_of(conversations: Iterable[Conversation]) -> NDArray[np.uint64]:
    """The digests of conversations, to look for them in another source."""
    return as_numbers(b"".join(conversation_digest(conversation) for conversation in conversations))
