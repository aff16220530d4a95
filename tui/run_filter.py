"""What is typed into the filter of the runs, and which runs fit: words, `tag:x`, `state:failed`, `model:…`, and `-` for not.

A word may stand in the name, the title, the state, the model, the data, a tag or the note. Everything that is typed must fit.
As a regular expression it is one pattern over the same text. Knows no widget and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tui.find import MOST_WANTED, matcher

FIELDS = ("tag", "state", "model", "data", "note", "name")
"""What may stand before a colon."""

_SAME_STATE = {"succeeded": "done", "waiting": "queued"}


@dataclass(frozen=True)
class RunFilter:
    """A filter as it was typed."""

    text: str = ""
    regex: bool = False
    problem: str = ""
    """Why nothing fits, in words."""
    _fits: tuple[Callable[[Mapping[str, str]], bool], ...] = field(default=(), repr=False, compare=False)

    @property
    def active(self) -> bool:
        """Whether it asks for anything."""
        return bool(self.text.strip())

    def fits(self, fields: Mapping[str, str]) -> bool:
        """Whether a run fits. `fields` has a text for each of `FIELDS`, and all of them together as "all".

        A pattern that takes too long on a text does not fit it.
        """
        if self.problem:
            return False
        try:
            return all(part(fields) for part in self._fits)
        except TimeoutError:
            return False


def read(text: str, regex: bool = False) -> RunFilter:
    """Read what was typed; a mistake in it is the filter's `problem`."""
    text = text[:MOST_WANTED]
    try:
        parts = (_whole(text),) if regex else tuple(_part(word) for word in text.split())
    except ValueError as error:
        return RunFilter(text, regex, str(error))
    return RunFilter(text, regex, "", parts if text.strip() else ())


def _whole(text: str) -> Callable[[Mapping[str, str]], bool]:
    holds = matcher(text, True)
    return lambda fields: holds(fields["all"])


def _part(word: str) -> Callable[[Mapping[str, str]], bool]:
    refused = word.startswith("-") and len(word) > 1
    name, colon, wanted = word.removeprefix("-" if refused else "").partition(":")
    known = name.lower()
    if not colon or known not in FIELDS:
        fits = _holds("all", word.removeprefix("-" if refused else ""))
    elif known == "tag":
        fits = _tagged(wanted.lower())
    else:
        fits = _holds(known, _SAME_STATE.get(wanted.lower(), wanted) if known == "state" else wanted)
    return (lambda fields: not fits(fields)) if refused else fits


def _holds(name: str, wanted: str) -> Callable[[Mapping[str, str]], bool]:
    holds = matcher(wanted, False)
    return lambda fields: holds(fields[name])


def _tagged(wanted: str) -> Callable[[Mapping[str, str]], bool]:
    """A tag that begins with `wanted`; `tag:` alone fits runs without any."""
    if not wanted:
        return lambda fields: not fields["tag"]
    return lambda fields: any(tag.lower().startswith(wanted) for tag in fields["tag"].split("\n"))
