"""Runs and stories made up for tests: journals as a worker would write them, without a worker."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.runs import events as e
from engine.runs.journal import Journal
from engine.runs.paths import RunDir

NOON = 1_760_000_000.0

_HOLD = """
import sys
from pathlib import Path
from engine.runs.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


class Clock:
    """A clock that the test moves."""

    def __init__(self, t: float = NOON) -> None:
        self.t = t

    def __call__(self) -> float:
        return self.t


def begin(runs: Path, name: str, clock: Clock, steps: int = 600) -> tuple[RunDir, Journal]:
    """A run directory whose worker has said hello, read its data, loaded its model and made its plan."""
    run = RunDir(runs / name)
    run.path.mkdir(parents=True)
    run.config.write_text(f'name = "{name}"\n')
    journal = Journal(run.journal, clock)
    journal.append(e.Hello(run=name, pid=4242, host="workshop", versions={"torch": "2.13.0"}))
    for phase, done, total, seconds in (
        ("loading libraries", 0, 0, 4.2),
        ("reading data", 7473, 7473, 1.1),
        ("tokenizing", 7473, 7473, 3.4),
        ("loading the model", 0, 0, 2.0),
        ("quantizing", 210, 210, 6.0),
    ):
        journal.append(e.Phase(name=phase, done=0, total=total))
        clock.t += seconds
        journal.append(e.Phase(name=phase, done=done, total=total))
    source = {"path": "gsm8k/train.jsonl", "rows": 7473, "skipped": {"no trained token": 2}}
    journal.append(
        e.Data(
            sources=[source],
            train_examples=7473,
            test_examples=256,
            train_tokens=1_214_033,
            supervised_tokens=745_120,
        )
    )
    journal.append(
        e.Model(
            path="models/SmolLM2-135M",
            architecture="LlamaForCausalLM",
            device="NVIDIA H200, 139.8 GiB",
            parameters=134_515_008,
            trainable_parameters=4_884_480,
            quantization="NF4 double",
            adapter="LoRA r16",
            footprint_gib=0.12,
        )
    )
    journal.append(e.Plan(steps=steps, steps_per_epoch=max(1, steps // 3), batch_size=16))
    journal.append(e.Phase(name="training"))
    return run, journal


def train(journal: Journal, clock: Clock, first: int, last: int, steps: int = 600, seed: int = 7) -> None:
    """Steps `first` to `last` with evaluations, samples and checkpoints on the way."""
    rng = random.Random(seed * 100_003 + first)
    for step in range(first, last + 1):
        clock.t += 1.3
        level = 1.62 + 1.75 * math.exp(-step / (steps * 0.14)) + 0.12 * math.exp(-step / steps)
        journal.append(
            e.Step(
                step=step,
                epoch=step / (steps / 3),
                loss=level + rng.gauss(0, 0.09),
                supervised_tokens=9000,
                tokens=15000 + rng.randrange(2000),
                learning_rate=2e-4 * min(1.0, step / (0.05 * steps)) * (0.5 + 0.5 * math.cos(math.pi * step / steps)),
                grad_norm=0.5 + 2.0 * math.exp(-step / (0.05 * steps)) + abs(rng.gauss(0, 0.12)),
                seconds=0.86 + rng.random() * 0.05,
                peak_gib=9.1 + min(0.2, step / 900),
                batch="9f2c41",
                rows=["gsm8k/train.jsonl:12"],
            )
        )
        if step % max(1, steps // 12) == 0:
            journal.append(e.Phase(name="evaluating", done=16, total=16))
            journal.append(e.Eval(step=step, loss=level + 0.07, supervised_tokens=21000, seconds=4.0))
            journal.append(
                e.Sample(
                    step=step,
                    prompt="Question: Natalia sold clips to 48 friends in April, and half as many in May. How many?",
                    text="Natalia sold 48/2 = 24 clips in May.\nTogether that is 48 + 24 = 72.\n#### 72",
                )
            )
        if step % max(1, steps // 6) == 0:
            journal.append(e.Checkpoint(step=step, path=f"checkpoints/{step}", bytes=39_000_000, seconds=0.4))


def finish(journal: Journal, run: RunDir, step: int, outcome: e.Outcome = "succeeded", reason: str = "") -> None:
    """The worker's last word."""
    if outcome == "succeeded":
        run.adapter.mkdir()
    journal.append(e.Finished(outcome=outcome, step=step, reason=reason, seconds=0.0), sync=True)
    journal.close()


def whole_run(runs: Path, name: str, steps: int = 600, t: float = NOON, seed: int = 7) -> RunDir:
    """A run that succeeded."""
    clock = Clock(t)
    run, journal = begin(runs, name, clock, steps)
    train(journal, clock, 1, steps, steps, seed)
    finish(journal, run, steps)
    return run


def crashed_run(runs: Path, name: str, at: int = 87, t: float = NOON) -> RunDir:
    """A run whose worker vanished."""
    clock = Clock(t)
    run, journal = begin(runs, name, clock)
    train(journal, clock, 1, at, 420)
    journal.close()
    return run


def failed_run(runs: Path, name: str, t: float = NOON) -> RunDir:
    """A run that ended itself because the loss was no number."""
    clock = Clock(t)
    run, journal = begin(runs, name, clock)
    train(journal, clock, 1, 41)
    journal.append(e.Step(step=42, epoch=0.2, loss=None, finite=False))
    reason = (
        "The loss of step 42 is not a number. The rows of its batch are gsm8k/train.jsonl:88 to :103. "
        "Lower train.learning_rate (now 0.02), or set train.clip."
    )
    finish(journal, run, 42, "failed", reason)
    return run


@contextmanager
def held(run: RunDir) -> Iterator[None]:
    """A living worker, as far as anybody can tell: another process holds the run's lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(run.lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def story(folder: Path, t: float = NOON, told: bool = True) -> Clock:
    """The demo's story in `folder`, to the end or up to the tuning."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = Clock(t)
    journal = Journal(folder / "story.jsonl", clock)
    journal.append(e.Hello(run="story", pid=1, host="workshop"))
    chapters = [
        ("corpus", "A small world", "A grammar writes 4,000 sentences about numbers, colours and places.", None),
        ("tokenizer", "Its words", "A tokenizer of 1,024 pieces is trained on them: 2.9 characters a piece.", None),
        ("base", "A model that speaks", "A Llama of 1.2 M parameters learns the language from nothing.", "base-1"),
        ("before", "Before", "It is asked 12 questions. It speaks the language, but knows no answers.", None),
        (
            "tune",
            "Tuning",
            "QLoRA: the base is frozen in 4 bits, and 60 k weights beside it learn to answer.",
            "demo-1",
        ),
        ("after", "After", "The same questions, which tuning never saw.", "demo-1"),
    ]
    for name, title, text, run in chapters if told else chapters[:5]:
        clock.t += 20
        journal.append(e.Chapter(name=name, title=title, text=text, run=run))
    if told:
        for i in range(12):
            clock.t += 0.5
            right = str(17 * (i + 2) + i)
            journal.append(
                e.Answer(
                    question=f"How much is {17 * (i + 2)} plus {i}?",
                    expected=right,
                    base="the red house is north of the" if i % 5 else "17",
                    tuned=right if i != 10 else "158",
                    base_correct=False,
                    tuned_correct=i != 10,
                )
            )
        journal.append(e.Score(base_accuracy=0.02, tuned_accuracy=0.94, questions=200, seconds=147.0))
        journal.append(e.Finished(outcome="succeeded", step=0))
    journal.close()
    return clock
