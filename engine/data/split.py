"""Which rows are held out. Deterministic: the same data, seed and size give the same split."""

from __future__ import annotations

import random
from collections.abc import Sequence

from engine.config.tokens import SplitSection
from engine.data.conversation import Conversation
from engine.errors import DataError


def split_rows(count: int, split: SplitSection) -> tuple[list[int], list[int]]:
    """Return (train, test) row indices in the order of the data.

    Raises DataError when nothing would be left to train on.
    """
    size = split.test_size
    held_out = round(count * size) if isinstance(size, float) and size < 1 else int(size)
    if isinstance(size, float) and 0 < size < 1:
        held_out = max(1, held_out)
    if held_out >= count:
        raise DataError(
            f"split.test_size = {size} holds out {held_out} of {count} rows and leaves none to train on. "
            "Use a smaller size, or 0 to hold out none."
        )
    order = list(range(count))
    if split.shuffle:
        random.Random(split.seed).shuffle(order)
        test, train = sorted(order[:held_out]), sorted(order[held_out:])
    else:
        train, test = order[: count - held_out], order[count - held_out :]
    return train, test


def split_conversations(sources: Sequence[Sequence[Conversation]], split: SplitSection) -> tuple[list[int], list[int]]:
    """Return (train, test) indices into all conversations, one source after another.

    The conversations of one row stay on one side: a thread of a tree must not be learned and tested on.
    Raises DataError when nothing would be left to train on.
    """
    rows = [(number, c.origin) for number, conversations in enumerate(sources) for c in conversations]
    groups = list(dict.fromkeys(rows))
    held_out = {groups[i] for i in split_rows(len(groups), split)[1]}
    train = [i for i, row in enumerate(rows) if row not in held_out]
    test = [i for i, row in enumerate(rows) if row in held_out]
    return train, test
