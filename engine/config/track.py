"""The [track] section: where else the figures of a run go, beside its journal."""

from __future__ import annotations

from typing import Annotated

from engine.config.advice import Advice
from engine.config.base import Section


class TrackSection(Section):
    """Figures for other programs. The journal of the run has everything anyway, and nothing leaves this machine."""

    tensorboard: Annotated[
        bool, Advice(label="TensorBoard files", usual="off", high="costs a fraction of a millisecond a step")
    ] = False
    """Write TensorBoard event files into the run directory while it trains: losses, learning rate, gradient norm, tokens a
    second, memory, samples as text. Needs the extra `luthier[tensorboard]`; `luthier tensorboard` does it afterwards."""
