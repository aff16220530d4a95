"""Demo: the story of a small model that learns, while it is told or after."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tui.facts import command_in
from tui.keys import bindings
from tui.link import copy
from tui.screens.frame import Frame
from tui.text import plain
from tui.widgets.loss_chart import LossChart
from tui.widgets.story import Answers, Chapters, ScorePanel


class Demo(Frame):
    """Chapters on the left; the loss of the present run, the answers and the score on the right."""

    where = "demo"
    here = "demo"
    CSS_PATH = "demo.tcss"
    BINDINGS = bindings("demo")
    AUTO_FOCUS = "#chapters"

    def body(self) -> ComposeResult:
        """The panes."""
        with Horizontal():
            yield Chapters(id="chapters")
            with Vertical(id="stage"):
                yield LossChart(id="chart")
                yield Answers(id="answers")
                yield ScorePanel(id="score")

    def on_screen_resume(self) -> None:
        """Have the story's run read fast."""
        self.luthier.link.focus = self.luthier.link.story.run
        super().on_screen_resume()

    def news(self, names: set[str]) -> None:
        """Paint the chart if it is its run that changed."""
        run = self.luthier.link.story.run
        if run is not None and (not names or run in names):
            self._chart()
        self.refresh_bars()

    def news_of_story(self) -> None:
        """Paint what was told."""
        story = self.luthier.link.story
        self.luthier.link.focus = story.run
        self.set_class(bool(story.answers) or story.score is not None, "-asked")
        self.set_class(story.score is not None, "-scored")
        self.query_one(Chapters).show(story)
        self.query_one(Answers).show(story.answers)
        self.query_one(ScorePanel).show(story.score)
        self._chart()
        self.refresh_bars()

    def _chart(self) -> None:
        name = self.luthier.link.story.run
        run = self.luthier.link.runs.get(name) if name else None
        chart = self.query_one("#chart", LossChart)
        chart.heading = f"loss of {plain(name, 24)}" if name else "loss"
        chart.show(run.view if run else None)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done at this point of the story."""
        story = self.luthier.link.story
        match action:
            case "open_run" | "copy":
                return story.run is not None and story.run in self.luthier.link.runs
            case "fresh":
                return not story.alive
        return True

    def action_fresh(self) -> None:
        """Tell the story from the start, asking first where one was told."""
        self.luthier.tell_story(fresh=bool(self.luthier.link.story.chapters))

    def action_open_run(self) -> None:
        """Watch the chapter's run."""
        if name := self.luthier.link.story.run:
            self.luthier.open_run(name)

    async def action_copy(self) -> None:
        """Copy the command that shows the run's facts."""
        if name := self.luthier.link.story.run:
            command = command_in(self.luthier.link.runs_dir, "status", name)
            self.luthier.tell(await copy(self.app, command), command)
