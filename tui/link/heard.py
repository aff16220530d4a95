"""What the thread that listens to the engine service tells the app. Light: the app knows these before there is a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from engine.service.protocol import AnyAnswer


class Answered(Message):
    """What the service said since the last message."""

    def __init__(self, generation: int, answers: list[AnyAnswer]) -> None:
        super().__init__()
        self.generation = generation
        self.answers = answers


class ServiceEnded(Message):
    """The service's output ended."""

    def __init__(self, generation: int, code: int | None) -> None:
        super().__init__()
        self.generation = generation
        self.code = code
