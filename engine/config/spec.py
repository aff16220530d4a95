"""Describing the run file: a commented TOML to start from, and the JSON Schema for editors and scripts."""

from __future__ import annotations

import textwrap
from typing import Any

import tomli_w
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine.config.base import section_of
from engine.config.form import advice_of
from engine.config.runfile import RunFile

_EXAMPLES: dict[str, Any] = {"model.path": "path/to/model", "data.path": "train.jsonl", "name": "my-run"}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a run file, with every key's description."""
    return RunFile.model_json_schema()


def commented_toml() -> str:
    """A run file with every key, its default and what it means. Keys without a default are commented out."""
    lines = ["# A run file of Luthier. Everything but model.path and data.path may be left out.", ""]
    lines += _keys(RunFile, "")
    for name, field in RunFile.model_fields.items():
        section = section_of(field)
        if section is None:
            continue
        is_list = field.annotation is not section
        doc = (section.__doc__ or "").strip()
        lines += ["", f"[[{name}]]" if is_list else f"[{name}]", *_comment(doc), *_keys(section, f"{name}.")]
        for inner, inner_field in section.model_fields.items():
            below = section_of(inner_field)
            if below is not None:
                doc = (below.__doc__ or "").strip()
                lines += ["", f"[{name}.{inner}]", *_comment(doc), *_keys(below, f"{name}.{inner}.")]
    return "\n".join(lines) + "\n"


def _keys(model: type[BaseModel], prefix: str) -> list[str]:
    lines: list[str] = []
    for name, field in model.model_fields.items():
        if section_of(field) is not None:
            continue
        value = _EXAMPLES.get(prefix + name, field.get_default(call_default_factory=True))
        lines += [*_comment(field.description or ""), *_comment(_known(field))]
        if value is None:
            lines.append(f"# {name} =")
        elif isinstance(value, dict):
            lines.append(f"{name} = {{}}")
        else:
            lines.append(tomli_w.dumps({name: value}).strip())
    return lines


def _known(field: FieldInfo) -> str:
    """Usual values and where they come from, in a line."""
    advice = advice_of(field)
    usual = f"Usual: {advice.usual}." if advice.usual else ""
    return f"{usual}{f' Source: {advice.source}.' if advice.source else ''}".strip()


def _comment(text: str) -> list[str]:
    flat = " ".join(text.split())
    return [f"# {line}" for line in textwrap.wrap(flat, 108)] if flat else []
