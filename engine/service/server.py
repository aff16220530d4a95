"""The loop of the service: a line is a request, a request a job, a job an answer.

Quick requests are answered by a small pool, long ones by a thread each. Whatever a handler raises becomes `failed`; no request
ends the service.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from engine.errors import LuthierError
from engine.service.handlers import LONG, QUICK
from engine.service.jobs import Ended, Job, Jobs
from engine.service.memory import give_back
from engine.service.protocol import Answer, Cancel, Cancelled, Done, Failed, Quit, Request, request_decoder
from engine.service.sources import Sources
from engine.service.wire import LINE_LIMIT, Channel

QUICK_THREADS = 4
_LAST_WORDS_S = 0.3


class _Numbered(msgspec.Struct):
    """What is read of a line that is no request."""

    id: int = 0
    type: str = ""


class Server:
    """Takes requests from a channel and answers them."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._jobs = Jobs(channel)
        self._sources = Sources(channel, self._jobs.pace)
        self._pool = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="quick")

    def serve(self) -> None:
        """Answer until stdin closes or `quit` comes."""
        for line in self._channel.lines():
            if line is None:
                self._fail(0, f"A request of more than {LINE_LIMIT >> 20} MiB was passed over.")
            elif not self._take(line):
                return

    def shut_down(self) -> None:
        """End what goes on, and leave no half-written file behind."""
        self._jobs.cancel_all()
        self._sources.close()
        until = time.monotonic() + _LAST_WORDS_S
        while len(self._jobs) and time.monotonic() < until:
            time.sleep(0.005)

    def _take(self, line: bytes) -> bool:
        """Start one request; False when it is the last."""
        try:
            request = request_decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._fail(*_explain(line, error))
            return True
        if request.id < 1:
            self._fail(request.id, f"The id of a request is above 0; this one has {request.id}.")
        elif isinstance(request, Quit):
            self._channel.send(Done(id=request.id))
            return False
        elif isinstance(request, Cancel):
            self._jobs.cancel(request.target)
            self._channel.send(Done(id=request.id))
        else:
            self._start(request)
        return True

    def _start(self, request: Request) -> None:
        job = self._jobs.begin(request.id)
        if job is None:
            self._fail(0, f"The id {request.id} is in use by a request that has not ended; choose another.")
        elif (quick := QUICK.get(type(request))) is not None:
            self._jobs.pace.arrive()
            self._pool.submit(self._run_quick, quick, request, job)
        else:
            thread = threading.Thread(target=self._run_long, args=(LONG[type(request)], request, job), daemon=True)
            thread.start()

    def _run_quick(self, handler: Callable[..., Answer | None], request: Request, job: Job) -> None:
        try:
            self._run(handler, request, job)
        finally:
            self._jobs.pace.leave()

    def _run_long(self, handler: Callable[..., Answer | None], request: Request, job: Job) -> None:
        self._run(handler, request, job)
        give_back()

    def _run(self, handler: Callable[..., Answer | None], request: Request, job: Job) -> None:
        try:
            if not job.over:
                answer = handler(self._sources, self._jobs, request, job)
                if answer is not None:
                    job.end(answer)
        except Ended:
            job.end(Cancelled())
        except LuthierError as error:
            job.end(Failed(message=str(error)))
        except MemoryError:
            job.end(Failed(message="There is not enough memory for this. Close other sources, or filter fewer rows."))
        except Exception as error:  # noqa: BLE001 - the border: a mistake of ours ends the request, not the service
            traceback.print_exc(file=sys.stderr)
            message = f"{type(error).__name__} while answering {type(request).__name__.lower()}. This is a mistake of Luthier's."
            job.end(Failed(message=message, bug=True))
        finally:
            self._jobs.forget(job)

    def _fail(self, request_id: int, message: str) -> None:
        self._channel.send(Failed(id=request_id, message=message))


def _explain(line: bytes, error: Exception) -> tuple[int, str]:
    """(id, message) for a line that is no request."""
    try:
        known = msgspec.json.decode(line, type=_Numbered)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        known = _Numbered()
    what = f"the request {known.type!r}" if known.type else "a request"
    return known.id, f"A line could not be taken as {what}: {error}."
