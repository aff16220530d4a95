"""Datasets of the Hugging Face hub: found, stored or streamed through `datasets`, offline from its cache.

Nothing here runs code of a dataset. Every failure is one sentence with its cure, and none takes minutes: what is asked of
the hub before rows flow has a limit of its own.
"""

from __future__ import annotations

import functools
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from engine.config.data import DataSection
from engine.data.hub_cache import from_cache
from engine.data.hub_errors import explain, is_unreachable, unreachable
from engine.data.hub_tables import HubTable, StreamTable
from engine.errors import DataError

PROBE_S = 10.0
"""How long the hub may take to say that a dataset is there."""
LOOK_S = 60.0
"""How long it may take to list a dataset's files and splits."""
RETRIES, RETRY_S = 3, 2

T = TypeVar("T")


class Found(NamedTuple):
    """A dataset and one of its subsets."""

    builder: Any
    splits: list[str]
    commit: str
    note: str
    """What a person should know: that the rows come from the cache, for example."""


def hub_table(section: DataSection) -> HubTable | StreamTable:
    """Open the dataset that a section names: stored (and downloaded first where it is not), or as a stream.

    Raises DataError with a cure: not found, gated, no such subset, split or revision, offline, no network, a script.
    """
    name = section.path
    found = _found(name, section.subset, section.revision)
    split = choose_split(section.split, found.splits, name)
    parts = [name, *([section.subset] if section.subset else []), split]
    try:
        if section.streaming and not _stored(found.builder):
            rows = found.builder.as_streaming_dataset(split=split).with_format("arrow").take(section.max_rows or 1)
            stream = functools.partial(explain, name=name)
            return StreamTable(parts, found.commit, rows.iter(batch_size=StreamTable.BATCH), stream, found.note)
        found.builder.download_and_prepare()
        dataset = found.builder.as_dataset(split=split)
    except Exception as error:
        raise explain(error, name, section.revision) from error
    return HubTable(parts, found.commit, dataset, found.note)


def splits_of(name: str, subset: str | None = None, revision: str | None = None) -> list[str]:
    """The names of the splits of a dataset. Raises DataError."""
    return list(_found(name, subset, revision).splits)


def choose_split(wanted: str | None, splits: list[str], name: str) -> str:
    """The split to read: the one that is asked for, else "train", else the only one. Raises DataError."""
    if wanted is None and ("train" in splits or len(splits) == 1):
        return "train" if "train" in splits else splits[0]
    if wanted in splits:
        return str(wanted)
    known = ", ".join(splits) or "none"
    if wanted is None:
        raise DataError(f"{name} has no split train; say which of {known} with `split`.")
    raise DataError(f"{name} has no split {wanted!r}; it has {known}.")


def library() -> Any:
    """The `datasets` library, quiet and impatient."""
    import datasets
    import huggingface_hub

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.CRITICAL)  # what goes wrong is said by the errors
    huggingface_hub.logging.set_verbosity(logging.CRITICAL)
    datasets.config.TORCH_AVAILABLE = False  # else a stream imports torch, of which it makes no use
    datasets.config.STREAMING_READ_MAX_RETRIES = datasets.config.STREAMING_OPEN_MAX_RETRIES = RETRIES
    datasets.config.STREAMING_READ_RETRY_INTERVAL = datasets.config.STREAMING_OPEN_RETRY_INTERVAL = RETRY_S
    datasets.config.STREAMING_READ_SERVER_UNAVAILABLE_RETRY_INTERVAL = RETRY_S
    return datasets


@functools.lru_cache(maxsize=8)  # a table and its held-out rows ask for the same dataset within a second
def _found(name: str, subset: str | None, revision: str | None) -> Found:
    datasets = library()
    if name in _own_loaders():  # "json" and the like are names of readers, and would read files from here
        raise DataError(f"There is no dataset {name!r} on the hub: that is the name of a reader.")
    if datasets.config.HF_HUB_OFFLINE:
        return _cached(name, subset, revision, "Offline mode is on (HF_HUB_OFFLINE)")
    try:
        commit = _within(PROBE_S, lambda: _commit(name, revision))
        return _within(LOOK_S, lambda: _on_hub(name, subset, commit))
    except DataError:
        raise
    except Exception as error:
        if not is_unreachable(error):
            raise explain(error, name, revision) from error
    try:
        return _cached(name, subset, revision, "The hub cannot be reached")
    except DataError as error:
        raise DataError(unreachable(name)) from error


def _cached(name: str, subset: str | None, revision: str | None, why: str) -> Found:
    builder = from_cache(name, subset, revision, why)
    return Found(builder, list(builder.info.splits or {}), builder.hash, f"{why}: the rows come from the cache")


def _commit(name: str, revision: str | None) -> str:
    """The commit that a revision is now. Raises what huggingface_hub raises."""
    import datasets
    from huggingface_hub import HfApi

    api = HfApi(endpoint=datasets.config.HF_ENDPOINT)
    return str(api.dataset_info(name, revision=revision, timeout=PROBE_S).sha)


def _on_hub(name: str, subset: str | None, commit: str) -> Found:
    """Raises DataError for an unknown subset, and what `datasets` raises for the rest."""
    import datasets

    place = f"hf://datasets/{name}"  # never a folder of that name beside us
    try:
        builder = datasets.load_dataset_builder(place, subset, revision=commit)
    except ValueError as error:
        names = datasets.get_dataset_config_names(place, revision=commit)
        if subset is None and len(names) > 1:
            raise DataError(f"{name} has several subsets; say which with `subset`: {_listed(names)}.") from error
        if subset is not None and subset not in names:
            raise DataError(f"{name} has no subset {subset!r}; it has {_listed(names)}.") from error
        raise
    if builder.hash != commit:
        raise ConnectionError(f"{name} was found in the cache only")
    if builder.info.splits:
        splits = list(builder.info.splits)
    else:
        splits = list(datasets.get_dataset_split_names(place, builder.config.name, revision=commit))
    return Found(builder, splits, commit, "")


def _listed(names: list[str], most: int = 20) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _stored(builder: Any) -> bool:
    from datasets.packaged_modules.cache.cache import Cache

    return isinstance(builder, Cache)


def _own_loaders() -> set[str]:
    from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES

    return set(_PACKAGED_DATASETS_MODULES)


def _within(seconds: float, work: Callable[[], T]) -> T:
    """The result of `work`, or TimeoutError. A request that hangs (in a name server, for example) is left behind."""
    done: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(1)

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised again below, where the caller waits
            done.put((None, error))

    threading.Thread(target=run, daemon=True, name="hub").start()
    try:
        result, error = done.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]
