"""A checkpoint is whole or it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ResourceError
from engine.train import checkpoint


def fill(folder: Path) -> None:
    (folder / "weights").mkdir()
    (folder / "weights" / "a.safetensors").write_bytes(b"abc" * 100)


def test_write_verify_newest_and_prune(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        saved = checkpoint.write(tmp_path, step, {"seq": step}, fill)
    assert saved.step == 30
    assert saved.state() == {"seq": 30, "step": 30}
    assert checkpoint.newest(tmp_path) == saved
    (tmp_path / "tmp-40-dead").mkdir()
    checkpoint.prune(tmp_path, 2, saved)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000020", "step-00000030"]


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove", "manifest"])
def test_loading_walks_back_over_damage(tmp_path: Path, damage: str) -> None:
    checkpoint.write(tmp_path, 1, {}, fill)
    path = checkpoint.write(tmp_path, 2, {}, fill).path
    file = path / "weights" / "a.safetensors"
    if damage == "truncate":
        file.write_bytes(b"ab")
    elif damage == "flip":
        file.write_bytes(b"abd" + file.read_bytes()[3:])
    elif damage == "remove":
        file.unlink()
    else:
        (path / checkpoint.MANIFEST).write_text('{"step": 2, "fil')
    found = checkpoint.newest(tmp_path)
    assert found is not None
    assert found.step == 1
    again = checkpoint.write(tmp_path, 2, {}, fill)
    assert checkpoint.newest(tmp_path) == again


def test_what_is_newer_and_torn_never_outlives_what_is_whole(tmp_path: Path) -> None:
    torn = checkpoint.write(tmp_path, 50, {}, fill).path
    (torn / checkpoint.MANIFEST).unlink()
    current = checkpoint.write(tmp_path, 40, {}, fill)
    checkpoint.prune(tmp_path, 1, current)
    assert checkpoint.newest(tmp_path) == current
    assert not torn.exists()


@pytest.mark.parametrize("message", ["Error while serializing: I/O error: No space left on device (os error 28)"])
def test_a_full_disk_in_the_words_of_safetensors(tmp_path: Path, message: str) -> None:
    from safetensors import SafetensorError

    def full_disk(folder: Path) -> None:
        raise SafetensorError(message)

    with pytest.raises(ResourceError, match="No space left"):
        checkpoint.write(tmp_path, 2, {}, full_disk)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_older_one_and_no_rubbish(tmp_path: Path) -> None:
    old = checkpoint.write(tmp_path, 1, {}, fill)

    def full_disk(folder: Path) -> None:
        (folder / "x").write_bytes(b"1")
        raise OSError(28, "No space left on device")

    with pytest.raises(ResourceError, match="No space left for the checkpoint of step 2"):
        checkpoint.write(tmp_path, 2, {}, full_disk)
    assert checkpoint.newest(tmp_path) == old
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000001"]
