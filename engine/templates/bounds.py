"""A bound on what a chat template may do. It comes with a tokenizer, from strangers, and can go round for ever.

Jinja has no endless loop, but loops within loops over `range` come to the same, without writing a character. So the steps of the
template are counted, not the text it writes. Counting slows a rendering down several times over; whoever renders many rows
counts the first of each kind. A single step that takes for ever (a text multiplied by a thousand million) is not stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")
_TEMPLATE = "<template>"
"""What jinja2 calls the file of code that it made from a template."""


class EndlessTemplateError(Exception):
    """A template took more steps than it may."""


def bounded(render: Callable[[], T], steps: int) -> T:
    """Return what `render` returns. Raises EndlessTemplateError once a template takes more than `steps` lines or calls.

    Works for the calling thread only; a tracer that was set before is put back.
    """
    left = steps
    running = False

    def step(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal left, running
        inside = frame.f_code.co_filename == _TEMPLATE
        running = running or inside  # what is done before, the template is compiled in
        if running:
            left -= 1
            if left < 0:
                raise EndlessTemplateError
        return step if inside else None

    before = sys.gettrace()
    sys.settrace(step)
    try:
        return render()
    finally:
        sys.settrace(before)
