"""The planner's process: questions on stdin, answers on stdout, until stdin closes.

    python -P -m engine.plan

It belongs to one engine service and ends with it. A thread hears, so that a newer question ends the work on an older one.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import traceback
from collections import deque
from typing import BinaryIO

from engine.errors import LuthierError
from engine.plan_talk import Drop, Question, Reply, Said, read, said_decoder, write
from engine.runs.devices import CPU, VISIBLE, environment_for, usual_device

QUIET_S = 0.5
"""Without a question for so long, what the next one may need is made ahead."""
IDLE_S = 900.0
"""Without a question for so long it ends, and gives its memory back; the next question starts another one."""


class Inbox:
    """What was said and not yet looked at. `hear` runs in a thread of its own."""

    def __init__(self) -> None:
        self._said: deque[Said] = deque()
        self._there = threading.Condition()
        self.at: Question | None = None

    def hear(self, pipe: BinaryIO) -> None:
        """Until the service is gone; then this process is, too."""
        while (message := read(pipe)) is not None:
            said = said_decoder.decode(message)
            with self._there:
                if isinstance(said, Question | Drop):
                    self._said = deque(one for one in self._said if not _ends(said, one))
                self._said.append(said)
                self._there.notify()
        os._exit(0)

    def next(self, seconds: float) -> Said | None:
        """What was said next; None where nothing came for so long."""
        with self._there:
            if not self._there.wait_for(lambda: self._said, seconds):
                return None
            return self._said.popleft()

    def ended(self) -> bool:
        """Whether the question that is being answered is of no interest any more."""
        with self._there:
            return self.at is not None and any(_ends(said, self.at) for said in self._said)


def _ends(newer: Said, older: Said) -> bool:
    if not isinstance(older, Question):
        return False
    if isinstance(newer, Drop):
        return newer.id == older.id
    return isinstance(newer, Question) and newer.draft == older.draft


def main() -> None:
    """Answer until nobody asks."""
    here, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    inbox = Inbox()
    threading.Thread(target=inbox.hear, args=(here,), daemon=True).start()
    gpu, visible = usual_device(), os.environ.get(VISIBLE)
    os.environ[VISIBLE] = ""  # shapes need no GPU, and nothing is to be taken of it
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    import logging

    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    from engine.plan.kept import Interrupted
    from engine.plan.pacing import Pacing
    from engine.plan.planner import Planner
    from engine.plan.process import process_bytes

    process_bytes(CPU)  # as it is now, before there is anything of a plan in it
    gc.collect()
    gc.freeze()  # a search for cycles among all objects of the libraries takes a quarter of a second

    def between() -> None:
        if inbox.ended():
            raise Interrupted

    seen = {VISIBLE: visible} if visible is not None else environment_for(gpu)
    planner = Planner(between, gpu, Pacing(environment=seen))
    while True:
        said = inbox.next(QUIET_S if planner.ahead else IDLE_S)
        if said is None:
            if not planner.ahead:
                break
            planner.look_ahead()
        elif isinstance(said, Question):
            inbox.at = said
            _answer(planner, said, out)
            inbox.at = None
        elif not isinstance(said, Drop):
            planner.take(said)
    planner.pacing.stop()
    os._exit(0)


def _answer(planner: object, asked: Question, out: BinaryIO) -> None:
    from engine.plan.kept import Interrupted
    from engine.plan.planner import Planner

    assert isinstance(planner, Planner)
    try:
        for reply in planner.answers(asked):
            write(out, reply)
    except Interrupted:
        return
    except LuthierError as error:
        write(out, Reply(id=asked.id, error=str(error), final=True))
    except Exception as error:  # noqa: BLE001 - the border: a mistake of ours ends the question, not the planner
        traceback.print_exc(file=sys.stderr)
        write(out, Reply(id=asked.id, error=f"{type(error).__name__}: {error}", final=True, bug=True))


if __name__ == "__main__":
    main()
