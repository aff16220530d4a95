"""The rules of a draft that keys turn: what each is called on the screen, and which value comes next.

The names and values are those of the run file; its own declaration is asked for them, in here, in the functions: it brings
pydantic with it.
"""

from __future__ import annotations

from typing import Any, get_args

from tui.tokens.model import Changes, Draft

BATCHING: dict[str, Changes] = {
    "random": {"tokens.packing": "none", "tokens.group_by_length": False},
    "grouped": {"tokens.packing": "none", "tokens.group_by_length": True},
    "packed": {"tokens.packing": "bfd", "tokens.group_by_length": False},
    "wrapped": {"tokens.packing": "wrapped", "tokens.group_by_length": False},
}
"""Ways of batching, as `StrategyFacts` names them."""
_TOO_LONG = {"right": "cut right", "left": "cut left", "drop": "leave out", "split": "split", "error": "refuse"}
_LEARN = {"assistant": "answers", "last": "the last answer", "all": "everything"}


def batching(draft: Draft) -> str:
    """How the draft is batched."""
    match draft.value("tokens.packing"):
        case "bfd":
            return "packed"
        case "wrapped":
            return "wrapped"
    return "grouped" if draft.value("tokens.group_by_length") else "random"


def rule_values(draft: Draft) -> dict[str, str]:
    """The other rules in words."""
    truncation, supervise = str(draft.value("tokens.truncation")), str(draft.value("tokens.supervise"))
    return {
        "truncation": _TOO_LONG.get(truncation, truncation),
        "supervise": _LEARN.get(supervise, supervise),
        "train_on_eos": "not trained" if draft.value("tokens.train_on_eos") is False else "trained",
        "padding_side": str(draft.value("tokens.padding_side") or "right"),
    }


def choices(key: str) -> tuple[Any, ...]:
    """The values of a key of [tokens], in the order of its declaration."""
    from engine.config.tokens import TokensSection

    annotation = TokensSection.model_fields[key].annotation
    return (True, False) if annotation is bool else get_args(annotation)


def following(draft: Draft, key: str) -> Changes:
    """The change to the next value of a key of [tokens]."""
    values = choices(key)
    now = draft.value(f"tokens.{key}")
    index = values.index(now) if now in values else -1
    return {f"tokens.{key}": values[(index + 1) % len(values)]}


def next_batching(draft: Draft) -> Changes:
    """The change to the next way of batching that can be had here."""
    names = list(BATCHING)
    strategies = {strategy.name: strategy for strategy in draft.measured.strategies} if draft.measured else {}
    here = names.index(batching(draft))
    for by in range(1, len(names)):
        name = names[(here + by) % len(names)]
        strategy = strategies.get(name)  # type: ignore[call-overload]
        if strategy is None:
            if not strategies and name != "wrapped":
                return BATCHING[name]
        elif not strategy.note:
            return dict(strategy.changes) or BATCHING[name]
    return {}
