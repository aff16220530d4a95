"""Moving through the rows of a draft of 100,000 rows, while they are read, while they are measured, and afterwards."""

from __future__ import annotations

import json
import random
import tempfile
import threading
import time
from pathlib import Path

from engine.service import protocol as p
from tests.process.service import Service, service
from tests.shared import DATA, GSM8K

ROWS = 100_000
MOVES = 300
_BETWEEN_S = 0.03


def main() -> None:
    """Print, for each phase, how long a row takes to be answered; and how long a moved limit takes."""
    if not GSM8K.is_file():
        print("drafts: the shared datasets are not beside the checkout")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        table = {
            "model": {"path": str(DATA / "tokenizers" / "smollm2")},
            "data": [{"path": str(_rows(path / "rows.jsonl"))}],
            "tokens": {"max_length": 512},
        }
        with service(path / "log") as one:
            _moving(one, table)
            _limits(one)


def _rows(path: Path) -> Path:
    """Grade-school questions, again and again, each with its number."""
    rows = [json.loads(line) for line in GSM8K.read_text().splitlines()]
    with path.open("w") as file:
        for number in range(ROWS):
            row = rows[number % len(rows)]
            file.write(json.dumps({"question": f"{number}. {row['question']}", "answer": row["answer"]}) + "\n")
    return path


class _Watch:
    """Notes which phase the opening is in."""

    def __init__(self, one: Service, number: int) -> None:
        self.rows, self.phase, self._began = 0, "opening", time.perf_counter()
        self.told = threading.Event()
        threading.Thread(target=self._follow, args=(one, number), daemon=True).start()

    def _follow(self, one: Service, number: int) -> None:
        while self.phase != "afterwards":
            answer = one.next(number, timeout=300)
            if isinstance(answer, p.Drafted):
                self.rows = answer.facts.rows
                self.phase = "measuring all rows" if answer.facts.complete else "measuring the first rows"
                print(f"drafts: {self.rows:,} rows are there after {time.perf_counter() - self._began:.1f} s")
                self.told.set()
            elif isinstance(answer, p.Measured):
                self.phase = "afterwards" if answer.complete else "reading all rows"
        print(f"drafts: all of them are measured after {time.perf_counter() - self._began:.1f} s")


def _moving(one: Service, table: dict[str, object]) -> None:
    watch = _Watch(one, one.send(p.Draft, table=table))
    watch.told.wait()
    chosen, took, after = random.Random(0), dict[str, list[float]](), 0
    while after < MOVES:
        phase, row = watch.phase, chosen.randint(1, watch.rows)
        began = time.perf_counter()
        one.ask(p.TokenRow, p.Tokens, draft=1, row=row, count=2000, limit=6000)
        took.setdefault(phase, []).append(1000 * (time.perf_counter() - began))
        after += phase == "afterwards"
        time.sleep(_BETWEEN_S)
    for phase, times in took.items():
        times.sort()
        p50, p99 = (times[min(len(times) - 1, len(times) * share // 100)] for share in (50, 99))
        line = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {times[-1]:.1f} ms"
        print(f"drafts: a row {phase} ({len(times)} times): {line}")


def _limits(one: Service) -> None:
    for limit in (256, 300, 1024):
        began = time.perf_counter()
        number = one.send(p.Draft, draft=1, changes={"tokens.max_length": limit})
        first = 0.0
        while True:
            answer = one.next(number)
            if isinstance(answer, p.Measured):
                first = first or time.perf_counter() - began
                if answer.complete:
                    break
        whole = time.perf_counter() - began
        print(f"drafts: max_length {limit}: {1000 * first:.0f} ms, with the ways of batching {1000 * whole:.0f} ms")


if __name__ == "__main__":
    main()
