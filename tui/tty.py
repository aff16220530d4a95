"""Whether there still is a terminal. A hang-up is not always a signal: who ignores SIGHUP, or is no leader of the session, hears
nothing, and would read an empty input for ever."""

from __future__ import annotations

import select
import sys


def terminal_is_gone(fd: int | None = None) -> bool:
    """Whether the other side of the terminal that is read from (or of `fd`) has hung up."""
    if fd is None:
        stream = sys.__stdin__
        if stream is None or stream.closed:
            return True
        fd = stream.fileno()
    poll = select.poll()
    poll.register(fd, 0)  # hang-ups and errors are told whatever is asked for
    return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
