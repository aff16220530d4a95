"""What plans of one model have in common, kept between them: its shapes, and what micro-batches were traced to hold.

Invariant: what is taken from here is what would be made anew; only `near` guesses, and says so by its name. Of shapes the key is
all of the run file that `shapes.build` reads; of a trace the shapes, the load, and the side of the padding.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from engine.config.runfile import RunFile
from engine.plan import near
from engine.plan.shapes import Shapes, build
from engine.plan.trace import Trace, trace
from engine.plan_facts import Load
from engine.train.adapters import causal_lm

MOST_SHAPES = 16
"""Models as shapes that are kept: a few MB each."""
_UNREAD = ("alpha", "rslora")
"""Keys of [lora] that no shape and no size depends on."""


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """Somebody wants something else by now."""


class Traced(msgspec.Struct, frozen=True):
    """Which pass was traced."""

    load: Load
    checkpointed: bool
    training: bool
    left: bool
    """Whether rows are padded on the left."""


class Model:
    """A model as shapes, and the traces that were made of it."""

    def __init__(self, family: str, shapes: Shapes) -> None:
        self.family = family
        self.shapes = shapes
        self.traces: dict[Traced, Trace] = {}


class Kept:
    """Shapes and traces, the newest ones. Not for several threads."""

    def __init__(self, between: Callable[[], None] = lambda: None) -> None:
        """`between` is called before anything that takes long; what it raises ends the plan, and nothing half-made is kept."""
        self._models: OrderedDict[str, Model] = OrderedDict()
        self._guess = False
        self._check = between
        self.guessed = False
        """Whether something was guessed since `guessing` began."""
        self.built = self.traced = 0
        """How often shapes were built and passes traced."""

    @contextmanager
    def guessing(self) -> Iterator[None]:
        """Meanwhile a pass that was not traced may be guessed from those that were."""
        self._guess, self.guessed = True, False
        try:
            yield
        finally:
            self._guess = False

    def model(self, run: RunFile, folder: Path, kind: str, new_rows: int, load: Load) -> Model:
        """The model of `run` as shapes. Raises ModelError."""
        family, key = _keys(run, folder, kind, new_rows, load)
        found = self._models.get(key)
        if found is None:
            self._check()
            found = self._models[key] = Model(family, build(run, folder, kind, new_rows))
            self.built += 1
        self._models.move_to_end(key)
        while len(self._models) > MOST_SHAPES:
            self._models.popitem(last=False)
        return found

    def trace(
        self, run: RunFile, model: Model, load: Load, kind: str, *, checkpointed: bool = False, training: bool = True
    ) -> Trace:
        """A pass over `load`. Raises whatever the model raises."""
        what = Traced(load, checkpointed, training, run.tokens.padding_side == "left")
        found = model.traces.get(what)
        if found is None and self._guess:
            found = self._near(model, what, kind)
            if found is not None:
                self.guessed = True
                return found
        if found is None:
            self._check()
            found = trace(run, model.shapes, load, kind, checkpointed=checkpointed, training=training)
            model.traces[what] = found
            self.traced += 1
        return found

    def alike(self, model: Model, what: Traced) -> list[tuple[Load, Trace]]:
        """Passes of the same kind over other loads."""
        same = msgspec.structs.replace
        return [(other.load, found) for other, found in model.traces.items() if same(other, load=what.load) == what]

    def _near(self, model: Model, what: Traced, kind: str) -> Trace | None:
        own = self.alike(model, what)
        if own:
            return near.scaled(own, what.load, kind, model.shapes.vocabulary)
        for other in reversed(self._models.values()):
            theirs = self.alike(other, what)
            if theirs and other.family == model.family:
                guess = near.scaled(theirs, what.load, kind, model.shapes.vocabulary)
                return near.adapted(guess, other.shapes, model.shapes)
        if not what.training:  # it holds less than training on as much, which is traced anyway
            trained = self.alike(model, msgspec.structs.replace(what, training=True))
            return near.scaled(trained, what.load, kind, model.shapes.vocabulary) if trained else None
        return None


def _keys(run: RunFile, folder: Path, kind: str, new_rows: int, load: Load) -> tuple[str, str]:
    """(what is the same for models of which one tells about the other, what is the same for one model)."""
    apart = load.documents > 1 or (run.tokens.padding_side == "left" and load.rows > 1 and load.width > 1)
    model, quantization = run.model.model_dump(mode="json"), run.quantization.model_dump(mode="json")
    config, begun = folder / "config.json", run.lora.start_from
    base = [str(folder), _stamp(config), model, quantization, run.train.method, kind, new_rows, apart]
    lora = {name: value for name, value in run.lora.model_dump(mode="json").items() if name not in _UNREAD}
    adapter = _stamp(Path(begun) / "adapter_config.json") if begun else None
    close = {**lora, "dropout": lora["dropout"] > 0, "rank": 0, "target_modules": ""}
    return tuple(msgspec.json.encode([base, adapter, rest]).decode() for rest in (close, lora))  # type: ignore[return-value]


def _stamp(file: Path) -> tuple[int, int]:
    try:
        state = file.stat()
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


def architecture_of(model: Model) -> str:
    """The class of the model."""
    return type(causal_lm(model.shapes.model)).__name__
