"""From facts to files: the text the base reads, the questions of tuning, the questions of the exam.

Invariant: an island of the exam is never asked about in tuning, in any wording and about any attribute; everything is
stated in the corpus.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.starter.grammar import Fact


@dataclass(frozen=True)
class Question:
    """A row of `tuning.jsonl` or `heldout.jsonl`."""

    question: str
    answer: str


def paragraphs(facts: Sequence[Fact], count: int, sentences: int, seed: int) -> list[str]:
    """`count` short paragraphs, each on one island, with `sentences` of its facts in any order and any phrasing.

    The islands take turns in random order, so that none is read about more than another.
    """
    chance = random.Random(f"paragraphs {seed}")
    islands = by_island(facts)
    out: list[str] = []
    while len(out) < count:
        for own in chance.sample(islands, len(islands)):
            chosen = chance.sample(own, min(sentences, len(own)))
            out.append(" ".join(fact.state(chance.randrange(len(fact.attribute.statements))) for fact in chosen))
    return out[:count]


def by_island(facts: Sequence[Fact]) -> list[list[Fact]]:
    """The facts of each island, in the order of the islands."""
    islands: dict[str, list[Fact]] = {}
    for fact in facts:
        islands.setdefault(fact.island, []).append(fact)
    return list(islands.values())


def split_islands(facts: Sequence[Fact], seed: int) -> tuple[list[Fact], list[Fact]]:
    """(facts that tuning asks for, facts that only the exam asks for): half of the islands each, drawn at random."""
    islands = by_island(facts)
    random.Random(f"split {seed}").shuffle(islands)
    half = len(islands) // 2
    return [f for own in islands[:half] for f in own], [f for own in islands[half:] for f in own]


def tuning_questions(asked: Iterable[Fact]) -> list[Question]:
    """Every fact in every wording."""
    return [Question(fact.ask(w), fact.answer) for fact in asked for w in range(len(fact.attribute.questions))]


def exam_questions(held_out: Iterable[Fact], seed: int) -> list[tuple[Fact, Question]]:
    """Every fact once, in one wording, in random order."""
    chance = random.Random(f"exam {seed}")
    facts = list(held_out)
    chance.shuffle(facts)
    return [(f, Question(f.ask(chance.randrange(len(f.attribute.questions))), f.answer)) for f in facts]


def as_jsonl(rows: Iterable[dict[str, str]]) -> str:
    """One JSON object per line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
