"""What in a valid run file is unusual: values outside of their usual range, and values that do not go together well.

A remark never refuses anything. Invariant: a run file that only says what its defaults say has none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from engine.config.differences import resolved
from engine.config.form import Field, groups, show
from engine.config.runfile import RunFile


@dataclass(frozen=True, slots=True)
class Remark:
    """Something unusual."""

    key: str
    """The key to look at first."""
    message: str


def remarks_on(run: RunFile, without: Collection[str] = ()) -> list[Remark]:
    """All remarks about `run`, in the order of its keys; none about the keys `without`, whose values are not the user's."""
    table = run.model_dump()
    found: dict[str, list[Remark]] = {}
    order: list[str] = []
    for group in groups(len(run.data)):
        for item in group.fields:
            order.append(item.key)
            said = _out_of_range(item, resolved(table, item))
            if said:
                found.setdefault(item.key, []).append(Remark(item.key, said))
    for rule in _RULES:
        for keys, message in rule(run):
            if not set(keys) & set(without):
                found.setdefault(keys[0], []).append(Remark(keys[0], message))
    return [remark for key in order if key not in without for remark in found.get(key, [])]


def _out_of_range(item: Field, value: object) -> str:
    usual = item.advice.usual_range
    if usual is None or isinstance(value, bool) or not isinstance(value, int | float) or usual[0] <= value <= usual[1]:
        return ""
    words = item.advice.usual or f"{usual[0]:g} to {usual[1]:g}"
    what = item.advice.low if value < usual[0] else item.advice.high
    return f"`{item.key}` is {show(item, value)}: usual is {words}" + (f"; {what}" if what else "")


Said = Iterator[tuple[tuple[str, ...], str]]
"""Keys and a message; the remark stands at the first key."""


def _scale(run: RunFile) -> Said:
    """How loudly an adapter speaks."""
    lora = run.lora
    if run.train.method == "full" or lora.start_from:
        return
    if lora.rslora:
        scale, name, usual, least, most = lora.alpha / lora.rank**0.5, "alpha / sqrt(rank)", "1 to 8", 0.1, 16.0
    else:
        scale, name, usual, least, most = lora.alpha / lora.rank, "alpha / rank", "1 to 2", 0.25, 4.0
    if not least <= scale <= most:
        how = "it learns as with a higher learning rate" if scale > most else "it learns as with a lower learning rate"
        yield ("lora.alpha", "lora.rank", "lora.rslora"), f"{name} is {scale:.3g}: usual is {usual}; {how}"


def _learning_rate(run: RunFile) -> Said:
    """Rates that suit another method or another optimiser."""
    train, rate = run.train, run.train.learning_rate
    keys = ("train.learning_rate", "train.method", "train.optimizer")
    from_text = all(source.format == "text" for source in run.data)
    if train.method == "full":
        if rate > 1e-4 and not from_text:  # a model that is made from scratch, from text, wants more
            yield keys, f'{rate:g} is much for method = "full": usual is 1e-6 to 5e-5; it forgets what it knew'
        return
    if train.optimizer.startswith("lion"):
        if rate >= 2e-4:
            said = "three to ten times less than AdamW's, so 2e-5 to 1e-4 (arXiv 2302.06675)"
            yield keys, f"{rate:g} is much for {train.optimizer}: usual is {said}"
    elif 1e-6 <= rate < 1e-5:
        yield keys, f"{rate:g} is little for LoRA: usual is 1e-4 to 3e-4; adapters begin at zero and hardly move"
    if run.lora.plus_ratio > 1 and rate * run.lora.plus_ratio > 1e-2:
        fast = rate * run.lora.plus_ratio
        yield (
            ("lora.plus_ratio", "train.learning_rate"),
            f"B learns at {fast:.3g}, learning_rate x plus_ratio: above 1e-2 it may diverge; lower learning_rate",
        )


def _length(run: RunFile) -> Said:
    """How long a run is, and how much of it is spent on the way up."""
    train = run.train
    if train.epochs is not None and train.epochs > 5:
        yield ("train.epochs",), f"{train.epochs:g} epochs: usual is 1 to 3; rows are learned by heart"
    if 0.3 < train.warmup < 1:
        yield ("train.warmup",), f"{100 * train.warmup:.0f} % of the steps are warmup: usual is up to 10 %"
    if train.steps is not None and train.warmup >= train.steps:
        yield (
            ("train.warmup", "train.steps"),
            f"warmup takes {train.warmup:g} steps and the run has {train.steps}: it never reaches learning_rate",
        )


def _global_batch(run: RunFile) -> Said:
    """How many sequences a step follows. Packed ones hold several rows."""
    train = run.train
    size = train.batch_size * train.grad_accumulation
    keys = ("train.batch_size", "train.grad_accumulation")
    if size == 1 and run.tokens.packing == "none":
        yield keys, "a step follows one sequence: usual is 8 to 128; set grad_accumulation to 8, which takes no memory"
    elif size > 1024:
        yield keys, f"a step follows {size:,} sequences: usual is 8 to 128; few steps are made of the same rows"


def _held_out(run: RunFile) -> Said:
    """How much is kept from being learned."""
    if 0.5 < run.split.test_size < 1:
        yield ("split.test_size",), f"{100 * run.split.test_size:.0f} % of the rows are held out: usual is 2 to 10 %"


def _supervision(run: RunFile) -> Said:
    """What is learned of running text."""
    if run.tokens.packing == "wrapped" and run.tokens.supervise != "all" and any(s.format != "text" for s in run.data):
        yield (
            ("tokens.packing", "tokens.supervise"),
            'packing = "wrapped" cuts conversations anywhere, prompts from their answers: usual is "bfd" for them',
        )


_RULES: tuple[Callable[[RunFile], Said], ...] = (
    _scale,
    _learning_rate,
    _length,
    _global_batch,
    _held_out,
    _supervision,
)
