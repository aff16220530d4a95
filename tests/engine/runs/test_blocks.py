"""Reading in bulk is reading one by one: the same events, the same counts, the same view."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.runs import events as e
from engine.runs.columns import StepBlock
from engine.runs.journal import Journal, JournalReader
from engine.runs.view import RunView

STEPS = st.builds(
    lambda step, loss, seconds, rows, t: e.encode(
        e.Step(step=step, epoch=0.5, loss=loss, seconds=seconds, tokens=70, rows=rows, batch="b" * len(rows), t=t)
    ),
    st.integers(0, 12),
    st.none() | st.floats(0.125, 9),
    st.sampled_from([0.0, 0.5]),
    st.lists(st.sampled_from(["a.jsonl:1", 'ö"\n', "]}"]), max_size=2),
    st.floats(0, 1e9),
)
OTHERS = st.sampled_from(
    [
        e.encode(e.Hello(run="r", pid=1, host="h", t=2.0)),
        e.encode(e.Hello(run="r", pid=2, host="h", resumed_from=4, t=5.0)),
        e.encode(e.Plan(steps=12, steps_per_epoch=6, batch_size=2, eval_every=3, save_every=3)),
        e.encode(e.Eval(step=3, loss=1.5, seconds=1.0)),
        e.encode(e.Checkpoint(step=3, path="step-3")),
        e.encode(e.Phase(name="paused", t=7.0)),
        e.encode(e.Hardware(gpu_percent=80.0)),
        e.encode(e.Log(message='{"type":"step"}', level="warning")),
    ]
)
BAD = st.sampled_from(
    [
        b"\n",
        b"  \r\n",
        b"nonsense\n",
        b"\xff\xfe\n",
        b'{"type":"telepathy","v":9,"seq":2,"t":0}\n',
        b'{"type":"step","step":3}\n',
        b'{"type":"step","step":-3,"epoch":0,"loss":1}\n',
        b'{"type":"step","step":3,"epoch":"x","loss":1}\n',
        b'{"type":"step","step":3,"epoch":0,"loss":1,"t":-5}\n',
        b'{"type":"step","step":3,"epoch":0,"lo\n',
        b"[]\n",
        b"\0\0\0\n",
        b"[" * 99_999 + b"\n",
        b'{"type":"telepathy","what":' + b"[" * 99_999 + b"\n",
        b'{"type":"step","step":3,"epoch":0,"loss":1,"seconds":1,"tokens":1%s}\n' % (b"0" * 400),
        b'{"type":"step","step":3,"epoch":0,"loss":1e308,"seconds":1e308}\n',
        b'{"type":"eval","step":3,"loss":1e308,"seconds":1e308}\n',
    ]
)


def facts(view: RunView) -> dict[str, Any]:
    """All that a view shows."""
    series = {name: (list(s.steps), [str(v) for v in s.values]) for name, s in view.series.items()}
    marks = [(line.level, line.message) for line in view.log]
    axes = {axis: view.x_of(axis).tolist() for axis in ("step", "tokens", "time")}  # type: ignore[arg-type]
    last = None if view.last_step is None else e.encode(view.last_step)
    newest = {name: s.last for name, s in view.series.items()}
    return {"summary": view.summary(), "series": series, "log": marks, "axes": axes, "last": last, "newest": newest}


def both_ways(path: Path, bite: int) -> None:
    one, many = JournalReader(path), JournalReader(path)
    slow, fast = RunView("r"), RunView("r")
    while True:
        before = one.offset
        for event in one.read(bite):
            slow.apply(event)
        if one.offset == before:
            break
    while True:
        before = many.offset
        for item in many.read_blocks(bite):
            fast.fold(item)
        if many.offset == before:
            break
    assert (many.offset, many.skipped, many.damaged) == (one.offset, one.skipped, one.damaged)
    a, b = facts(slow), facts(fast)
    assert b["summary"].pop("eta_error") == pytest.approx(a["summary"].pop("eta_error"))
    assert b == a


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    lines=st.lists(STEPS | STEPS | STEPS | OTHERS | BAD, max_size=30),
    torn=st.integers(0, 60),
    bite=st.sampled_from([100, 700, 1 << 20]),
)
def test_in_bulk_is_one_by_one(tmp_path: Path, lines: list[bytes], torn: int, bite: int) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(lines) + e.encode(e.Log(message="never ended"))[: max(0, torn - 1)].rstrip(b"\n"))
    both_ways(path, bite)


def test_a_long_run_is_few_blocks_and_the_newest_step_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl", lambda: 1.0)
    journal.append(e.Hello(run="r", pid=1, host="h"))
    for step in range(1, 301):
        journal.append(
            e.Step(step=step, epoch=0.1, loss=None if step == 7 else 1 / step, rows=["a:1"], batch=f"b{step}")
        )
    journal.close()
    hello, block = JournalReader(journal.path).read_blocks()
    assert isinstance(hello, e.Hello)
    assert isinstance(block, StepBlock)
    assert (block.last.rows, block.last.batch) == (["a:1"], "b300")
    view = RunView("r")
    view.fold(hello)
    view.fold(block)
    assert len(view.series["loss"]) == 300
    assert math.isnan(view.series["loss"].values[6])
    assert view.last("loss") == 1 / 300, "the newest value has all its digits"
    assert "tokens_per_s" not in view.series


def test_what_follows_a_bite_is_read_later_and_only_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = [e.encode(e.Step(step=n, epoch=0.0, loss=1.0, seq=n, rows=["x" * (n % 40)])) for n in range(1, 400)]
    path.write_bytes(b"".join(lines[:200]) + lines[200][:-5])
    reader, steps = JournalReader(path), []
    for _ in range(2):
        while found := reader.read_blocks(777):
            steps += [int(step) for block in found if isinstance(block, StepBlock) for step in block.steps]
        path.write_bytes(b"".join(lines))
    assert steps == list(range(1, 400))
    assert json.loads(lines[0])["type"] == "step"
