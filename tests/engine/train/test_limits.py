"""Limits: allocations beyond them fail, everything else goes on."""

from __future__ import annotations

import mmap
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch

from engine.config.runfile import RunFile
from engine.errors import ResourceError
from engine.plan.device import group_limits
from engine.runs.launcher import worker_environment
from engine.train.limits import MemoryLimit
from engine.train.oom import is_out_of_memory
from tests.engine.train.training import CPU, run_file

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts private memory")
MIB = 1 << 20


def take(mib: int) -> torch.Tensor:
    """Memory that is really used."""
    return torch.ones(mib * MIB, dtype=torch.uint8)


@pytest.fixture
def limited(tiny_model: Path, rows_file: Path) -> Iterator[MemoryLimit]:
    """This process with room for 256 MiB more than it has."""
    resident = psutil.Process().memory_info().rss
    limit = MemoryLimit(run_of(tiny_model, rows_file, f"{resident // MIB + 256}MiB"), CPU)
    limit.guard_process()
    yield limit
    limit.release()


def run_of(model: Path, rows: Path, memory_limit: str | None) -> RunFile:
    return run_file(model, rows, train={"memory_limit": memory_limit})


def test_what_is_beyond_fails_and_what_is_within_does_not(limited: MemoryLimit) -> None:
    held = take(128)
    with pytest.raises(RuntimeError) as info:
        take(256)
    assert is_out_of_memory(info.value)
    with pytest.raises(MemoryError):
        bytearray(256 * MIB)
    del held
    take(192)
    assert psutil.Process().memory_info().rss < limited.bytes
    limited.release()
    take(320)


def test_it_harms_no_thread_no_child_and_no_file(limited: MemoryLimit, tmp_path: Path) -> None:
    """Stacks are mostly empty, a child counts for itself, and a file that is read is no memory."""
    done = []
    threads = [threading.Thread(target=done.append, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4
    child = subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True, check=False)
    assert child.stdout == "42\n", child.stderr
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(512 * MIB)
    with large.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        assert view[-1] == 0


def test_there_is_room_for_words(limited: MemoryLimit) -> None:
    held: list[torch.Tensor] = []
    with pytest.raises(RuntimeError):
        held.extend(take(16) for _ in range(32))
    with limited.lifted():
        held.append(take(16))
    with pytest.raises(RuntimeError):
        take(64)


def test_without_a_limit_it_is_what_the_machine_has(tiny_model: Path, rows_file: Path) -> None:
    limit = MemoryLimit(run_of(tiny_model, rows_file, None), CPU)
    limit.guard_process()
    try:
        assert 0 < limit.bytes <= psutil.virtual_memory().total
        assert "this machine" in limit.sentence()
        with pytest.raises(RuntimeError):
            torch.empty(psutil.virtual_memory().total * 2, dtype=torch.uint8)
        take(64)
    finally:
        limit.release()


def test_a_limit_below_what_is_taken_is_said(tiny_model: Path, rows_file: Path) -> None:
    limit = MemoryLimit(run_of(tiny_model, rows_file, "0.05GB"), CPU)
    with pytest.raises(ResourceError, match=r'47\.7 MiB are allowed \(train\.memory_limit = "0\.05GB"\)'):
        limit.guard_process()


def test_an_allocator_that_saves_memory_gives_large_blocks_back() -> None:
    """In a process of its own: small tensors between large ones keep the heap from shrinking, until it is told."""
    code = """
import psutil, torch
from engine.train.device import save_memory

def kept():
    large = [torch.ones(20 << 20, dtype=torch.uint8) for _ in range(4)]
    del large  # the allocator learns that blocks of this size come and go
    before = psutil.Process().memory_info().rss
    pairs = [(torch.ones(12 << 20, dtype=torch.uint8), torch.ones(4096)) for _ in range(8)]
    small = [small for _, small in pairs]
    del pairs
    return (psutil.Process().memory_info().rss - before) >> 20

before = kept()
save_memory()
print(before, kept())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=worker_environment()
    )
    before, after = done.stdout.split()
    assert int(before) > 30
    assert int(after) < 16


@pytest.mark.parametrize("version", [1, 2])
def test_limits_of_nested_groups_are_found(tmp_path: Path, version: int) -> None:
    """A job scheduler limits a group in a group; what is above the process counts as well."""
    told = tmp_path / "cgroup"
    told.write_text("0::/jobs/one/step" if version == 2 else "9:cpu:/other\n4:memory:/jobs/one/step\n0::/\n")
    name, none = ("memory.max", "max") if version == 2 else ("memory.limit_in_bytes", "9223372036854771712")
    tree = tmp_path if version == 2 else tmp_path / "memory"
    (tree / "jobs/one/step").mkdir(parents=True)
    for folder, limit in (("jobs/one/step", none), ("jobs/one", "2147483648")):
        (tree / folder / name).write_text(f"{limit}\n")
    assert min(group_limits(told, tmp_path)) == 1 << 31
    assert group_limits(tmp_path / "none", tmp_path) == []
