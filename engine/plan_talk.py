"""What the engine service and its planner say to each other: one message after the other over two pipes, each with its length.

Light: neither side needs the other's libraries to speak.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import msgspec

from engine.plan_facts import RunPlan

_HEAD = struct.Struct("<I")
UNKNOWN = -1
"""A key of sequences that nobody has counted yet."""


class MaskBytes(msgspec.Struct, frozen=True):
    """Sequences by their lengths and where they are trained: arrays of little-endian int32."""

    lengths: bytes
    sources: bytes
    stretches: bytes
    """(sequence, start, stop) of what is trained, one array behind the other; the first token of a sequence is never in one."""


class Sequences(msgspec.Struct, tag="sequences"):
    """Sequences that questions are about, sent once."""

    key: int
    masks: MaskBytes


class Question(msgspec.Struct, tag="question", kw_only=True):
    """What would this run take? A newer question of the same draft ends this one."""

    id: int
    draft: int
    run: dict[str, Any]
    """The run file, resolved."""
    folder: str
    """Where config.json of its model is."""
    train: int
    """Key of the sequences that it trains on."""
    test: int
    """Key of those that it evaluates; `UNKNOWN` while they are counted, 0 for none."""
    share: float = 1.0
    """All rows by those that `train` comes from."""
    whole: bool = True
    """Whether `train` are all sequences of the run."""
    max_length: int
    new_rows: int = 0
    """New tokens that are trained."""
    device: str = ""
    timed: bool = True
    last: bool = True
    """Whether no better question follows."""
    runs: str = ""
    """Where earlier runs are."""


class Drop(msgspec.Struct, tag="drop"):
    """Nobody waits for the answers to a question any more."""

    id: int


class Reply(msgspec.Struct, kw_only=True):
    """What is known so far."""

    id: int
    plan: RunPlan | None = None
    exact: bool = False
    final: bool = False
    doing: str = ""
    """What takes a while."""
    error: str = ""
    bug: bool = False


Said = Sequences | Question | Drop
said_decoder: msgspec.msgpack.Decoder[Said] = msgspec.msgpack.Decoder(Said)
reply_decoder: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
_encoder = msgspec.msgpack.Encoder()


def write(pipe: BinaryIO, message: Said | Reply) -> None:
    """Send one message. Raises OSError where nobody is there any more."""
    data = _encoder.encode(message)
    pipe.write(_HEAD.pack(len(data)) + data)
    pipe.flush()


def read(pipe: BinaryIO) -> bytes | None:
    """The next message; None at the end."""
    head = pipe.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    (size,) = _HEAD.unpack(head)
    data = pipe.read(size)
    return data if len(data) == size else None
