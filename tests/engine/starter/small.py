"""A recipe that is cooked in a second and learns nothing."""

from __future__ import annotations

from engine.starter.recipe import Recipe

SMALL = Recipe(
    islands=4,
    paragraphs=240,
    vocabulary=420,
    hidden=64,
    inner=64,
    layers=1,
    heads=2,
    base_steps=4,
    base_batch=4,
    tune_steps=4,
    tune_batch=4,
    rank=4,
    alpha=8,
)
