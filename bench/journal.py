"""Writing and reading the journal: our synced single writes against json and a flushed file, which promises less."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from bench.timing import in_turns, report
from engine.runs.events import Step
from engine.runs.journal import Journal, JournalReader

COUNT = 2000
ROWS = [f"train.jsonl:{i}" for i in range(32)]


def main() -> None:
    """Append and read the same events with both."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "events.jsonl")
        plain = Path(folder) / "plain.jsonl"

        def ours() -> None:
            for step in range(COUNT):
                journal.append(Step(step=step, epoch=0.1, loss=1.0, rows=ROWS, batch="0123456789ab"))

        def peer() -> None:
            with plain.open("a") as file:
                for step in range(COUNT):
                    event = {
                        "type": "step",
                        "step": step,
                        "epoch": 0.1,
                        "loss": 1.0,
                        "rows": ROWS,
                        "batch": "0123456789ab",
                    }
                    file.write(json.dumps(event) + "\n")
                    file.flush()

        report(f"{COUNT:,} journal rows written", *in_turns(ours, peer), "json.dumps, write, flush")

        def read_ours() -> object:
            return JournalReader(journal.path).read_all()

        def read_peer() -> object:
            return [json.loads(line) for line in plain.read_text().splitlines()]

        report("all of them read", *in_turns(read_ours, read_peer, 3), "json.loads")
