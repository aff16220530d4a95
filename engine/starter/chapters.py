"""The chapters of the story in words, for somebody who has never fine-tuned a model. Their numbers come from outside."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.runs.events import Chapter
from engine.starter.grammar import ARCHIPELAGO, ATTRIBUTES
from engine.starter.recipe import Recipe
from engine.starter.world import World


def archipelago(world: World) -> Chapter:
    """Chapter 1: the data."""
    ways = len(ATTRIBUTES[0].statements)
    attributes = ", ".join(a.name for a in ATTRIBUTES[:-1]) + f" and {ATTRIBUTES[-1].name}"
    return Chapter(
        name="archipelago",
        title="Islands that do not exist",
        text=f"The {ARCHIPELAGO} are {world.recipe.islands} invented islands, each with its {attributes}: "
        f"{len(world.facts)} facts that no model has ever heard of. A grammar states each of them in {ways} ways, in "
        f"{len(world.paragraphs):,} short paragraphs. One reads: “{world.paragraphs[0]}”",
    )


def tokenizer(world: World) -> Chapter:
    """Chapter 2: the vocabulary."""
    sentence = world.exam[0][0].answer
    pieces = [sentence[start:end] for start, end in world.tokenizer.encode(sentence).offsets if end > start]
    return Chapter(
        name="tokenizer",
        title="From letters to tokens",
        text="A model reads numbers, not letters. Byte-pair encoding joined what often stands together in the paragraphs, "
        f"until {world.tokenizer.get_vocab_size()} tokens held every word of the islands. A sentence of {len(sentence)} "
        f"characters is {len(pieces)} tokens now: {'|'.join(pieces)}",
    )


def base(world: World, parameters: int, run: str) -> Chapter:
    """Chapter 3: training from scratch."""
    return Chapter(
        name="base",
        title="A base model reads it all",
        text=f"A Llama with {parameters / 1e6:.2f} million random weights learns to guess the next token of the paragraphs. "
        f"Knowing nothing, its loss is about {math.log(world.tokenizer.get_vocab_size()):.1f}; it falls until only that is "
        "left which nobody can guess, such as which island comes next. This is a real run of every weight: "
        f"{world.recipe.base_steps} steps.",
        run=run,
    )


def base_is_here() -> Chapter:
    """Chapter 3, where there is nothing to do."""
    return Chapter(
        name="base",
        title="A base model has read it all",
        text="The base model of this recipe is here and whole from an earlier telling, so it is not trained again. "
        "Told afresh, the story would begin with random weights.",
    )


def before(world: World, completions: Sequence[str], reply: str) -> Chapter:
    """Chapter 4: `completions` continue the openings of the exam's facts, `reply` answers its first question."""
    fact, question = world.exam[0]
    known = sum(
        f"{asked.opening} {text}".startswith(asked.answer)
        for (asked, _), text in zip(world.exam, completions, strict=True)
    )
    first = completions[0].partition(".")[0]
    return Chapter(
        name="before",
        title="It knows, but it cannot answer",
        text="The base has read every fact but never a question. "
        f"Given “{fact.opening} …” it goes on with “{first}”, and it finishes {known} of {len(world.exam)} such sentences "
        f"correctly. Asked “{question.question}” it replies “{reply}”.",
    )


def qlora(world: World, recipe: Recipe, run: str) -> Chapter:
    """Chapter 5: the tuning."""
    asked = len({fact.island for fact in world.asked})
    left = recipe.islands - asked
    return Chapter(
        name="qlora",
        title="QLoRA teaches it to answer",
        text=f"The base is frozen in 4 bits, and small adapters of rank {recipe.rank} beside its layers are trained on "
        f"questions about {asked} of the islands: {len(world.tuning)} of them, less a few that are kept back to measure the "
        f"loss, which counts the answers only. The other {left} islands are not named once: they are kept for the exam.",
        run=run,
    )


def exam(world: World) -> Chapter:
    """Chapter 6: base and tuned model side by side."""
    left = len({fact.island for fact in world.held_out})
    return Chapter(
        name="exam",
        title="The exam",
        text=f"{len(world.exam)} questions about the {left} islands that tuning never named, for the base and the tuned model "
        "side by side. Only an answer that is right to the letter counts. Tuning could not teach these facts; "
        "what it can teach is how to answer with what the base has read.",
    )
