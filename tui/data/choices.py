"""What can be chosen for a source: names of formats, presets, findings, endings. The run file's own declaration is asked.

It is imported in here, in the functions: it brings pydantic with it, which the first screens do without. `warm` is for a
thread.
"""

from __future__ import annotations

from typing import get_args


def warm() -> None:
    """Have the declaration loaded before somebody waits for it."""
    endings()


def endings() -> tuple[str, ...]:
    """Endings of data files."""
    from engine.config.data import PACKED, READABLE

    return (*READABLE, *(f"{ending}{packed}" for ending in READABLE for packed in PACKED))


def formats() -> tuple[str, ...]:
    """Names of the formats, "auto" first."""
    from engine.config.data import FormatName

    return get_args(FormatName)


def presets() -> tuple[str, ...]:
    """Names of well-known datasets."""
    from engine.config.data import PresetName

    return get_args(PresetName)


def excludable() -> tuple[str, ...]:
    """Findings whose rows a run can leave out."""
    from engine.config.data import FindingName

    return get_args(FindingName)


def text_units() -> tuple[str, ...]:
    """What a row of a text file can be."""
    from engine.config.data import DataSection

    return get_args(DataSection.model_fields["text_unit"].annotation)
