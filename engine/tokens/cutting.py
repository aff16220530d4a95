"""What happens to a row that is longer than max_length. Tokens in = tokens in its sequences + tokens reported cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.errors import DataError
from engine.tokens.encoded import IGNORE, Encoded, Int32, Truncation
from engine.tokens.findings import LEFT_OUT


def keeps_bos(row: Encoded, bos: int | None) -> bool:
    """Whether a cut on the left keeps the first token: a BOS that the tokenizer added, or that a template wrote by itself.

    In a template's words it is kept where it is in the row once; one that stands there often opens a turn.
    """
    if bos is None or not len(row.ids) or row.ids[0] != bos:
        return False
    once = int((row.ids == bos).sum()) == 1
    if row.rendered.tokens is not None:
        return once
    if row.segments[0] < 0:
        return True
    alone = len(row.ids) == 1 or bool(row.segments[1] != row.segments[0])
    return (alone or once) and row.rendered.segments[row.segments[0]].role == "template"


def cut_row(row: Encoded, max_length: int, truncation: Truncation, bos: int | None) -> list[Encoded]:
    """The sequences of a whole row. Raises DataError with truncation = "error" where it is too long."""
    length = len(row.ids)
    if length <= max_length:
        return [row]
    if truncation == "error":
        raise DataError(
            f"{row.origin} has {length} tokens and tokens.max_length is {max_length}. "
            'Raise it, or choose another tokens.truncation than "error".'
        )
    if truncation == "drop":
        return [_part(row, 0, 0, length, "dropped")]
    if truncation == "right":
        return [_part(row, 0, max_length, length - max_length, "cut")]
    if truncation == "left":
        kept_bos = keeps_bos(row, bos)
        return [_part(row, length - max_length + kept_bos, length, length - max_length, "cut", kept_bos)]
    starts = range(0, length, max_length)
    return [_part(row, start, min(start + max_length, length), 0, "split") for start in starts]


def _part(row: Encoded, start: int, stop: int, cut: int, rule: str, with_first: bool = False) -> Encoded:
    part = slice(start, stop)
    arrays = [row.ids[part], row.labels[part], row.spans[part], row.segments[part]]
    if with_first:
        arrays = [np.concatenate([a[:1], b]) for a, b in zip(_arrays(row), arrays, strict=True)]
    ids, labels, spans, segments = arrays
    if len(labels) and labels[0] != IGNORE:
        labels = labels.copy()
        labels[0] = IGNORE  # nothing stands before it that could predict it
    findings = [rule_ for rule_ in row.findings if rule_ not in LEFT_OUT] + [rule]
    if rule == "cut":
        findings += _lost(row, start if with_first else start + 1, stop)
    if rule != "dropped" and not (labels != IGNORE).any():
        findings.append("no_trained_token")
    return replace(
        row,
        ids=ids,
        labels=labels,
        spans=spans,
        segments=segments,
        start=start,
        stop=stop,
        cut=cut,
        findings=tuple(dict.fromkeys(findings)),
    )


def _arrays(row: Encoded) -> list[Int32]:
    return [row.ids, row.labels, row.spans, row.segments]


def _lost(row: Encoded, first: int, stop: int) -> list[str]:
    """What a cut takes of the answers, where the labels from `first` to before `stop` are left. A first token has none."""
    trained = np.flatnonzero(row.labels != IGNORE)
    if not len(trained) or (trained[0] >= first and trained[-1] < stop):
        return []
    if trained[-1] < stop or "missing_eos" in row.findings:
        return ["answer_cut"]
    only_the_end = trained[0] >= first and (len(trained) == 1 or trained[-2] < stop)
    return ["eos_cut"] if only_the_end else ["answer_cut", "eos_cut"]
