"""`[[data]]` and `[split]` keys that come from a screen or a command line: checked as a run file's are, in the same words."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from engine.config.base import Section
from engine.config.data import DataSection
from engine.errors import ConfigError

if TYPE_CHECKING:
    from engine.config.tokens import SplitSection

_S = TypeVar("_S", bound=Section)
_ROW_KEYS = ("path", "subset", "revision", "split", "streaming", "text_unit")


def data_section(keys: dict[str, Any], where: str = "[[data]]") -> DataSection:
    """The `[[data]]` table of these keys; relative paths are looked up in the current folder.

    Raises ConfigError, which names `where` the keys come from.
    """
    section = _checked(DataSection, keys, ("data", 0), where)
    path = os.path.abspath(os.path.expanduser(section.path)) if section.path else ""
    return section.model_copy(update={"path": path}) if os.path.exists(path) or _is_path(section.path) else section


def split_section(keys: dict[str, Any]) -> SplitSection:
    """The `[split]` table of these keys. Raises ConfigError."""
    from engine.config.tokens import SplitSection

    return _checked(SplitSection, keys, ("split",), "[split]")


def other_rows(before: DataSection, after: DataSection) -> str:
    """The first key by which two sections name other rows, or ""; of a stream, `max_rows` is one."""
    keys = (*_ROW_KEYS, "max_rows") if before.streaming else _ROW_KEYS
    return next((key for key in keys if getattr(before, key) != getattr(after, key)), "")


def keys_in_force(section: DataSection) -> dict[str, Any]:
    """The keys that differ from their defaults, as they would stand in a run file."""
    return section.model_dump(mode="json", exclude_defaults=True)


def _is_path(text: str) -> bool:
    return text.startswith(("/", ".", "~"))


def _checked(kind: type[_S], keys: dict[str, Any], loc: tuple[str | int, ...], where: str) -> _S:
    try:
        return kind.model_validate(keys)
    except ValidationError as error:
        from engine.config.explain import clean_loc, explain

        items = {clean_loc(item): item for item in error.errors()}.values()
        located = [{**item, "loc": (*loc, *item["loc"])} for item in items]
        lines = [explain(item, where, "") for item in located]  # type: ignore[arg-type]
        raise ConfigError(
            "\n".join(lines).replace("data[0].", "").replace("`data[0]`: ", "").replace("`data.", "`")
        ) from None
