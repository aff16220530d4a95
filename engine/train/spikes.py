"""Loss spikes: a step whose loss stands far above the running level.

The level is the median of the last finite losses; the spread comes from the median distance of two losses in a row, which
neither a spike nor a falling loss widens. A stretch of high losses is one spike, told at its first step; where the level
itself has risen, the window follows it. All of it is in the checkpoint's state, so that a resumed run tells the same spikes.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from engine.runs.events import Warning_

WINDOW = 64
"""Finite steps that make the spread."""

RECENT = 16
"""Finite steps that make the level."""

LEAST = 12
"""Steps before the first judgement: the losses of a run's first steps fall, and say little about its level."""

DEVIATIONS = 6.0
"""How far above the level a spike is, in standard deviations."""

FLOOR_NATS, FLOOR_SHARE = 0.1, 0.2
"""A spike is at least so far above the level, in nats and as a share of it: steady losses have hardly any deviation."""

MOST = 20
"""Spikes that are told in a run."""

SIGMA = 1.0484
"""Standard deviation of independent normal numbers, two of which are 1 apart in the median."""


@dataclass(frozen=True, slots=True)
class Spike:
    """A spike with what it was measured against."""

    loss: float
    level: float
    """Median of the steps before it."""
    limit: float
    """What it had to exceed."""
    steps: int
    """Steps the level is made of."""


class Spikes:
    """Watches the losses of a run. `told` counts the spikes so far, also those beyond `MOST`."""

    def __init__(self) -> None:
        self._losses: deque[float] = deque(maxlen=WINDOW)
        self._tokens: deque[int] = deque(maxlen=WINDOW)
        self._high = False
        self.told = 0

    def see(self, loss: float, tokens: int) -> Spike | None:
        """Take in the loss of a step, a mean over so many supervised tokens; return the spike that begins with it.

        The mean of few tokens strays further, so it must stand higher: by the root of how many there usually are to them.
        """
        if not math.isfinite(loss) or not tokens:
            return None
        found = self._judge(loss, tokens) if len(self._losses) >= LEAST else None
        begins = found is not None and not self._high
        self._high = found is not None
        self._losses.append(loss)
        self._tokens.append(tokens)
        self.told += begins
        return found if begins else None

    def _judge(self, loss: float, tokens: int) -> Spike | None:
        recent = list(self._losses)[-RECENT:]
        level = median(recent)
        floor = max(FLOOR_NATS, FLOOR_SHARE * level)
        if loss <= level + floor:  # nearly every step ends here, and costs next to nothing
            return None
        spread = SIGMA * median(abs(one - other) for one, other in pairwise(self._losses))
        strays = math.sqrt(max(1.0, median(self._tokens) / tokens))
        limit = level + strays * max(floor, DEVIATIONS * spread)
        return Spike(loss, level, limit, len(recent)) if loss > limit else None

    def warning(self, spike: Spike, run: str, step: int, grad_norm: float, rows: list[str]) -> Warning_ | None:
        """What to say of a spike at `step`; of the first beyond `MOST`, that no more are told; None from then on."""
        if self.told > MOST + 1:
            return None
        if self.told == MOST + 1:
            message = f"more than {MOST} loss spikes; the ones from step {step} on are not told"
            return Warning_(code="loss_spikes", message=message, hint="lower train.learning_rate", step=step)
        message = (
            f"loss spike at step {step}: {spike.loss:.4f}, where the median of the {spike.steps} steps before it is "
            f"{spike.level:.4f}; gradient norm {grad_norm:.3g}"
        )
        hint = f"`luthier inspect {run} --batch {step}` shows its rows"
        return Warning_(code="loss_spike", message=message, hint=hint, step=step, rows=rows)

    def state(self) -> dict[str, Any]:
        """As JSON values."""
        return {"losses": list(self._losses), "tokens": list(self._tokens), "high": self._high, "told": self.told}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Spikes:
        """What `state` gave; nothing seen for an empty one."""
        made = cls()
        made._losses.extend(state.get("losses", []))
        made._tokens.extend(state.get("tokens", []))
        made._high, made.told = bool(state.get("high", False)), int(state.get("told", 0))
        return made
