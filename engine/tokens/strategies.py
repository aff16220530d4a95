"""What the ways of batching cost, side by side: computed from the batches that each would give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.config.runfile import RunFile
from engine.config.tokens import TokensSection
from engine.errors import DataError
from engine.token_facts import StrategyFacts
from engine.tokens.batches import BatchPlan
from engine.tokens.measure import Fetched, Int64, Measures
from engine.tokens.prepare import RUNNING_TEXT, weights_of
from engine.tokens.sequences import Sequences

WAYS: dict[str, dict[str, Any]] = {
    "random": {"packing": "none", "group_by_length": False},
    "grouped": {"packing": "none", "group_by_length": True},
    "packed": {"packing": "bfd", "group_by_length": False},
    "wrapped": {"packing": "wrapped", "group_by_length": False, "truncation": "right"},
}


def way_of(tokens: TokensSection) -> str:
    """The name of the way that a run file chooses."""
    if tokens.packing != "none":
        return {"bfd": "packed", "wrapped": "wrapped"}[tokens.packing]
    return "grouped" if tokens.group_by_length else "random"


def strategies_of(measures: Measures, rows: Sequence[int] | Int64) -> list[StrategyFacts]:
    """Each way for one epoch of those of some rows that were measured, under the run file of their path."""
    laid = measures.laid
    run, max_length = laid.path.run, laid.path.max_length
    cut = Fetched(laid, measures.of(rows, max_length, run.tokens.truncation))
    whole = None
    if all(item.source.format in RUNNING_TEXT for item in laid.sources):
        whole = Fetched(laid, measures.of(rows, max_length, None))
    return strategies(cut, whole, run, max_length, weights_of(run.data))


def strategies(
    cut: Sequences, whole: Sequences | None, run: RunFile, max_length: int, weights: Sequence[float]
) -> list[StrategyFacts]:
    """Each way for one epoch. `cut` are the sequences as they are truncated, whichever way the run file chooses; `whole` those
    that nothing was cut of, for "wrapped", None where it cannot be had."""
    current = way_of(run.tokens)
    out = []
    for name, keys in WAYS.items():
        changes = {f"tokens.{key}": value for key, value in keys.items() if getattr(run.tokens, key) != value}
        facts = StrategyFacts(name=name, changes=changes, current=name == current)  # type: ignore[arg-type]
        sequences = whole if name == "wrapped" else cut
        if sequences is None:
            facts.note = "for running text only"
        elif not len(sequences):
            facts.note = "no sequence to train on"
        else:
            tokens = run.tokens.model_copy(update=keys)
            _fill(facts, sequences, tokens, run, max_length, weights)
        out.append(facts)
    return out


def _fill(
    facts: StrategyFacts,
    sequences: Sequences,
    tokens: TokensSection,
    run: RunFile,
    max_length: int,
    weights: Sequence[float],
) -> None:
    try:
        plan = BatchPlan(sequences, run.train, tokens, max_length, 0, weights)
    except DataError as error:
        facts.note = str(error)
        return
    facts.sequences, facts.steps = plan.count, plan.steps_per_epoch
    facts.cells, facts.tokens = plan.cells()
