"""What every section of the run file has in common: strict, closed, documented by its attribute docstrings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the run file. Unknown keys are errors, nothing is coerced, the docstring of a field is its help."""

    model_config = ConfigDict(
        extra="forbid", strict=True, use_attribute_docstrings=True, validate_default=True, allow_inf_nan=False
    )
