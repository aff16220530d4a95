"""How well plans were kept: what earlier runs of the same family took, against what was planned for them."""

from __future__ import annotations

from pathlib import Path

from engine.runs.store import Run, list_runs

LOOKED_AT = 30
"""Newest runs whose journals are read."""
SHOWN = 10


def earlier_runs(runs: Path, architecture: str, quantization: str, kind: str) -> list[tuple[str, float]]:
    """(name, measured / predicted) of finished runs of one family, the newest first: same class of model, same number format of
    the base, same kind of device ("cuda" or "cpu")."""
    found = []
    for folder in list_runs(runs)[:LOOKED_AT]:
        try:
            view = Run(folder).load().view
        except OSError:
            continue  # a run that is being removed
        model, planned, last = view.model, view.memory.get("planned"), view.memory.get("finished")
        if model is None or planned is None or last is None or not last.measured_gib:
            continue
        if (model.architecture, model.quantization) != (architecture, quantization):
            continue
        on_cpu = model.device.startswith("CPU")
        if on_cpu != (kind == "cpu"):
            continue
        halved = view.memory.get("halved")
        predicted = (halved or planned).predicted_gib
        if not on_cpu:  # what is measured on a GPU are tensors, without the driver's context
            predicted -= (halved or planned).parts.get("process", 0.0)
        if predicted > 0:
            found.append((folder.name, round(last.measured_gib / predicted, 3)))
    return found[:SHOWN]
