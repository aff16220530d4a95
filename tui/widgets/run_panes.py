"""Panes about one run: its facts, its status, its preparation and its outcome."""

from __future__ import annotations

from engine.runs import events as e
from engine.runs.store import Run
from engine.runs.view import RunView
from tui import words
from tui.facts import data_parts, joined, model_parts, outcome, peak_words, progress_bar, run_facts, texts
from tui.rows import Row
from tui.text import cell_len, pad, plain
from tui.widgets.painted import Painted, apart, row_width


class RunPane(Painted):
    """A pane that tells about one run, or about none."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.run: Run | None = None

    def show(self, run: Run | None) -> None:
        """Tell about a run; None for none."""
        self.run = run
        self.repaint()


class Facts(RunPane):
    """What is known of the selected run, how it ended and what to do next."""

    framed = True

    def title(self) -> Row:
        """The name of the run."""
        return [(plain(self.run.dir.name, 40), "title")] if self.run else [("run", "title")]

    def badge(self) -> Row:
        """Its state."""
        if self.run is None:
            return []
        state = self.run.state
        return [(f"{self.glyphs.states[state]} {words.state(state)}", words.STATE_ROLE[state])]

    def paint(self, width: int, height: int) -> list[Row]:
        """The facts; where room is short, the outcome goes before them."""
        if self.run is None:
            return []
        reason = self.luthier.link.reason(self.run)
        rows = run_facts(self.run, reason, width, self.glyphs)
        if len(rows) <= height:
            return rows
        end = outcome(self.run, reason, width, self.glyphs)
        return [*end, [], *rows][:height]


class Status(Painted):
    """The two lines above a run's charts."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.run: Run | None = None
        self._gone = False

    def show(self, run: Run) -> None:
        """Tell about a run."""
        self.run, self._gone = run, False
        self.repaint()

    def lose(self) -> None:
        """Tell that the run's folder is not there any more; what was read of it stays."""
        self._gone = self.run is not None
        self.repaint()

    def paint(self, width: int, height: int) -> list[Row]:
        """Name, state and progress; then the numbers."""
        if self.run is None:
            return []
        run, view = self.run, self.run.view
        if self._gone:
            name = plain(run.dir.name, max(8, width - 50))
            text = "gone: its folder was removed or renamed"
            return [[(f" {self.glyphs.no} ", "bad"), (name, "title"), (f"  {text}", "bad")], [], []][:height]
        state = "paused" if view.paused and run.alive else run.state
        ink = words.STATE_ROLE[state]
        left: Row = [
            (f" {self.glyphs.states[state]} ", ink),
            *self._called(run, width),
            (f"  {words.state(state)}  ", ink),
        ]
        right: Row = [(words.count(view.step), "text")] if view.step else []
        if view.step and view.total_steps:
            percent = words.percent(view.step, view.total_steps)
            right += [(f" / {words.count(view.total_steps)}", "muted"), (f"  {percent} ", "text")]
        room = width - row_width(left) - row_width(right) - 2
        bar: Row = []
        if view.step and view.total_steps and room >= 8:
            bar = [*progress_bar(view.step, view.total_steps, room, self.glyphs, ink), ("  ", "")]
        return [apart([*left, *bar], right, width), [(" ", ""), *self._numbers(run, width)]][:height]

    def _called(self, run: Run, width: int) -> Row:
        """The title that people gave it, and its own name where there is room."""
        card = self.luthier.shelf.card(run.dir.name)
        room = max(8, width - 50)
        if not card.title:
            return [(plain(run.dir.name, room), "title")]
        title = plain(card.title, room)
        rest = room - cell_len(title) - 2
        return [(title, "title"), *([(f"  {plain(run.dir.name, rest)}", "faint")] if rest >= 8 else [])]

    def _numbers(self, run: Run, width: int) -> Row:
        """The most important first; what there is no room for is left out from the end."""
        view = run.view
        elapsed = (view.updated_t or 0.0) - (view.started_t or 0.0)
        best = view.series["eval_loss"].lowest if "eval_loss" in view.series else None
        speed = view.last("tokens_per_s")
        eta = view.eta if run.alive and view.step else None
        damaged = run.reader.damaged
        lines = f"{words.count(damaged)} line{'s' if damaged > 1 else ''} of its journal cannot be read"
        left = f"{words.estimate(eta.seconds, eta.plus_minus)} left" if eta else ""
        parts: list[tuple[str, str]] = [
            (f"{self.glyphs.warn} {lines}" if damaged else "", "warn"),
            ("held in memory: p goes on" if view.paused and run.alive else "", "warn"),
            (_busy_with(view) if run.alive and not view.paused else "", "accent"),
            (left.replace("±", "+-") if self.glyphs.ascii_only else left, "text"),
            (f"epoch {view.last_step.epoch:.2f}" if view.last_step else "", "muted"),
            (f"{words.short_count(speed)} tok/s" if speed else "", "muted"),
            (peak_words(view), "muted"),
            (f"best {words.loss(best[1])} at {words.count(best[0])}" if best else "", "muted"),
            (f"saved {words.count(view.checkpoints[-1].step)}" if view.checkpoints else "", "muted"),
            (f"took {words.duration(elapsed)}" if not run.alive and elapsed > 0 and not view.resumes else "", "muted"),
            (f"resumed {view.resumes} times" if view.resumes > 1 else "resumed" if view.resumes else "", "muted"),
            (_off_by(eta.error) if eta and eta.error is not None else "", "faint"),
        ]
        shown = [part for part in parts if part[0]]
        while len(shown) > 1 and sum(cell_len(part) + 3 for part, _ in shown) > width - 2:
            shown.pop()
        return joined([[part] for part in shown], self.glyphs)


def _off_by(error: float) -> str:
    """How wrong earlier estimates were."""
    return f"estimates were off by {f'{100 * error:.0f}' if error >= 0.01 else 'under 1'} %"


def _busy_with(view: RunView) -> str:
    """What the worker does now, when that is not plain training."""
    phase = view.phase
    if phase is None or not view.last_step or phase.t < view.last_step.t or phase.name.startswith("train"):
        return ""
    counted = f" {phase.done}/{phase.total}" if phase.total else ""
    return plain(phase.name, 32) + counted


class Preparation(RunPane):
    """The phases of a run before its first step: what is done, what it does now, what it found."""

    framed = True

    def title(self) -> Row:
        """A name."""
        return [("in the queue" if self.run and self.run.state == "queued" else "getting ready", "title")]

    def paint(self, width: int, height: int) -> list[Row]:
        """Phases, then what is known of data and model; of a run that waits, what for."""
        if self.run is None:
            return []
        if self.run.state == "queued":
            return [[], *self._waiting(self.run, width)]
        view = self.run.view
        phases = list(view.phases.values())
        rows: list[Row] = [[]]
        for began, phase in phases[-max(1, height - 4) :]:
            rows.append(self._phase(view, began, phase, width))
        if not phases:
            text = "The worker is starting…" if self.run.alive else "It did not begin."
            rows.append([(text, "muted")])
        for label, parts in (("data", data_parts(view.data)), ("model", model_parts(view))):
            if parts:
                rows += [[]] * (label == "data") + [
                    [(f"  {pad(label, 8)}", "muted"), *joined(texts(parts), self.glyphs)]
                ]
        return rows

    def _waiting(self, run: Run, width: int) -> list[Row]:
        """Its place, the runs before it, and what is being waited for."""
        shelf = self.luthier.shelf
        place = shelf.waiting(run.dir.name)
        if place is None:
            return [[("  It is about to start.", "text")]]
        ticket, before = shelf.queue[place], shelf.queue[:place]
        living = [other.dir.name for other in self.luthier.link.live()]
        rows: list[Row] = [
            [(f"  {self.glyphs.states['queued']} ", "muted"), (f"number {place + 1} of {len(shelf.queue)}", "title")]
        ]
        if ticket.device:
            rows.append([("    on ", "muted"), (plain(ticket.device, 40), "text")])
        for name in [*living, *(other.run for other in before)][-6:]:
            state = "runs now" if name in living else "waits, too"
            rows.append([("    after ", "muted"), (plain(name, max(8, width - 30)), "text"), (f"  {state}", "faint")])
        if not living and not before:
            rows.append([("    it starts as soon as its device is free", "muted")])
        return [
            *rows,
            [],
            [("  It starts by itself, also when Luthier is closed. S takes it out of the queue.", "muted")],
        ]

    def _phase(self, view: RunView, began: float, phase: e.Phase, width: int) -> Row:
        current = view.phase is not None and view.phase.name == phase.name and self.run is not None
        room = 28 if width < 90 else 36
        name = pad(plain(phase.name, room - 1), room)
        if not current:
            took = words.duration(max(0.0, phase.t - began)) if phase.t > began else ""
            return [(f"  {self.glyphs.yes} ", "good"), (name, "muted"), (took, "faint")]
        alive = self.run is not None and self.run.alive
        mark: Row = [
            (f"  {self.glyphs.here if alive else self.glyphs.no} ", "accent" if alive else "bad"),
            (name, "title"),
        ]
        if not phase.total:
            return mark
        size = max(6, min(40, width - room - 24))
        return [
            *mark,
            *progress_bar(phase.done, phase.total, size, self.glyphs),
            (f"  {words.count(phase.done)} / {words.count(phase.total)}", "muted"),
        ]


class Outcome(RunPane):
    """How the run ended and what to do next."""

    framed = True

    def wanted(self, width: int) -> int:
        """The height it takes at a width."""
        return len(self.paint(max(8, width - 4), 99)) + 2

    def title(self) -> Row:
        """The state."""
        if self.run is None:
            return []
        state = self.run.state
        return [(f"{self.glyphs.states[state]} {words.state(state)}", words.STATE_ROLE[state])]

    def paint(self, width: int, height: int) -> list[Row]:
        """Result, reason, next steps."""
        if self.run is None:
            return []
        view = self.run.view
        rows = outcome(self.run, self.luthier.link.reason(self.run), width, self.glyphs)
        if self.run.state == "succeeded" and view.started_t is not None and view.finished is not None:
            took = words.duration(view.finished.seconds or view.finished.t - view.started_t)
            rows.insert(0, [(f"{words.count(view.step)} steps" + ("" if view.resumes else f" in {took}"), "text")])
        if len(rows) <= height:
            return rows
        lead = self.glyphs.arrow  # what to do is seen, too, where the reason is long; the log has all of it
        first = next((i for i, row in enumerate(rows) if row and row[0][0].startswith(lead)), len(rows))
        advice = rows[first:][: max(1, height // 2)]
        return [*rows[:first][: height - len(advice)], *advice]
