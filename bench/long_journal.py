"""Makes the journal of a very long run: a million steps with their rows, as a worker would have written them.

    python -m bench.long_journal FOLDER [STEPS]

The lines come from the worker's own encoder, once; only the numbers in them are changed, so that a million take seconds.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from engine.runs import events as e

NOON = 1_760_000_000.0
ROWS = 8
"""Sequences of a batch."""
SPIKE_EVERY = 90_001
SECONDS = 0.09
"""Between two steps."""


def plan_of(steps: int) -> e.Plan:
    """How long the run is."""
    tenth = max(1, steps // 10)
    return e.Plan(steps=steps, steps_per_epoch=max(1, steps // 3), batch_size=ROWS, eval_every=tenth, save_every=tenth)


def step_line(step: int, steps: int, seq: int, noise: random.Random) -> bytes:
    """One step of a loss that falls, with noise and now and then a spike."""
    share = step / steps
    loss = 1.4 + 2.2 / (1 + 40 * share) + noise.random() * 0.3 + (4.0 if step % SPIKE_EVERY == 0 else 0.0)
    tokens = 3000 + noise.randrange(900)
    rows = ",".join(f'"gsm8k/train.jsonl:{(step * ROWS + n) * 7919 % 7473}"' for n in range(ROWS))
    return (
        f'{{"type":"step","v":1,"seq":{seq},"t":{NOON + step * SECONDS:.3f},"step":{step},"epoch":{3 * share},'
        f'"loss":{loss},"finite":true,"supervised_tokens":{tokens - 700},"tokens":{tokens},"cells":{tokens + 40},'
        f'"learning_rate":{2e-4 * (1 - share)},"grad_norm":{0.4 + noise.random()},"seconds":{0.08 + noise.random() / 100},'
        f'"peak_gib":{9.1 + min(0.4, share)},"batch":"9f2c41d07ab3","rows":[{rows}]}}\n'
    ).encode()


def write(folder: Path, steps: int, finished: bool = True) -> Path:
    """Write a run directory `folder`; return its journal. A run that is not finished goes on where somebody appends."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.toml").write_text(f'name = "{folder.name}"\n')
    journal, noise, seq = folder / "events.jsonl", random.Random(7), 0
    plan = plan_of(steps)
    with journal.open("wb") as file:

        def say(event: e.Event, step: int = 0) -> None:
            nonlocal seq
            event.seq, event.t = seq, NOON + step * SECONDS
            file.write(e.encode(event))
            seq += 1

        say(e.Hello(run=folder.name, pid=4242, host="workshop", versions={"torch": "2.13.0"}))
        say(plan)
        say(e.Phase(name="training"))
        for step in range(1, steps + 1):
            file.write(step_line(step, steps, seq, noise))
            seq += 1
            if step % plan.eval_every == 0:
                say(e.Eval(step=step, loss=1.5 + 2.2 / (1 + 40 * step / steps), seconds=4.0), step)
                say(e.Checkpoint(step=step, path=f"step-{step}", bytes=39_000_000, seconds=0.4), step)
        if finished:
            say(e.Finished(outcome="succeeded", step=steps), steps)
    return journal


def main() -> None:
    """Write one."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/luthier-long/long-1")
    print(write(folder, int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000))


if __name__ == "__main__":
    main()
