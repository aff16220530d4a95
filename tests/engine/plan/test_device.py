"""Amounts of memory, and devices that have them."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from engine.config.sizes import parse_size, spell_size
from engine.errors import ConfigError
from engine.plan import device as devices
from engine.plan.device import named_device, this_device


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("24GB", 24 * 10**9),
        ("24GiB", 24 * 2**30),
        ("24 gb", 24 * 10**9),
        ("7.5GiB", 15 * 2**29),
        ("0.1GB", 10**8),
        ("512M", 512 * 10**6),
        ("512Mi", 512 * 2**20),
        ("1.5TB", 15 * 10**11),
    ],
)
def test_units_mean_what_they_say(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["24", "GB", "24GBs", "-3GB", "1e3GB", "24 KB", "", "0GB"])
def test_what_is_no_amount_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match="24GB"):
        parse_size(text)


def test_amounts_are_spelled_with_three_digits() -> None:
    assert [spell_size(n) for n in (500, 1 << 10, 812 << 20, int(5.314 * 2**30), 140 << 30)] == [
        "500 bytes",
        "1.00 KiB",
        "812 MiB",
        "5.31 GiB",
        "140 GiB",
    ]


def test_a_named_device_is_a_gpu_of_just_that_size() -> None:
    facts = named_device("24GB")
    assert (facts.kind, facts.bytes) == ("cuda", 24 * 10**9)
    assert named_device("24GB", "10GiB").bytes == 10 * 2**30
    with pytest.raises(ConfigError, match="--device"):
        named_device("big")


def test_a_machine_without_a_gpu_has_what_its_control_group_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices.torch.cuda, "is_available", lambda: False)
    limit = tmp_path / "memory.max"
    (tmp_path / "groups").write_text("0::/\n")
    monkeypatch.setattr(devices, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(devices, "GROUP_TREE", tmp_path)
    total = psutil.virtual_memory().total
    assert this_device().bytes == total
    limit.write_text("max\n")
    assert this_device().bytes == total
    limit.write_text(f"{1 << 30}\n")
    assert this_device().bytes == 1 << 30
    assert this_device("512MiB").bytes == 512 << 20
    assert this_device("2GiB").bytes == 1 << 30
    assert this_device().kind == "cpu"
