"""The demo's panes: its chapters, the answers of both models side by side, and the score."""

from __future__ import annotations

from itertools import zip_longest

from engine.runs import events as e
from tui import words
from tui.facts import progress_bar
from tui.figures import large
from tui.link import StoryNow
from tui.rows import Row
from tui.text import pad, plain, wrap
from tui.widgets.painted import Painted, fit
from tui.widgets.scroller import Scroller

INVITATION = """The demo makes a small language and a small model that speaks it, all on this machine and offline. Then it \
asks the model questions it cannot answer, tunes it, and asks again.

Nothing is downloaded. It takes a few minutes, and goes on when you leave."""

_SIDE_BY_SIDE = 100


class Chapters(Scroller):
    """The chapters as they come; the newest stays in view."""

    follow = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.story = StoryNow()
        self._lines: list[Row] = []
        self._made_for: tuple[StoryNow | None, int] = (None, -1)

    def show(self, story: StoryNow) -> None:
        """Tell the story."""
        self.story = story
        self.repaint()

    def title(self) -> Row:
        """A name."""
        return [("the story", "title")]

    def badge(self) -> Row:
        """Where it stands."""
        story = self.story
        if story.finished is not None:
            good = story.finished.outcome == "succeeded"
            took = words.duration(story.finished.t - story.started_t) if story.started_t else ""
            mark = self.glyphs.yes if good else self.glyphs.no
            return [(f"{mark} {took if good else story.finished.outcome}", "good" if good else "bad")]
        if story.alive:
            return [(f"{self.glyphs.states['running']} being told", "accent")]
        return [(f"{self.glyphs.states['stopped']} broken off", "warn")] if story.chapters else []

    def count(self, width: int) -> int:
        """Lines at this width."""
        if self._made_for != (self.story, width):
            self._made_for = (self.story, width)
            self._lines = self._make(width - 1)
        return len(self._lines)

    def _make(self, width: int) -> list[Row]:
        story = self.story
        rows: list[Row] = []
        for i, chapter in enumerate(story.chapters):
            current = i == len(story.chapters) - 1 and story.finished is None
            rows += [[]] * bool(rows) + self._chapter(chapter, current, width)
        if story.failure:
            rows += [[], [(f"{self.glyphs.no} The demo ended with an error:", "bad")]]
            rows += [[(line, "text")] for line in wrap(story.failure, width)]
        elif story.finished is not None and story.finished.reason:
            rows += [[], *([(line, "warn")] for line in wrap(story.finished.reason, width))]
        elif story.finished is not None:
            enter = "enter" if self.glyphs.ascii_only else self.glyphs.enter
            rows += [[], [(f"{self.glyphs.arrow} ", "accent"), (enter, "key"), (" opens the run", "text")]]
            rows += [[("  ", ""), ("1 n", "key"), (" starts your own", "text")]]
        elif story.chapters and not story.alive and story.finished is None:
            rows += [[], *([(line, "warn")] for line in wrap("It was broken off here. f tells it afresh.", width))]
        return rows

    def _chapter(self, chapter: e.Chapter, current: bool, width: int) -> list[Row]:
        live = current and self.story.alive
        mark = self.glyphs.here if live else self.glyphs.yes
        title = wrap(chapter.title, width - 2)
        rows: list[Row] = [
            [(f"{mark} " if i == 0 else "  ", "accent" if live else "good"), (line, "strong" if live else "title")]
            for i, line in enumerate(title)
        ]
        return rows + [[("  ", ""), (line, "text" if live else "muted")] for line in wrap(chapter.text, width - 2)]

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._lines[index]

    def empty(self, width: int) -> list[Row]:
        """An invitation, or that it begins."""
        if self.story.failure:
            lines = ["The demo could not start:", "", *wrap(self.story.failure, width), "", "f tries again."]
            return [[(line, "bad" if i == 0 else "text")] for i, line in enumerate(lines)]
        if self.story.alive:
            return [[("The first chapter is being written…", "muted")]]
        rows: list[Row] = [[(line, "text")] for line in wrap(INVITATION, width)]
        return [*rows, [], [("f", "key"), (" tells it.", "text")]]


class Answers(Scroller):
    """Each question with the answers of the base model and of the tuned one."""

    follow = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.answers: tuple[e.Answer, ...] = ()
        self._lines: list[Row] = []
        self._made_for: tuple[tuple[e.Answer, ...] | None, int] = (None, -1)

    def show(self, answers: tuple[e.Answer, ...]) -> None:
        """Show the answers so far."""
        self.answers = answers
        self.repaint()

    def title(self) -> Row:
        """A name."""
        return [("questions that tuning never saw" if self.size.width >= 60 else "questions", "title")]

    def badge(self) -> Row:
        """Right answers so far."""
        if not self.answers:
            return []
        base, tuned = (sum(getattr(a, name) for a in self.answers) for name in ("base_correct", "tuned_correct"))
        count = len(self.answers)
        row: Row = [("base ", "muted"), (f"{base}/{count}", "text")]
        return [*row, ("  tuned ", "muted"), (f"{tuned}/{count}", "good" if tuned > base else "text")]

    def count(self, width: int) -> int:
        """Lines at this width."""
        if self._made_for != (self.answers, width):
            self._made_for = (self.answers, width)
            self._lines = [row for answer in self.answers for row in self._rows_of(answer, width - 1)]
        return len(self._lines)

    def _rows_of(self, answer: e.Answer, width: int) -> list[Row]:
        """The question, the two answers (beside each other where there is room), and what is right where it was missed."""
        rows: list[Row] = [[(line, "title")] for line in wrap(answer.question.strip(), width, 2)]
        half = width // 2 if width >= _SIDE_BY_SIDE else width
        base = self._answer("base", answer.base, answer.base_correct, half)
        tuned = self._answer("tuned", answer.tuned, answer.tuned_correct, half)
        if half < width:
            nothing: Row = []
            rows += [fit(one, half) + other for one, other in zip_longest(base, tuned, fillvalue=nothing)]
        else:
            rows += base + tuned
        if not answer.tuned_correct:
            rows.append([("    right ", "faint"), (plain(answer.expected, max(2, width - 10)), "muted")])
        return rows

    def _answer(self, who: str, text: str, right: bool, width: int) -> list[Row]:
        mark, ink = (self.glyphs.yes, "good") if right else (self.glyphs.no, "bad")
        lines = wrap(text.strip() or "(nothing)", max(2, width - 11), 2)
        return [
            [
                (f"  {mark} " if i == 0 else "    ", ink),
                ((who if i == 0 else "").ljust(6), "faint"),
                (line, "text" if right else "muted"),
            ]
            for i, line in enumerate(lines)
        ]

    def line(self, index: int, width: int) -> Row:
        """One line."""
        return self._lines[index]

    def empty(self, width: int) -> list[Row]:
        """They come at the end."""
        return [[("They are asked before and after tuning; the answers come here.", "faint")]]


class ScorePanel(Painted):
    """The share of questions answered exactly, before and after."""

    framed = True
    HEIGHT = 7

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.score: e.Score | None = None

    def show(self, score: e.Score | None) -> None:
        """Show the score."""
        self.score = score
        self.repaint()

    def title(self) -> Row:
        """A name."""
        return [("answered exactly", "title")]

    def badge(self) -> Row:
        """How many questions, how long."""
        if self.score is None:
            return []
        took = f" in {words.duration(self.score.seconds)}" if self.size.width >= 60 else ""
        return [(f"{words.count(self.score.questions)} questions{took}", "muted")]

    def paint(self, width: int, height: int) -> list[Row]:
        """Two large figures, each with its bar."""
        if self.score is None:
            return []
        half = width // 2
        sides = (("base", self.score.base_accuracy, "muted"), ("tuned", self.score.tuned_accuracy, "good"))
        if height < 5 or width < 44:
            return [
                [
                    (pad(name, 7), "muted"),
                    *progress_bar(share, 1.0, max(4, width - 14), self.glyphs, ink),
                    (f"{share:6.0%}", ink),
                ]
                for name, share, ink in sides
            ]
        columns = [self._side(name, share, ink, half) for name, share, ink in sides]
        return [fit(left, half) + right for left, right in zip(*columns, strict=True)]

    def _side(self, name: str, share: float, ink: str, width: int) -> list[Row]:
        figures = large(f"{100 * share:.0f}%", self.glyphs.ascii_only)
        rows: list[Row] = [[("  ", ""), (line, ink)] for line in figures]
        if len(rows) == 5:  # ASCII figures fill the panel
            return [[*row, (f"  {name}" if i == 2 else "", "muted")] for i, row in enumerate(rows)]
        bar = progress_bar(share, 1.0, max(4, width - 6), self.glyphs, ink)
        return [*rows, [("  ", ""), *bar], [("  ", ""), (f"{name} model", "muted")]]
