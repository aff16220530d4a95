"""The process: hello, then requests until stdin closes or somebody says quit.

    python -P -m engine.service

It says hello before anything heavy is imported. SIGINT is the terminal's and is passed over; SIGTERM ends it.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from importlib.metadata import PackageNotFoundError, version

from engine import __version__
from engine.service.protocol import PROTOCOL, Hello
from engine.service.wire import claim_stdio

PACKAGES = ("datasets", "msgspec", "numpy", "pyarrow", "pydantic", "regex", "rensa", "tokenizers", "transformers")
_NICE = 10
"""What the screen asks for comes after the screen: keys are answered while a file is counted."""
_SWITCH_S = 0.001
"""How long a busy thread may keep a quick request waiting for the interpreter."""


def main() -> None:
    """Run the service to its end."""
    os.nice(_NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = claim_stdio()
    signal.set_wakeup_fd(channel.wake_fd)
    signal.signal(signal.SIGTERM, lambda number, frame: None)  # the byte that it leaves in `wake_fd` ends the loop
    channel.send(Hello(protocol=PROTOCOL, version=__version__, pid=os.getpid(), versions=_versions()))
    if sys.stderr is not None:
        faulthandler.enable()
    sys.setswitchinterval(_SWITCH_S)

    from engine.service.memory import economise
    from engine.service.server import Server

    economise()
    server = Server(channel)
    server.serve()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server.shut_down()
    os._exit(0)  # a thread that is inside a library is not waited for


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main()
