"""Datasets of the hub that are stored on this machine already, found without a network.

The cache of `datasets` is $HF_DATASETS_CACHE/owner___name/SUBSET/VERSION/COMMIT. A revision that is asked for is the one
that is opened: never another that happens to be there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from engine.data.hub_errors import not_cached
from engine.errors import DataError

NEWEST = "main"
"""The revision that is meant where none is named."""


class Stored(NamedTuple):
    """A dataset in the cache."""

    subset: str
    version: str
    commit: str
    folder: Path


def stored(name: str) -> list[Stored]:
    """What is stored of a dataset, the newest first."""
    import datasets.config
    from datasets.naming import camelcase_to_snakecase

    *owner, last = name.split("/")
    root = Path(os.path.expanduser(datasets.config.HF_DATASETS_CACHE)) / "___".join(
        [*owner, camelcase_to_snakecase(last)]
    )
    found = []
    for info in root.glob("*/*/*/dataset_info.json"):
        folder = info.parent
        subset, version, commit = folder.parts[-3:]
        if _subset_in(info) == subset:  # else it was made with arguments of its own
            found.append((folder.stat().st_mtime, Stored(subset, version, commit, folder)))
    return [item for _, item in sorted(found, key=lambda pair: (-pair[0], pair[1]))]


def from_cache(name: str, subset: str | None, revision: str | None, why: str) -> Any:
    """The builder of a stored dataset. Raises DataError when it is not stored, or not this subset or revision of it."""
    from datasets.packaged_modules.cache.cache import Cache

    there = stored(name)
    if not there:
        raise DataError(not_cached(name, why))
    wanted = _commit(name, revision) if revision and revision != NEWEST else ""
    matching = [item for item in there if item.commit.startswith(wanted)]
    if not matching:
        raise DataError(
            f"{why}, and of {name} the cache has {', '.join(dict.fromkeys(item.commit[:12] for item in there))}, not the "
            f"revision {revision!r}."
        )
    names = sorted({item.subset for item in matching})
    if subset is None:
        subset = names[0] if len(names) == 1 else "default"
    chosen = next((item for item in matching if item.subset == subset), None)
    if chosen is None:
        raise DataError(
            f"{why}, and of {name} only the subset {', '.join(names)} is in the cache: name it with `subset`."
        )
    return Cache(
        repo_id=name,
        dataset_name=name.split("/")[-1],
        config_name=chosen.subset,
        version=chosen.version,
        hash=chosen.commit,
    )


def _subset_in(info: Path) -> str:
    try:
        return str(json.loads(info.read_text(encoding="utf-8")).get("config_name"))
    except (OSError, ValueError):
        return ""


def _commit(name: str, revision: str) -> str:
    """The commit of a branch or tag, where the cache of the hub remembers it; else the revision itself."""
    from huggingface_hub.constants import HF_HUB_CACHE

    try:
        folder = "datasets--" + name.replace("/", "--")
        return (Path(HF_HUB_CACHE) / folder / "refs" / revision).read_text(encoding="utf-8").strip()
    except OSError:
        return revision
