"""Rows that come as tokens. They go to the model as they are: no template, no tokenizer, the labels that they bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.data.base import Counts, Format
from engine.data.conversation import Conversation, TokenIds
from engine.data.rows import Row
from engine.data.turns import Columns, RowError, kind_of

IGNORE = -100
HIGHEST = 2**31 - 1


@dataclass(frozen=True)
class TokenIdsFormat(Format):
    """`input_ids`, perhaps `labels` (-100 where a token is not learned; without them all are) and `attention_mask`.

    Positions that the mask hides at the ends are padding and are dropped.
    """

    ids: str

    @property
    def roles(self) -> Mapping[str, str]:
        return {"ids": self.ids, "labels?": "labels", "mask?": "attention_mask"}

    @property
    def synonyms(self) -> Mapping[str, Sequence[str]]:
        return {"ids": ("input_ids", "token_ids", "tokens", "ids")}

    def convert(self, row: Row, columns: Columns, counts: Counts = None) -> list[Conversation]:
        ids = _whole(row, columns["ids"], 0)
        labels, mask = row.values.get(columns["labels"]), row.values.get(columns["mask"])
        if labels is not None:
            labels = _whole(row, columns["labels"], IGNORE)
            self._check(ids, labels, columns["labels"], columns["ids"])
        if mask is not None:
            start, stop = self._seen(_whole(row, columns["mask"], 0, bool), ids, columns["mask"], columns["ids"])
            if counts is not None and stop - start < len(ids):
                counts["positions of padding"] += len(ids) - (stop - start)
            ids, labels = ids[start:stop], labels[start:stop] if labels is not None else None
        tokens = TokenIds(tuple(ids), tuple(ids if labels is None else labels))
        return [Conversation(row.origin, (), row.values, tokens=tokens)]

    @staticmethod
    def _check(ids: list[int], labels: list[int], name: str, of: str) -> None:
        if len(labels) != len(ids):
            raise RowError(
                f"column {name!r} has {len(labels)} entries and {of!r} {len(ids)}: each token needs its label"
            )
        others = [label for label, token in zip(labels, ids, strict=True) if label != token and label != IGNORE]
        if not others:
            return
        wrong = next((label for label in others if label < 0), None)
        if wrong is not None:
            raise RowError(
                f"column {name!r} holds {wrong}; a label is a token's id, or {IGNORE} where it is not learned"
            )
        if all(label in (IGNORE, token) for label, token in zip(labels, ids[1:], strict=False)):
            raise RowError(
                f"column {name!r} is shifted by one token: here a label stands at its own token, not before it"
            )

    @staticmethod
    def _seen(mask: list[int], ids: list[int], name: str, of: str) -> tuple[int, int]:
        """The stretch that the mask shows."""
        if len(mask) != len(ids):
            raise RowError(f"column {name!r} has {len(mask)} entries and {of!r} {len(ids)}: they must be as many")
        if max(mask, default=0) > 1:
            raise RowError(
                f"column {name!r} holds {max(mask)}; it may hold 1 where a token is seen and 0 where it is not"
            )
        count = sum(mask)
        start = mask.index(1) if count else 0
        if any(entry == 0 for entry in mask[start : start + count]):
            where = mask.index(0, start)
            raise RowError(
                f"column {name!r} hides position {where} between tokens; only padding at the ends can be hidden"
            )
        return start, start + count


def _whole(row: Row, column: str, lowest: int, also: type = int) -> list[int]:
    value: Any = row.values.get(column)
    if not isinstance(value, list) or set(map(type, value)) - {int, also}:
        other = (
            next((item for item in value if type(item) not in (int, also)), None) if isinstance(value, list) else value
        )
        inside = "holds " if isinstance(value, list) else "is "
        raise RowError(f"column {column!r} {inside}{kind_of(other)}, not a list of whole numbers")
    if value and (min(value) < lowest or max(value) > HIGHEST):
        worst = min(value) if min(value) < lowest else max(value)
        raise RowError(f"column {column!r} holds {worst}, which is no token id")
    return value
