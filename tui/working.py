"""Starting a worker of a widget, so that nothing is left over where it is ended before it began."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from textual.dom import DOMNode

if TYPE_CHECKING:
    from textual.worker import WorkType


def begin(node: DOMNode, task: Callable[[], Coroutine[Any, Any, Any]], group: str, exclusive: bool = False) -> None:
    """Do `task` in a worker of `node`; a newer one of an exclusive group ends the older ones.

    It takes the function and no coroutine: that of a worker which never began would never be awaited.
    """
    work: WorkType[Any] = task
    node.run_worker(work, group=group, exclusive=exclusive)
