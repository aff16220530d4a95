"""A sequence of a batch drawn in fewer, or more, cells than it has tokens. Knows numbers, not widgets.

A cell is of the kind that prevails among the tokens it stands for. A trained token is never lost among others: where a run of
them prevails nowhere, one cell says that a few are trained.
"""

from __future__ import annotations

from engine.token_facts import DocumentFact, LineFact

FEW, NOTHING = "f", " "
"""Kinds of a cell besides those of the protocol: few tokens are trained; nothing is computed."""


def cells_of(runs: list[tuple[str, int]], tokens: int, columns: int) -> str:
    """Return `columns` kinds of cells ("t", "f", "m", ".", " ") for a sequence in a rectangle `tokens` wide."""
    if tokens <= 0 or columns <= 0:
        return NOTHING * max(0, columns)
    # A token is `columns` units long and a cell `tokens`, so that every share is a whole number.
    shares: list[dict[str, int]] = [{} for _ in range(columns)]
    spans: list[tuple[int, int]] = []
    start = 0
    for kind, count in runs:
        end = min(start + count, tokens)
        first, last = start * columns // tokens, (end * columns - 1) // tokens
        for column in range(first, last + 1 if end > start else first):
            inside = min(end * columns, (column + 1) * tokens) - max(start * columns, column * tokens)
            shares[column][kind] = shares[column].get(kind, 0) + inside
        if kind == "t" and end > start:
            spans.append((first, last))
        start = end
    for column, share in enumerate(shares):
        if (rest := tokens - sum(share.values())) > 0:
            shares[column] = {**share, NOTHING: rest}
    order = "tm." + NOTHING
    kinds = [max(share, key=lambda kind: (share[kind], -order.find(kind))) for share in shares]
    for first, last in spans:
        if not any(kind in ("t", FEW) for kind in kinds[first : last + 1]):
            kinds[max(range(first, last + 1), key=lambda column: shares[column].get("t", 0))] = FEW
    return "".join(kinds)


def borders_of(documents: list[DocumentFact], kinds: str, tokens: int) -> dict[int, int]:
    """Columns where a row begins behind another one -> its index. A border hides no trained token's only cell."""
    found: dict[int, int] = {}
    for index, document in enumerate(documents[1:], 1):
        column = document.start * len(kinds) // max(1, tokens)
        for at in (column, column + 1):
            if at < len(kinds) and at not in found and kinds[at] not in ("t", FEW):
                found[at] = index
                break
        else:
            if 0 < column < len(kinds) and kinds[column - 1 : column + 1] == "tt" and column - 1 not in found:
                found[column] = index
    return found


def trained_within(line: LineFact, start: int, end: int) -> int:
    """Trained tokens of a sequence from one cell to before another."""
    at = found = 0
    for kind, count in line.cells:
        if kind == "t":
            found += max(0, min(end, at + count) - max(start, at))
        at += count
    return found
