"""What a model wrote during training: for each prompt its answers, the newest first, or the first beside the newest."""

from __future__ import annotations

from difflib import SequenceMatcher

from engine.runs import events as e
from engine.runs.view import RunView
from tui import words
from tui.rows import Row
from tui.text import cell_len, plain, wrap
from tui.widgets.run_tabs import RunTab

_MOST_LINES = 12
_BESIDE = 64
"""Width from which the first and the newest answer stand side by side."""


class SamplesPane(RunTab):
    """The samples of a run. `ends` shows only the first and the newest answer to each prompt, with what they share faint."""

    name_of = "samples"
    about = (
        "What the model wrote when it was asked during the training: each prompt, then its answers, the newest first."
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.ends = False

    @property
    def comparable(self) -> bool:
        """Whether any prompt was answered more than once."""
        return self.run is not None and any(len(answers) > 1 for answers in self._by_prompt().values())

    def depends(self, view: RunView) -> object:
        """The samples, of which the oldest are forgotten, and the way of showing."""
        return (len(view.samples), view.samples[-1].seq if view.samples else 0, view.resumes, self.ends)

    def badge(self) -> Row:
        """What is shown."""
        return [("first and newest", "accent")] if self.ends else []

    def _by_prompt(self) -> dict[str, list[e.Sample]]:
        found: dict[str, list[e.Sample]] = {}
        assert self.run is not None
        for sample in self.run.view.samples:
            found.setdefault(sample.prompt, []).append(sample)
        return found

    def make(self, width: int) -> list[Row]:
        """Prompt after prompt."""
        rows: list[Row] = []
        for prompt, answers in self._by_prompt().items():
            rows += [[]] if rows else []
            rows += [[(line, "muted")] for line in wrap(prompt.strip() or "(an empty prompt)", width, 3)]
            if self.ends and len(answers) > 1:
                rows += self._ends(answers[0], answers[-1], width)
            else:
                for answer in reversed(answers):
                    rows += self._answer(answer, width)
        return rows

    def _answer(self, answer: e.Sample, width: int) -> list[Row]:
        head = f"{words.count(answer.step):>6} "
        lines = wrap(answer.text.strip() or "(nothing)", max(8, width - len(head) - 2), _MOST_LINES)
        return [
            [
                (head if i == 0 else " " * len(head), "faint"),
                (f"{self.glyphs.here} " if i == 0 else "  ", "train"),
                (line, "text"),
            ]
            for i, line in enumerate(lines)
        ]

    def _ends(self, first: e.Sample, newest: e.Sample, width: int) -> list[Row]:
        """The two answers, words that both have faint; side by side where there is room."""
        before, after = first.text.split(), newest.text.split()
        blocks = SequenceMatcher(None, before[:400], after[:400], autojunk=False).get_matching_blocks()
        old = {i for block in blocks for i in range(block.a, block.a + block.size)}
        new = {i for block in blocks for i in range(block.b, block.b + block.size)}
        each = (width - 3) // 2 if width >= _BESIDE else width
        left = [[(f"step {words.count(first.step)}", "faint")], *_flow(before, old, each)]
        right = [[(f"step {words.count(newest.step)}", "faint")], *_flow(after, new, each)]
        if width < _BESIDE:
            return [*left, *right]
        rows: list[Row] = []
        for i in range(max(len(left), len(right))):
            one: Row = left[i] if i < len(left) else []
            other: Row = right[i] if i < len(right) else []
            used = sum(cell_len(text) for text, _ in one)
            rows.append([*one, (" " * (each - used), ""), (f" {self.glyphs.vertical} ", "line"), *other])
        return rows

    def empty(self, width: int) -> list[Row]:
        """There are none, and why."""
        every = self.run.view.plan.sample_every if self.run and self.run.view.plan else 0
        if every:
            return [[(f"None yet: they come every {words.count(every)} steps.", "faint")]]
        if self.run is not None and not self.run.alive:
            return [[("None: the run file names no prompts.", "faint")]]
        return [
            [("None yet: they come with each evaluation", "faint")],
            [("where the run file names prompts.", "faint")],
        ]


def _flow(said: list[str], shared: set[int], width: int) -> list[Row]:
    """Words on lines; those that both texts have are faint, the others marked in bold, too."""
    rows: list[Row] = [[]]
    used = 0
    for i, word in enumerate(said[:400]):
        text = plain(word, width)
        size = cell_len(text)
        if used and used + 1 + size > width:
            rows.append([])
            used = 0
        rows[-1] += [(" ", "")] if used else []
        rows[-1].append((text, "muted" if i in shared else "strong"))
        used += size + (1 if used else 0)
    return rows[:_MOST_LINES] if said else [[("(nothing)", "faint")]]
