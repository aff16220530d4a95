"""The story of the demo: a world is invented, a model reads it, is tuned, and is examined.

`tell` is called by `luthier demo`; it does what a person would do by hand, through the same functions: it writes data and
run files, starts two runs and follows them, and asks the models. Each chapter goes into the story's journal and to
the caller as it happens. Every number that is told was measured in this telling.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

import engine
from engine.errors import LuthierError, RunError, TrainingError
from engine.runs.commands import send
from engine.runs.events import AnyEvent, Chapter, Event, Finished, Hello, Log, Outcome, Plan, Score, Step
from engine.runs.follow import follow
from engine.runs.journal import Journal
from engine.runs.lock import RunLock
from engine.runs.paths import RunDir
from engine.runs.store import Run
from engine.starter import chapters
from engine.starter.place import Place, write_whole
from engine.starter.recipe import RECIPE, Recipe
from engine.starter.runfiles import base_toml, tune_toml
from engine.starter.world import World
from engine.train.start import start_run

Narrate = Callable[[Event], None]
TOLD_PER_RUN = 4
"""How often the loss of a run is told while it goes on."""


def tell(folder: Path, runs: Path, fresh: bool, narrate: Narrate, recipe: Recipe = RECIPE) -> Score:
    """Make the starter in `folder`, tune it, examine it; runs go to `runs`. `fresh` trains the base anew.

    Raises RunError when the story is being told there already, TrainingError when one of its runs did not succeed.
    """
    place = Place(folder.expanduser().absolute())
    try:
        place.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"Cannot make the starter's folder {place.path}: {error.strerror}. Choose another one."
        ) from error
    lock = _only_teller(place)
    journal = Journal(place.story)
    try:
        return Telling(place, runs, recipe, journal, narrate).whole(fresh)
    finally:
        journal.close()
        lock.release()


def _only_teller(place: Place) -> RunLock:
    try:
        return RunLock(place.lock)
    except RunError:
        raise RunError(
            f"The story is being told in {place.path} already. Watch it with `luthier demo` in a terminal, or wait."
        ) from None


class Telling:
    """One telling of the story, from its first word to its last."""

    def __init__(self, place: Place, runs: Path, recipe: Recipe, journal: Journal, narrate: Narrate) -> None:
        self.place, self.runs, self.recipe = place, runs, recipe
        self.journal, self.narrate = journal, narrate
        self.world = World(recipe)

    def whole(self, fresh: bool) -> Score:
        """Tell everything; the journal ends with `finished`, however it ends."""
        began = time.monotonic()
        self._say(
            Hello(
                run="story",
                pid=os.getpid(),
                host=socket.gethostname(),
                versions={"luthier": engine.__version__, "python": platform.python_version()},
            )
        )
        try:
            self._invent()
            self._base(fresh)
            self._before()
            adapter = self._tune()
            score = self._exam(adapter, began)
        except KeyboardInterrupt:
            self._end("stopped", "interrupted", began)
            raise
        except LuthierError as error:
            self._end("failed", str(error), began)
            raise
        except Exception as error:
            self._end("failed", f"{type(error).__name__}: {error}", began)
            raise
        self._end("succeeded", "", began)
        return score

    def _invent(self) -> None:
        """Chapters 1 and 2: the data and the tokenizer."""
        place, world = self.place, self.world
        for path, text in (
            (place.corpus, world.corpus_jsonl),
            (place.tuning, world.tuning_jsonl),
            (place.heldout, world.heldout_jsonl),
            (place.base_toml, base_toml(self.recipe, world.exam[0][0].opening)),
            (place.tune_toml, tune_toml(self.recipe, world.exam[0][1].question)),
        ):
            write_whole(path, text)
        self._say(chapters.archipelago(world))
        self._say(chapters.tokenizer(world))

    def _base(self, fresh: bool) -> None:
        """Chapter 3: the base, unless one of the same recipe is here."""
        fingerprint = self.recipe.fingerprint(self.world.corpus_jsonl)
        if not fresh and self.place.has_base(fingerprint):
            self._say(chapters.base_is_here())
            return
        self.place.forget_base()
        parameters = self.world.make_seed_model(self.place.seed_model)
        run = self._run(self.place.base_toml, lambda name: chapters.base(self.world, parameters, name))
        shutil.rmtree(self.place.base, ignore_errors=True)
        shutil.copytree(run.model, self.place.base)
        self.place.note_base(fingerprint)

    def _before(self) -> None:
        """Chapter 4: what the base can and cannot do."""
        from engine.starter.exam import Examinee

        base = Examinee(self.place.base_toml, self.place.base)
        facts = [fact for fact, _ in self.world.exam]
        completions = base.complete([fact.opening for fact in facts])
        reply = base.answer([self.world.exam[0][1].question])[0]
        self._say(chapters.before(self.world, completions, reply))

    def _tune(self) -> Path:
        """Chapter 5: QLoRA. Return the folder of the adapter."""
        return self._run(self.place.tune_toml, lambda name: chapters.qlora(self.world, self.recipe, name)).adapter

    def _exam(self, adapter: Path, began: float) -> Score:
        """Chapter 6: questions about islands that tuning never named."""
        from engine.starter.exam import Examinee

        self._say(chapters.exam(self.world))
        examinee = Examinee(self.place.tune_toml, self.place.base, adapter)
        base = tuned = 0
        for answer in examinee.answer_both([question for _, question in self.world.exam]):
            self._say(answer)
            base += answer.base_correct
            tuned += answer.tuned_correct
        questions = len(self.world.exam)
        score = Score(
            base_accuracy=base / questions,
            tuned_accuracy=tuned / questions,
            questions=questions,
            seconds=round(time.monotonic() - began, 3),
        )
        self._say(score)
        return score

    def _run(self, run_file: Path, chapter: Callable[[str], Chapter]) -> RunDir:
        """Start a run as the command line does, tell its chapter, follow it to its end.

        Raises TrainingError when it did not succeed.
        """
        started = start_run(run_file, self.runs)
        self._say(chapter(started.dir.name))
        try:
            run = follow(Run(started.dir), self._progress())
        except KeyboardInterrupt:
            send(started.dir.commands, "stop")
            raise
        started.process.wait()
        if run.state != "succeeded":
            raise TrainingError(
                f"The story ends here, since its run {run.dir.name} has {run.state}. {run.reason}".strip()
            )
        return started.dir

    def _progress(self) -> Callable[[AnyEvent], None]:
        """A listener that tells the loss a few times over a run."""
        steps, told = 0, 0

        def listen(event: AnyEvent) -> None:
            nonlocal steps, told
            match event:
                case Plan():
                    steps = event.steps
                case Step() if steps and event.step * TOLD_PER_RUN // steps > told and event.loss is not None:
                    told = event.step * TOLD_PER_RUN // steps
                    self._say(Log(message=f"step {event.step} of {steps}, loss {event.loss:.2f}"))
                case _:
                    pass

        return listen

    def _end(self, outcome: Outcome, reason: str, began: float) -> None:
        self._say(Finished(outcome=outcome, reason=reason, seconds=round(time.monotonic() - began, 3)))

    def _say(self, event: Event) -> None:
        self.narrate(self.journal.append(event, sync=not isinstance(event, Log)))
