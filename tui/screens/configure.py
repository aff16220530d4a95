"""The Configure screen: a run file as a form, with the memory plan and the file itself beside it."""

from __future__ import annotations

from tui.keys import bindings
from tui.screens.configure_tools import ConfigureTools


class Configure(ConfigureTools):
    """The screen."""

    BINDINGS = bindings("configure")
