"""What a start needs to know: what will run, whether it may, in which ways, and what becomes of changes that are not written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tui import words
from tui.configure.command import CannotSayError, overrides
from tui.configure.form_state import FormState
from tui.screens.writing import file_for
from tui.widgets.form_plan import course_words, memory_words

if TYPE_CHECKING:
    from engine.service.plan_protocol import Planned

Way = Literal["now", "queue", "command"]
With = Literal["write", "as they are"]
MOST_CHANGES = 6
"""So many are shown before a start; of more one is asked when they are written."""


@dataclass
class Wanted:
    """How a run is to be started."""

    way: Way
    changes: With = "write"
    device: str = ""
    """One of the machine's, "" for the usual one, or for the first that is free."""


@dataclass
class Start:
    """A run before it is started."""

    name: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    """What will run: label and text."""
    problems: list[str] = field(default_factory=list)
    """Why it cannot be started."""
    warnings: list[str] = field(default_factory=list)
    ways_with: list[With] = field(default_factory=list)
    """What can become of unwritten changes; none where there are none."""
    busy: str = ""
    """Which run has the usual device, in words."""
    why_write: str = ""
    """Why they can only be written."""


def start_of(form: FormState, planned: Planned | None, trouble: str = "", busy: str = "") -> Start:
    """What there is to know before a draft is started; `trouble`: why there is no plan of it; `busy`: by which run."""
    draft, run = form.draft, form.checked.run
    found = Start(run.name if run is not None else draft.origin.title)
    found.problems = [text for _, text in form.mistakes()]
    found.warnings = [*([trouble] if trouble else []), *(text for _, text in form.remarks())]
    if run is not None:
        found.facts.append(("model", run.model.path))
        found.facts += [("data", source.path or source.preset or "?") for source in run.data]
    if planned is not None:
        memory, fits = memory_words(planned.plan)
        found.facts.append(("steps", course_words(planned.plan).replace("\n", ", ")))
        found.facts.append(("memory", memory))
        if not fits:
            found.warnings.insert(0, f"It does not fit: {memory}. The plan says what would save memory.")
    elif run is not None:
        course = run.train.steps if run.train.steps is not None else None
        epochs = run.train.epochs or 1
        said = f"{words.count(course)} steps" if course is not None else f"{epochs:g} epoch{'s' if epochs != 1 else ''}"
        found.facts.append(("steps", f"{said}; the plan is not known yet"))
    if busy:
        found.busy = busy
        found.warnings.insert(0, f"{busy}: two runs at once share memory and time. In the queue it starts afterwards.")
    found.facts += _unwritten(form)
    if form.path is None:
        found.why_write = "it is in no file yet: it is written first"
    elif draft.changes:
        found.ways_with = ["write", "as they are"]
        try:
            overrides(form)
        except CannotSayError as error:
            found.ways_with, found.why_write = ["write"], str(error)
    return found


def _unwritten(form: FormState) -> list[tuple[str, str]]:
    """What is not in the file yet, line by line; for a draft without a file the file that it goes into."""
    draft = form.draft
    writes = [("writes", f"{file_for(draft)}, a new file")] if not draft.writable else []
    if form.path is None or not draft.changes:
        return writes if form.path is None else []
    said = []
    for key, value in draft.changes.items():
        field = form.fields.get(key)
        before = form.of_file(key)
        old = before if before is not None or field is None else field.default
        told = [
            ("none" if one is None else form.shown(field, one) if field is not None else str(one))
            for one in (old, value)
        ]
        said.append(f"{key} {told[0]} -> {'taken out' if value is None else told[1]}")
    more = len(said) - MOST_CHANGES
    said[MOST_CHANGES:] = [f"and {more} more; w shows all"] if more > 0 else []
    return writes + [("" if number else "changes", text) for number, text in enumerate(said)]
