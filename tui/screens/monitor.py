"""Monitor: one run, live or later. What it shows is in `monitor_panes`, what its keys do in `monitor_keys`."""

from __future__ import annotations

from tui.keys import bindings
from tui.screens.monitor_keys import MonitorKeys


class Monitor(MonitorKeys):
    """Charts, samples, checkpoints, warnings and log of a run; before its first step, its preparation."""

    BINDINGS = bindings("monitor")
