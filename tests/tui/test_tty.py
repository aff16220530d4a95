"""A terminal that hangs up without a signal is noticed."""

from __future__ import annotations

import os
import pty

from tui.tty import terminal_is_gone


def test_a_hung_up_terminal_is_gone() -> None:
    ours, theirs = pty.openpty()
    try:
        assert not terminal_is_gone(theirs)
        os.close(ours)
        assert terminal_is_gone(theirs)
    finally:
        os.close(theirs)
    assert terminal_is_gone(theirs), "a closed one, too"
