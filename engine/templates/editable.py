"""A template as text that a person can edit, with which the same rows give the same text.

Templates around one question and one answer become a custom template that names the source's own columns; those for
conversations become Jinja.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.config.data import DataSection
from engine.errors import TemplateError
from engine.templates import make
from engine.templates.pair import PairTemplate

_EXCHANGE = {"prompt", "answer", "context", "system"}
_NOT_IN_BRACES = set("{}[].!:")
_JINJA_NOTE = (
    'It goes into a file that model.chat_template names, and the template becomes "tokenizer". What stands between '
    "{% generation %} and {% endgeneration %} is learned."
)


@dataclass(frozen=True, slots=True)
class Editable:
    """A template as text. `kind` says which of the texts are meant; with "none" the note says why there are none."""

    kind: Literal["custom", "jinja", "none"]
    prompt: str = ""
    completion: str = ""
    jinja: str = ""
    note: str = ""


def editable(
    name: str,
    tokenizer: Any,
    section: DataSection,
    columns: Mapping[str, str],
    names: Container[str] | None = None,
) -> Editable:
    """Return the template `name` of a source as text.

    `columns` is role -> column, as its rows are read; `names` are the columns that the rows have, where `columns` may name
    more. A custom template stands alone: the source's keys `format` and `columns` have to go with it.
    """
    if name == "none":
        return Editable("none", note="These rows come as tokens, which no template shapes.")
    if name == "custom":
        return Editable("custom", section.prompt or "", section.completion or "")
    try:
        template = make(name, tokenizer, section)
    except TemplateError as error:
        return Editable("none", note=str(error))
    if isinstance(template, PairTemplate):
        return _custom(template, {r: c for r, c in columns.items() if names is None or c in names})
    return Editable("jinja", jinja=template.jinja or "", note=_JINJA_NOTE)


def _custom(template: PairTemplate, columns: Mapping[str, str]) -> Editable:
    odd = [column for column in columns.values() if not column or _NOT_IN_BRACES & set(column)]
    if odd:
        why = f"The column {odd[0]!r} cannot stand in braces, as a custom template needs it; rename it in the data."
        return Editable("none", note=why)
    if set(columns) == {"text"}:
        return Editable("custom", "", f"{{{columns['text']}}}", note="All of the completion is learned.")
    if not {"prompt", "answer"} <= set(columns) <= _EXCHANGE:
        why = (
            "These rows are made of more than one column for the question and one for the answer, which a custom template "
            'cannot say. Choose template = "chatml": its Jinja can be edited.'
        )
        return Editable("none", note=why)
    fields = {role: f"{{{column}}}" for role, column in columns.items()}
    opening = template.opening_with_context if "context" in columns else template.opening
    prompt = _doubled(opening + template.question) + fields["prompt"]
    if "context" in columns:
        prompt += _doubled(template.context) + fields["context"]
    if "system" in columns:
        prompt = fields["system"] + "\n\n" + prompt
    always = [columns[role] for role in ("system", "context") if role in columns]
    note = (
        f"A custom template shows {' and '.join(f'{{{column}}}' for column in always)} with the words around it in every "
        "row, also where it is empty, and refuses rows where it is null."
        if always
        else ""
    )
    return Editable("custom", prompt + _doubled(template.answer), fields["answer"], note=note)


def _doubled(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
