"""What every section of the run file has in common: strict, closed, documented by its attribute docstrings."""

from __future__ import annotations

from typing import get_args

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo


class Section(BaseModel):
    """A table of the run file. Unknown keys are errors, nothing is coerced, the docstring of a field is its help."""

    model_config = ConfigDict(
        extra="forbid", strict=True, use_attribute_docstrings=True, validate_default=True, allow_inf_nan=False
    )


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a table or a list of tables; None for a plain value."""
    for candidate in (field.annotation, *get_args(field.annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def whole_or_share(value: float) -> float:
    """A share below 1 or a whole number from 1 on. Raises ValueError for anything between."""
    if value >= 1 and value != int(value):
        raise ValueError(f"is {value}; below 1 it is a share, from 1 on it must be a whole number")
    return value
