"""Guesses at a pass from passes that were traced: for the first answer of a plan that is made again with every key.

What a layer keeps grows with the cells of the micro-batch: in between on the line through the two traced passes
next to it, beyond them in proportion to the nearest. What lies at the head of the model grows with the logits that are made at
once. docs/plan.md says how far off that was.
"""

from __future__ import annotations

from dataclasses import replace

from engine.plan.shapes import Shapes
from engine.plan.trace import LayerCost, Trace
from engine.plan_facts import Load
from engine.train.head import CHUNK_ELEMENTS

Passes = list[tuple[Load, Trace]]


def scaled(passes: Passes, load: Load, kind: str, vocabulary: int) -> Trace:
    """A pass over `load`, from some over other loads of the same model."""
    cells = _cells(load)
    below = max((one for one in passes if _cells(one[0]) <= cells), key=lambda one: _cells(one[0]), default=None)
    above = min((one for one in passes if _cells(one[0]) > cells), key=lambda one: _cells(one[0]), default=None)
    first = below or above
    assert first is not None, "somebody traced something"
    (near_load, here), (far_load, there) = first, above or first
    at, other = _cells(near_load), _cells(far_load)

    def along(a: int, b: int) -> int:
        if at == other:
            return round(a * cells / at)
        return max(0, round(a + (b - a) * (cells - at) / (other - at)))

    def layer(a: LayerCost, b: LayerCost) -> LayerCost:
        return LayerCost(
            along(a.saved, b.saved), along(a.forward, b.forward), along(a.backward, b.backward), a.gradients
        )

    def logits(one: Load) -> int:
        return max(1, min(CHUNK_ELEMENTS[kind], one.supervised * vocabulary))

    chunk = logits(load)
    nearest, pass_ = min(passes, key=lambda one: abs(logits(one[0]) - chunk))
    return Trace(
        start=along(here.start, there.start),
        begin=along(here.begin, there.begin),
        layers=[layer(a, b) for a, b in zip(here.layers, there.layers, strict=True)],
        head=round(pass_.head * chunk / logits(nearest)),
        end=along(here.end, there.end),
        other_gradients=here.other_gradients,
    )


def adapted(guess: Trace, before: Shapes, now: Shapes) -> Trace:
    """The pass of a model with other adapters, whose gradients are those of `now`."""
    old, new = _trained(before), _trained(now)
    layers = [replace(cost, gradients=new.get(number, 0)) for number, cost in enumerate(guess.layers)]
    return replace(guess, layers=layers, other_gradients=guess.other_gradients + new.get(None, 0) - old.get(None, 0))


def _cells(load: Load) -> int:
    return load.rows * load.width


def _trained(shapes: Shapes) -> dict[int | None, int]:
    """Bytes of what is trained in each built layer, and outside."""
    found: dict[int | None, int] = {}
    for stored in shapes.ledger:
        if stored.trained:
            found[stored.layer] = found.get(stored.layer, 0) + stored.bytes
    return found
