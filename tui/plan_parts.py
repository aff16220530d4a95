"""The parts of a memory plan as the screens show them: a letter and an ink each, and how they share a bar. Knows numbers only."""

from __future__ import annotations

from dataclasses import dataclass

from engine.plan_facts import MemoryPlan

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Part:
    """What takes memory."""

    key: str
    """Its name in the plan."""
    name: str
    letter: str
    """What it is called by where there is no colour."""
    ink: str

    def named(self, moment: str) -> str:
        """Its name; of what a moment takes beyond training, that moment's."""
        return moment if self.letter == "+" else self.name


PARTS = (
    Part("weights", "weights", "W", "memory"),
    Part("quantization constants", "scales", "S", "rate"),
    Part("adapters", "adapters", "A", "train"),
    Part("gradients", "gradients", "G", "grad"),
    Part("optimizer", "optimizer", "O", "speed"),
    Part("activations", "activations", "C", "eval"),
    Part("logits", "logits", "L", "accent"),
    Part("workspace", "workspace", "K", "text"),
    Part("process", "process", "P", "muted"),
)
MORE = Part("", "more", "+", "warn")
"""What an evaluation, saving or loading takes beyond training."""


def spelled(size: int) -> str:
    """Bytes in at most seven cells: "812 MiB", "5.7 GiB", "139 GiB"."""
    value = size / GIB
    if value < 0.9995:
        return f"{size / (1 << 20):.0f} MiB"
    return f"{value:.1f} GiB" if value < 99.95 else f"{value:.0f} GiB"


def unit_of(whole: int) -> tuple[str, int]:
    """The unit in which the parts of a plan are said, and its bytes: that in which `spelled` says the whole."""
    return ("GiB", GIB) if whole / GIB >= 0.9995 else ("MiB", 1 << 20)


def in_unit(size: int, unit: int) -> str:
    """Bytes as a number of a unit of so many bytes, in at most five cells."""
    value = size / unit
    return (
        "<0.01"
        if value < 0.01
        else f"{value:.2f}"
        if value < 9.995
        else f"{value:.1f}"
        if value < 999.95
        else f"{value:.0f}"
    )


def parts_of(plan: MemoryPlan) -> list[tuple[Part, int]]:
    """(part, bytes) of what is there at all, from the bottom of the stack; the highest moment beyond training last."""
    found = [(part, plan.parts.get(part.key, 0)) for part in PARTS]
    known = {part.key for part in PARTS}
    others = sum(size for key, size in plan.parts.items() if key not in known)
    found.append((Part("", "others", "?", "faint"), others))
    found.append((MORE, plan.peak - plan.training))
    return [(part, size) for part, size in found if size > 0]


def cells(sizes: list[int], whole: int, width: int) -> list[int]:
    """How many of `width` cells each size gets of a bar that stands for `whole`, together as many as their sum asks for."""
    out, drawn, done = [], 0, 0
    for size in sizes:
        done += size
        upto = min(width, round(width * done / max(1, whole)))
        out.append(upto - drawn)
        drawn = upto
    return out


def highest(plan: MemoryPlan) -> str:
    """The moment that takes the most: "training", "evaluation", "saving" or "loading"."""
    moments = {
        "training": plan.training,
        "evaluation": plan.evaluation,
        "saving": plan.saving,
        "loading": plan.loading,
    }
    return max(moments, key=lambda name: moments[name])
