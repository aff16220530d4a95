"""The grammar: the same seed gives the same world, and every question has one answer."""

from __future__ import annotations

import hashlib

import pytest

from engine.starter.grammar import _HALVES, ATTRIBUTES, MOST_ISLANDS, Fact, invent


def test_the_same_seed_gives_the_same_world() -> None:
    assert invent(7) == invent(7)
    assert invent(7) != invent(8)


def test_it_is_the_same_world_on_every_machine() -> None:
    words = " ".join(f"{f.island} {f.value}" for f in invent(0))
    assert hashlib.sha256(words.encode()).hexdigest()[:16] == "103358f6989fb0ed"


@pytest.mark.parametrize("seed", range(5))
def test_no_two_islands_share_a_value(seed: int) -> None:
    facts = invent(seed)
    assert len(facts) == MOST_ISLANDS * len(ATTRIBUTES)
    assert len({f.island for f in facts}) == MOST_ISLANDS
    for attribute in ATTRIBUTES:
        values = [f.value for f in facts if f.attribute is attribute]
        assert len(set(values)) == len(values) == MOST_ISLANDS


def test_every_list_of_first_halves_is_long_enough_and_without_doubles() -> None:
    for kind, (firsts, _, _) in _HALVES.items():
        words = firsts.split()
        assert len(set(words)) == len(words) == MOST_ISLANDS, kind


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=lambda a: a.name)
def test_statements_name_the_island_before_the_value_and_questions_never_do(attribute: object) -> None:
    fact = next(f for f in invent(0) if f.attribute is attribute)
    for phrasing in range(len(fact.attribute.statements)):
        sentence = fact.state(phrasing)
        assert 0 <= sentence.index(fact.island) < sentence.index(fact.value)
        assert sentence.endswith(".")
    assert fact.answer.endswith(f" {fact.value}.")
    for wording in range(len(fact.attribute.questions)):
        question = fact.ask(wording)
        assert fact.island in question
        assert fact.value not in question
        assert question.endswith("?")


def test_an_answer_is_its_opening_and_the_value() -> None:
    fact = Fact("Velamoy", ATTRIBUTES[0], "Corhythe")
    assert fact.answer == "The harbour of Velamoy is Corhythe."
    assert fact.opening == "The harbour of Velamoy is"
