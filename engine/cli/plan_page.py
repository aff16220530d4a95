"""How `luthier plan` shows a run before it starts. 80 columns; nothing is meant by colour alone."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.table import Table as Grid
from rich.text import Text

from engine.cli import console
from engine.config.runfile import RunFile
from engine.config.sizes import spell_size
from engine.plan_facts import MemoryPlan, Remedy, RunPlan
from engine.text import visible

_BAR = 72
_MARKS = {
    "weights": ("█", "blue"),
    "quantization constants": ("▓", "blue"),
    "adapters": ("A", "green"),
    "gradients": ("G", "green"),
    "optimizer": ("O", "green"),
    "activations": ("▒", "yellow"),
    "logits": ("L", "yellow"),
    "workspace": ("░", "yellow"),
    "process": ("P", "dim"),
}
_WHAT = {
    "weights": "the model as it is kept",
    "quantization constants": "scales of the quantised weights",
    "adapters": "what is trained, in float32",
    "gradients": "of what is trained",
    "optimizer": "its running means",
    "activations": "kept for the backward pass",
    "logits": "a chunk of them, with the loss",
    "workspace": "of one layer, for a moment",
    "process": "libraries and data",
}


def show(made: RunPlan, run: RunFile) -> None:
    """A plan for people."""
    memory = made.memory
    _head(made, run)
    console.show(Text())
    console.show(_bar(memory))
    console.show(_parts(memory))
    console.show(_verdict(memory, run.train.memory_limit))
    for note in memory.notes:
        console.show(console.safe(f"note: {note}", "dim"))
    if made.earlier:
        console.show(Text(_earlier(made), style="dim"))
    if made.remedies:
        console.show(Text("\nWhat would make it smaller:", style="bold"))
        console.show(_remedies(made.remedies))
    console.show(Text())
    console.show(_length(made))


def _head(made: RunPlan, run: RunFile) -> None:
    load, memory = made.memory.load, made.memory
    console.show(console.safe(run.name, "bold"))
    trained = made.trainable_parameters / max(1, made.parameters)
    console.data(f"{made.parameters:,} parameters, {made.trainable_parameters:,} trained ({trained:.2%})")
    rows = f", up to {load.documents:,} rows in one" if load.documents > 1 else ""
    console.data(f"heaviest micro-batch: {load.rows:,} x {load.width:,} tokens{rows}, {load.supervised:,} supervised")
    again = f"{memory.checkpointed_layers} of {memory.layers} layers computed again in the backward pass"
    console.data(again if memory.layers else "this architecture does not name its layers")


def _bar(memory: MemoryPlan) -> Text:
    """The parts of the training peak as a stack, with the device's end in it."""
    whole = max(memory.training, memory.device.bytes, 1)
    out, drawn, done = Text(), 0, 0
    for name, (mark, style) in _MARKS.items():
        done += memory.parts.get(name, 0)
        upto = round(_BAR * done / whole)
        out.append(mark * (upto - drawn), style=style)
        drawn = upto
    out.append("·" * (_BAR - drawn), style="dim")
    end = round(_BAR * memory.device.bytes / whole)
    if end < _BAR:
        plain = out.plain
        out = Text.assemble(out[:end], ("|", "bold red"), out[end : len(plain) - 1])
    return out


def _parts(memory: MemoryPlan) -> Grid:
    grid = Grid(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    grid.add_column()
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_column(style="dim")
    for name, (mark, style) in _MARKS.items():
        grid.add_row(Text(mark, style=style), name, spell_size(memory.parts.get(name, 0)), _WHAT[name])
    grid.add_row(
        "", Text("training, at its highest", style="bold"), Text(spell_size(memory.training), style="bold"), ""
    )
    others = (("evaluation", memory.evaluation), ("saving", memory.saving), ("loading", memory.loading))
    for name, size in others:
        grid.add_row("", name, spell_size(size), "at its highest" if size else "")
    return grid


def _verdict(memory: MemoryPlan, limit: str | None) -> Text:
    device = memory.device
    allowed = visible(device.name)
    if limit:
        allowed = f"the {spell_size(device.bytes)} of train.memory_limit"
    elif not allowed.startswith("a GPU of"):
        allowed = f"the {spell_size(device.bytes)} of {'this machine' if device.kind == 'cpu' else allowed}"
    if memory.fits:
        left = device.bytes - memory.peak
        return Text(f"✓ fits: {spell_size(memory.peak)} of {allowed}, {spell_size(left)} to spare", style="green")
    over = memory.peak - device.bytes
    return Text(f"✗ does not fit: {spell_size(memory.peak)}, {spell_size(over)} more than {allowed}", style="red")


def _earlier(made: RunPlan) -> str:
    shares = [share for _, share in made.earlier]
    count = len(shares)
    which = f"{count} earlier run{'s' if count > 1 else ''} of such a model on such a device took"
    return (
        f"{which} {min(shares):.2f} to {max(shares):.2f} of the plan"
        if count > 1
        else f"{which} {shares[0]:.2f} of the plan"
    )


def _remedies(found: Sequence[Remedy]) -> Grid:
    grid = Grid(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    grid.add_column(justify="right")
    grid.add_column(overflow="fold")
    for remedy in found:
        keys = " ".join(f"{key}={msgspec.json.encode(value).decode()}" for key, value in remedy.changes.items())
        same = "the numbers stay the same" if remedy.same_result else "another result"
        grid.add_row(f"-{spell_size(remedy.saves)}", Text.assemble(keys, (f"\n{remedy.cost}; {same}", "dim")))
    return grid


def _length(made: RunPlan) -> Grid:
    grid = Grid(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    grid.add_column()
    grid.add_column()
    cut = f"{made.memory.micro_batch_size} x {made.memory.grad_accumulation} sequences each"
    grid.add_row(
        "steps",
        f"{made.steps:,} ({made.steps_per_epoch:,} an epoch, {made.epochs:g} epoch{'' if made.epochs == 1 else 's'}), {cut}",
    )
    padding = 1 - made.tokens / max(1, made.cells)
    grid.add_row(
        "tokens", f"{made.tokens:,}, {made.supervised_tokens:,} of them supervised; {padding:.1%} padding beside"
    )
    grid.add_row("disk", f"{spell_size(made.disk)} at most, for checkpoints and result")
    if made.seconds is not None and made.seconds_per_step is not None:
        off = f" ± {spell_time(made.seconds_off)}" if made.seconds_off else ""
        source = "a few layers timed here" if made.pace_from == "timed" else f"the pace of {visible(made.pace_from)}"
        grid.add_row(
            "time", f"about {spell_time(made.seconds)}{off}, {made.seconds_per_step:.3g} s a step, by {source}"
        )
    else:
        grid.add_row("time", "not measured")
    return grid


def spell_time(seconds: float) -> str:
    """A duration for people: "40 s", "12 min", "3 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60:,} h {minutes % 60} min"
