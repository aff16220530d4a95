"""Browsing a JSON Lines file of a million rows: our service and screen beside `datasets` and textual's DataTable.

Each peer runs in a process of its own on the same file. LUTHIER_BENCH_ROWS sets another number of rows.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from bench.data_files import rows_file
from bench.data_screen import measure_screen

ROWS = int(os.environ.get("LUTHIER_BENCH_ROWS", "1000000"))
TABLE_ROWS = min(ROWS, 100_000)
"""DataTable takes so long a row that all of them would be minutes."""


class Service:
    """The engine service over pipes, asked one thing at a time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.service"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.number = 0
        self.others: list[dict[str, Any]] = []
        self.read()

    def read(self) -> dict[str, Any]:
        """The next answer."""
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def ask(self, wanted: str, **request: Any) -> dict[str, Any]:
        """Ask, and wait for the answer of this type; what comes between is kept in `others`."""
        assert self.process.stdin is not None
        self.number += 1
        self.process.stdin.write(json.dumps({"id": self.number, **request}).encode() + b"\n")
        self.process.stdin.flush()
        while True:
            answer = self.read()
            if answer["id"] == self.number and answer["type"] in (wanted, "failed"):
                assert answer["type"] == wanted, answer
                return answer
            self.others.append(answer)

    def wait_until_counted(self) -> dict[str, Any]:
        """Read until every row is known."""
        while True:
            answer = self.others.pop() if self.others else self.read()
            if answer["type"] == "grown" and answer.get("complete"):
                return answer


def main() -> None:
    """All of it on one file."""
    with tempfile.TemporaryDirectory() as folder:
        path = rows_file(Path(folder) / "million.jsonl", rows=ROWS)
        print(f"{ROWS:,} rows, {path.stat().st_size / 1e6:,.0f} MB")
        measure_service(path)
        measure_screen(path)
        measure_datasets(path, Path(folder) / "cache")
        measure_table(path)


def measure_service(path: Path) -> None:
    """First page, count, pages anywhere while counting and after, memory."""
    service = Service()
    memory = psutil.Process(service.process.pid)
    began = time.perf_counter()
    source = service.ask("opened", type="open", section={"path": str(path)})["source"]
    service.ask("rows", type="page", source=source, start=0, count=50)
    first_s = time.perf_counter() - began
    during = _pages(service, source, 50, lambda: 20_000)
    count = service.wait_until_counted()
    counted_s = time.perf_counter() - began
    after = _pages(service, source, 200, lambda: count["rows"])
    print(
        f"service: first page {first_s:.3f} s, all {count['rows']:,} rows counted {counted_s:.1f} s; a page anywhere "
        f"{_spread(during)} while counting, {_spread(after)} after; {memory.memory_info().rss / 1e6:.0f} MB"
    )
    began = time.perf_counter()
    service.ask("examined", type="examine", source=source)
    sample_s = time.perf_counter() - began
    busy = _pages(service, source, 100, lambda: count["rows"])
    while True:
        answer = service.others.pop() if service.others else service.read()
        if answer["type"] == "examined" and answer.get("complete"):
            break
    print(
        f"service: statistics and findings of a sample {sample_s:.1f} s, of all rows {time.perf_counter() - began:.0f} s; "
        f"a page meanwhile {_spread(busy)}; {memory.memory_info().rss / 1e6:.0f} MB"
    )
    service.process.kill()
    service.process.wait()


def _pages(service: Service, source: int, times: int, upto: Any) -> list[float]:
    generator = random.Random(1)
    taken = []
    for _ in range(times):
        start = generator.randrange(max(1, upto() - 50))
        began = time.perf_counter()
        service.ask("rows", type="page", source=source, start=start, count=50)
        taken.append(time.perf_counter() - began)
    return taken


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return f"{1e3 * statistics.median(ordered):.1f} ms (p99 {1e3 * ordered[len(ordered) * 99 // 100]:.1f})"


_DATASETS = """
import sys, time, psutil
began = time.perf_counter()
import datasets
datasets.disable_progress_bars()
rows = datasets.load_dataset("json", data_files=sys.argv[1], cache_dir=sys.argv[2], split="train")
first = rows[0:50]
print(f"datasets.load_dataset: first rows {time.perf_counter() - began:.1f} s; {psutil.Process().memory_info().rss / 1e6:.0f} MB")
"""

_TABLE = """
import json, sys, time, psutil
from textual.app import App
from textual.widgets import DataTable
class Peer(App):
    def compose(self):
        yield DataTable()
    def on_mount(self):
        table = self.query_one(DataTable)
        with open(sys.argv[1]) as file:
            rows = [tuple(str(v)[:200] for v in json.loads(next(file)).values()) for _ in range(int(sys.argv[2]))]
        table.add_columns("question", "answer", "source")
        table.add_rows(rows)
        self.call_after_refresh(self.exit)
began = time.perf_counter()
Peer().run(headless=True, size=(120, 36))
seconds = time.perf_counter() - began
memory = psutil.Process().memory_info().rss / 1e6
print(f"textual DataTable: {int(sys.argv[2]):,} rows on the screen after {seconds:.1f} s; {memory:.0f} MB")
"""


def measure_datasets(path: Path, cache: Path) -> None:
    """`datasets` in a process of its own, with an empty cache."""
    subprocess.run([sys.executable, "-c", _DATASETS, str(path), str(cache)], check=True, stderr=subprocess.DEVNULL)


def measure_table(path: Path) -> None:
    """DataTable in a process of its own."""
    subprocess.run([sys.executable, "-c", _TABLE, str(path), str(TABLE_ROWS)], check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
