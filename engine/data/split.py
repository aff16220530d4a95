"""Which rows are held out. Deterministic: the same data, seed and size give the same split.

Rows that belong together stay on one side: the conversations of one row, and, with `group_by`, all rows with one value.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence, Sized
from dataclasses import dataclass

from engine.config.tokens import SplitSection
from engine.data.conversation import Conversation
from engine.data.mixture import apportion
from engine.errors import DataError


@dataclass(frozen=True, slots=True)
class Part:
    """A source as the split sees it."""

    conversations: Sequence[Conversation]
    given: Sequence[Conversation] | None = None
    """Held-out conversations that the source brings itself; nothing is drawn from it then."""
    rows_of: str = ""
    """What the rows are known by; parts that read the same rows keep each of them on one side."""


def divide(parts: Sequence[Part], split: SplitSection) -> tuple[list[int], list[int]]:
    """Return (train, test) indices into all conversations: those of the first part, then its given ones, then the next part's.

    Raises DataError when nothing would be left to train on, or when no row has the `group_by` column.
    """
    train: list[int] = []
    test: list[int] = []
    drawn: list[tuple[int, list[int]]] = []
    offset = 0
    for number, part in enumerate(parts):
        own = list(range(offset, offset + len(part.conversations)))
        offset += len(own)
        if part.given is None:
            drawn.append((number, own))
        else:
            train += own
            test += range(offset, offset + len(part.given))
            offset += len(part.given)
    apart = split.stratify and split.group_by is None  # a group may have rows in several sources
    together: dict[str, list[tuple[int, list[int]]]] = {}
    for number, own in drawn:
        together.setdefault((parts[number].rows_of or str(number)) if apart else "", []).append((number, own))
    pools = [_groups(parts, pool, split) for pool in together.values()]
    for pool, chosen in zip(pools, draw(pools, split), strict=True):
        held_out = set(chosen)
        train += [index for i, group in enumerate(pool) if i not in held_out for index in group]
        test += [index for i in held_out for index in pool[i]]
    if not train:
        raise DataError("The split leaves no row to train on. Use a smaller split.test_size, or 0 to hold out none.")
    return sorted(train), sorted(test)


def draw(pools: Sequence[Sequence[Sized]], split: SplitSection) -> list[list[int]]:
    """Of each pool of groups, which are held out. Only the sizes of the groups count.

    Raises DataError when nothing would be left to train on.
    """
    return [_chosen(pool, wanted, split) for pool, wanted in zip(pools, _wanted(pools, split), strict=True)]


def _groups(parts: Sequence[Part], pool: list[tuple[int, list[int]]], split: SplitSection) -> list[list[int]]:
    groups: dict[tuple[str, str], list[int]] = {}
    for number, indices in pool:
        for index, conversation in zip(indices, parts[number].conversations, strict=True):
            groups.setdefault(
                ("" if split.group_by else parts[number].rows_of or str(number), group_of(conversation, split)), []
            ).append(index)
    return list(groups.values())


def group_of(conversation: Conversation, split: SplitSection) -> str:
    """What keeps a conversation together with others: the value of the `group_by` column, else its row.

    Raises DataError when the row does not have the column.
    """
    if split.group_by is None:
        return conversation.origin
    if split.group_by not in conversation.values:
        raise DataError(
            f"{conversation.origin} has no column {split.group_by!r}, which split.group_by names. "
            f"It has {', '.join(map(repr, conversation.values)) or 'none'}."
        )
    return json.dumps(conversation.values[split.group_by], sort_keys=True, default=str)


def _wanted(pools: Sequence[Sequence[Sized]], split: SplitSection) -> list[int]:
    """How many rows each pool holds out; a whole number is shared out by their sizes."""
    sizes = [sum(len(group) for group in pool) if split.group_by else len(pool) for pool in pools]
    total, size = sum(sizes), split.test_size
    wanted = max(1, round(total * size)) if isinstance(size, float) and 0 < size < 1 else int(size)
    if wanted >= total > 0:
        raise DataError(
            f"split.test_size = {size} holds out {wanted} of {total} rows and leaves none to train on. "
            "Use a smaller size, or 0 to hold out none."
        )
    return apportion(wanted, [rows / total for rows in sizes]) if total else [0] * len(pools)


def _chosen(groups: Sequence[Sized], wanted: int, split: SplitSection) -> list[int]:
    """Groups to hold out: drawn until they hold the wanted number of rows. One is always left to train on."""
    order = list(range(len(groups)))
    if split.shuffle:
        random.Random(split.seed).shuffle(order)
    else:
        order.reverse()
    chosen: list[int] = []
    taken = 0
    for index in order[: len(groups) - 1]:
        if taken >= wanted:
            break
        chosen.append(index)
        taken += len(groups[index]) if split.group_by else 1
    return sorted(chosen)
