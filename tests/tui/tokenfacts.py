"""Made-up answers of the Tokens screen's requests, and a bare screen that hosts one widget and hears what it posts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from engine.service import protocol as p
from engine.token_facts import (
    DocumentFact,
    LanguageFact,
    LengthFacts,
    LineFact,
    ParityFact,
    PieceFact,
    StrategyFacts,
    TokenFact,
    TokenFinding,
    TokenFix,
)
from tui.app import LuthierApp
from tui.widgets.batch_map import BatchMap
from tui.widgets.length_chart import LengthChart
from tui.widgets.strategies_table import StrategiesTable
from tui.widgets.token_findings import TokenFindings
from tui.widgets.tokenizer_panes import ScratchView, VocabularyView

Make = Callable[..., LuthierApp]


class Host(Screen[None]):
    """One widget, and the messages it posted."""

    BINDINGS = [Binding("enter", "choose")]
    CSS = "Host > * { height: 1fr; }"

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.heard: list[Any] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def action_choose(self) -> None:
        self.widget.choose()  # type: ignore[attr-defined]

    def _hear(self, message: Message) -> None:
        self.heard.append(message)

    def on_batch_map_chosen(self, message: BatchMap.Chosen) -> None:
        self._hear(message)

    def on_length_chart_limit(self, message: LengthChart.Limit) -> None:
        self._hear(message)

    def on_strategies_table_chosen(self, message: StrategiesTable.Chosen) -> None:
        self._hear(message)

    def on_token_findings_chosen(self, message: TokenFindings.Chosen) -> None:
        self._hear(message)

    def on_token_findings_fix(self, message: TokenFindings.Fix) -> None:
        self._hear(message)

    def on_vocabulary_view_sought(self, message: VocabularyView.Sought) -> None:
        self._hear(message)

    def on_scratch_view_typed(self, message: ScratchView.Typed) -> None:
        self._hear(message)


@asynccontextmanager
async def hosting(app: LuthierApp, widget: Widget, size: tuple[int, int]) -> AsyncIterator[Pilot[Any]]:
    """The app with `widget` over the whole terminal, in focus where it can have it."""
    async with app.run_test(size=size) as pilot:
        await app.push_screen(Host(widget))
        if widget.can_focus:
            widget.focus()
        await pilot.pause()
        yield pilot


def heard(app: LuthierApp) -> list[Any]:
    """The messages that were posted."""
    assert isinstance(app.screen, Host)
    return app.screen.heard


def line_of(*rows: tuple[str, int, int], width: int, first: int = 1) -> LineFact:
    """A sequence of rows, each with its origin, its masked and its trained tokens; the rest is padding."""
    cells: list[tuple[str, int]] = []
    documents, at = [], 0
    for number, (origin, masked, trained) in enumerate(rows):
        cells += [(kind, count) for kind, count in (("m", masked), ("t", trained)) if count]
        documents.append(DocumentFact(first + number, origin, at, at + masked + trained))
        at += masked + trained
    return LineFact([*cells, *([(".", width - at)] if width > at else [])], documents)


def batch_of(lines: list[LineFact], width: int, **more: Any) -> p.BatchFound:
    """A batch of such sequences."""
    counts = {kind: sum(n for line in lines for k, n in line.cells if k == kind) for kind in "tm."}
    known: dict[str, Any] = {
        "draft": 1,
        "step": 3,
        "steps": 934,
        "epoch": 0.0032,
        "fingerprint": "9f2c41ab77d0",
        "width": width,
        "micro_batch_size": 2,
        "lines": lines,
        "tokens": counts["t"] + counts["m"],
        "supervised": counts["t"],
        "cells": sum(counts.values()),
    }
    return p.BatchFound(**{**known, **more})


def batch(origin: str = "rows.jsonl") -> p.BatchFound:
    """Four sequences of 100 cells; the second holds three rows."""
    return batch_of(
        [
            line_of((f"{origin}:17", 30, 50), width=100, first=17),
            line_of((f"{origin}:20", 10, 20), (f"{origin}:21", 20, 20), (f"{origin}:22", 20, 10), width=100, first=20),
            LineFact([("m", 50), ("t", 1), ("m", 49)], [DocumentFact(30, f"{origin}:30", 0, 100)]),
            line_of((f"{origin}:31", 10, 10), width=100, first=31),
        ],
        100,
    )


def lengths(**more: Any) -> LengthFacts:
    """A thousand rows of 0 to 999 tokens, one of each; the limit is 512."""
    edges = list(range(0, 1001, 50))
    known: dict[str, Any] = {
        "rows": 1000,
        "tokens": 499_500,
        "supervised": 200_000,
        "max_length": 512,
        "edges": edges,
        "counts": [50] * 20,
        "p50": 499,
        "p95": 949,
        "p99": 989,
        "max": 999,
        "over": 487,
        "lost": sum(range(1, 488)),
        "sequences": 1000,
    }
    return LengthFacts(**{**known, **more})


def strategies() -> list[StrategyFacts]:
    """Three ways that can be had and one that cannot."""
    return [
        StrategyFacts(name="random", current=True, sequences=7473, steps=934, cells=2_000_000, tokens=1_236_000),
        StrategyFacts(
            name="grouped",
            changes={"tokens.group_by_length": True},
            sequences=7473,
            steps=934,
            cells=1_290_000,
            tokens=1_236_000,
        ),
        StrategyFacts(
            name="packed",
            changes={"tokens.packing": "bfd"},
            sequences=2410,
            steps=301,
            cells=1_240_000,
            tokens=1_236_000,
        ),
        StrategyFacts(name="wrapped", note="Only for running text."),
    ]


def findings(text: str = "") -> list[TokenFinding]:
    """A warning with two fixes, an error without, a note."""
    return [
        TokenFinding(
            rule="answer_cut",
            title=f"answer cut {text}",
            rows=31,
            why=f"The end of the answer is not trained. {text}",
            cure=f"Raise the limit. {text}",
            fixes=[
                TokenFix(says=f"max_length 811 {text}".strip(), changes={"tokens.max_length": 811}),
                TokenFix(says="leave them out", changes={"tokens.truncation": "drop"}),
            ],
        ),
        TokenFinding(rule="no_trained", title=f"nothing to train on {text}", rows=2, severity="error", why="Empty."),
        TokenFinding(rule="special", title=f"control token in a text {text}", rows=1204, severity="note", cure="None."),
        TokenFinding(rule="unknown", title="unknown tokens", rows=0),
    ]


def token(number: int, text: str | bytes, start: int = 0, end: int = 0, special: bool = False) -> TokenFact:
    """A token that stands for `text`."""
    data = text.encode() if isinstance(text, str) else text
    piece = data.decode(errors="replace")
    return TokenFact(number, piece, "" if special else data.hex(), start, end, 0, "masked", special, 0)


def split(text: str, size: int = 3) -> p.SplitText:
    """A text cut every `size` characters; what is no ASCII into its bytes."""
    tokens: list[TokenFact] = []
    at = 0
    while at < len(text):
        if not text[at].isascii():
            data = text[at].encode("utf-8", "surrogatepass")
            tokens += [token(900 + i, data[i : i + 1], at, at + 1) for i in range(len(data))]
            at += 1
            continue
        end = at + 1
        while end < min(len(text), at + size) and text[end].isascii():
            end += 1
        tokens.append(token(end, text[at:end], at, end))
        at = end
    return p.SplitText(draft=1, text=text, tokens=tokens, total=len(tokens))


def compared(language: str = "zh") -> p.Compared:
    """English, where the first tokenizer is better, and another language, where the second is."""
    return p.Compared(
        draft=1,
        vocabulary=49_152,
        other_vocabulary=151_936,
        rows=500,
        languages=[
            LanguageFact(
                language=language, rows=60, characters=12_000, bytes=36_000, tokens=15_000, other_tokens=8_000
            ),
            LanguageFact(
                language="en", rows=440, characters=200_000, bytes=200_200, tokens=40_000, other_tokens=50_000
            ),
        ],
    )


def pieces(start: int, count: int, matches: int = 1000, text: str = " piece") -> p.Pieces:
    """A window of a vocabulary of which every seventh piece is no whole character."""
    made = [
        PieceFact(i, f"Ġ{text}{i}", "", "f09f", i == 0, False)
        if i % 7 == 0
        else PieceFact(i, f"Ġ{text}{i}", f"{text}{i}", f"{text}{i}".encode("utf-8", "replace").hex(), False, i == 1)
        for i in range(start, min(start + count, matches))
    ]
    return p.Pieces(draft=1, size=49_152, matches=matches, start=start, pieces=made)


def parity(text: str = "") -> p.ParityFound:
    """An equal comparison, and one where the generation has a token more at position 12."""
    trained = [token(10 + i, f"w{i}{text}") for i in range(5)]
    given = [*trained[:2], token(2, "<|im_end|>", special=True), *trained[2:]]
    return p.ParityFound(
        draft=1,
        row=12,
        comparisons=[
            ParityFact(against=f"this template {text}", equal=True, sentence=f"The same ids. {text}", length=164),
            ParityFact(
                against="the tokenizer's chat template",
                equal=False,
                sentence=f"It ends a turn with its own token. {text}",
                at=12,
                trained=trained,
                given=given,
                length=164,
            ),
        ],
    )
