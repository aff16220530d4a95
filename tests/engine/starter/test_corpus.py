"""The corpus states everything; tuning and the exam have no island in common."""

from __future__ import annotations

import json

import pytest

from engine.starter.corpus import paragraphs
from engine.starter.grammar import invent
from engine.starter.recipe import RECIPE
from engine.starter.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return World(RECIPE)


def test_every_fact_is_stated_in_every_phrasing(world: World) -> None:
    text = "\n".join(world.paragraphs)
    for fact in world.facts:
        for phrasing in range(len(fact.attribute.statements)):
            assert fact.state(phrasing) in text


def test_a_paragraph_speaks_of_one_island(world: World) -> None:
    islands = {fact.island for fact in world.facts}
    for text in world.paragraphs[:200]:
        assert sum(island in text for island in islands) == 1
        assert text.count(".") == RECIPE.sentences


def test_the_corpus_asks_nothing(world: World) -> None:
    assert "?" not in "".join(world.paragraphs)


def test_the_exam_was_never_asked_in_tuning(world: World) -> None:
    assert len(world.exam) >= 40
    tuned = " ".join(f"{row.question} {row.answer}" for row in world.tuning)
    for fact, row in world.exam:
        assert fact.island not in tuned
        assert fact.value not in tuned
        assert row.question not in tuned
        assert row.answer == fact.answer


def test_tuning_asks_each_of_its_facts_in_every_wording(world: World) -> None:
    assert len(world.tuning) == sum(len(fact.attribute.questions) for fact in world.asked)
    assert len({row.question for row in world.tuning}) == len(world.tuning)
    assert len(world.asked) + len(world.held_out) == len(world.facts)


def test_the_files_hold_rows(world: World) -> None:
    assert [json.loads(line)["text"] for line in world.corpus_jsonl.splitlines()] == world.paragraphs
    for text in (world.tuning_jsonl, world.heldout_jsonl):
        assert all(set(json.loads(line)) == {"question", "answer"} for line in text.splitlines())


def test_the_same_seed_gives_the_same_files() -> None:
    again, once = World(RECIPE), World(RECIPE)
    assert again.corpus_jsonl == once.corpus_jsonl
    assert again.tuning_jsonl == once.tuning_jsonl
    assert again.heldout_jsonl == once.heldout_jsonl


def test_islands_take_turns() -> None:
    facts = invent(0, islands=3)
    texts = paragraphs(facts, 6, 2, seed=0)
    for turn in (texts[:3], texts[3:]):
        assert {fact.island for fact in facts if any(fact.island in text for text in turn)} == {
            fact.island for fact in facts
        }


def test_a_fingerprint_changes_with_recipe_and_text() -> None:
    from dataclasses import replace

    assert RECIPE.fingerprint("a") == RECIPE.fingerprint("a")
    assert RECIPE.fingerprint("a") != RECIPE.fingerprint("b")
    assert RECIPE.fingerprint("a") != replace(RECIPE, seed=1).fingerprint("a")
