"""Laying sequences into a rectangle: ids, labels, positions, and which row each cell belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.config.tokens import TokensSection
from engine.tokens.encoded import IGNORE
from engine.tokens.sequences import Piece, Sequences

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Padding:
    """What fills a rectangle, and how wide it is."""

    id: int
    side: Literal["right", "left"] = "right"
    multiple: int = 1
    """The width is a multiple of it."""
    least: int = 0
    """The width is never less; 0 for as wide as the longest sequence."""

    def width(self, longest: int) -> int:
        """Cells of a sequence, where the longest one has so many tokens."""
        return max(self.least, -(-longest // self.multiple) * self.multiple)


def padding_of(tokens: TokensSection, max_length: int, padding_id: int) -> Padding:
    """The padding that a run file asks for."""
    least = max_length if tokens.padding == "max_length" else 0
    return Padding(padding_id, tokens.padding_side, tokens.pad_to_multiple_of, least)


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences in a rectangle. All arrays have shape [B, T].

    `documents` numbers the rows within a sequence from 1, 0 is padding; `positions` restart with each document and are 0 in
    the padding.
    """

    ids: Int64
    labels: Int64
    positions: Int64
    documents: Int64
    origins: tuple[tuple[str, ...], ...]
    """Where the rows in each of the B sequences stand."""
    rows: tuple[tuple[int, ...], ...]
    """Which rows they are, as indices among all rows."""
    padding: Padding

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return int((self.documents > 0).sum())

    @property
    def supervised_tokens(self) -> int:
        """Tokens the loss is computed on."""
        return int((self.labels != IGNORE).sum())

    @property
    def packed(self) -> bool:
        """Whether a sequence holds more than one row."""
        return bool((self.documents > 1).any())

    @property
    def needs_positions(self) -> bool:
        """Whether positions must be given to a model: they keep rows apart, and what stands before a row is padding."""
        return self.packed or bool((self.documents[:, :1] == 0).any())

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits over ids, labels, positions and documents; the same however the batch is cut."""
        digest = hashlib.blake2b(digest_size=6)
        for array in (self.ids, self.labels, self.positions, self.documents):
            digest.update(np.array(array.shape, dtype="<i8").tobytes())
            digest.update(array.astype("<i8").tobytes())
        return digest.hexdigest()

    def micro_batches(self, size: int) -> list[Batch]:
        """Cut into batches of `size` sequences, each only as wide as its longest sequence and the padding rule ask for."""
        used = (self.documents > 0).sum(axis=1)
        out = []
        for start in range(0, len(self.ids), size):
            part = slice(start, start + size)
            width = self.padding.width(int(used[part].max()))
            columns = slice(self.ids.shape[1] - width, None) if self.padding.side == "left" else slice(width)
            out.append(
                Batch(
                    ids=self.ids[part, columns],
                    labels=self.labels[part, columns],
                    positions=self.positions[part, columns],
                    documents=self.documents[part, columns],
                    origins=self.origins[part],
                    rows=self.rows[part],
                    padding=self.padding,
                )
            )
        return out

    def cells(self, micro_batch_size: int) -> int:
        """Tokens that are computed, padding among them, when it is cut so."""
        used = (self.documents > 0).sum(axis=1)
        return computed_cells(used, micro_batch_size, self.padding)


def computed_cells(lengths: Int64, size: int, padding: Padding) -> int:
    """Cells of sequences of these lengths in rectangles of `size` sequences; shape [B]."""
    if not len(lengths):
        return 0
    starts = np.arange(0, len(lengths), size)
    longest = np.maximum.reduceat(lengths, starts)
    widths = np.maximum(padding.least, -(-longest // padding.multiple) * padding.multiple)
    return int((widths * np.diff(starts, append=len(lengths))).sum())


def collate(sequences: Sequences, lines: Sequence[Sequence[Piece]], padding: Padding) -> Batch:
    """Lay lines (each of them pieces of sequences, one behind the other) into a rectangle."""
    width = padding.width(max(sum(stop - start for _, start, stop in line) for line in lines))
    shape = (len(lines), width)
    ids = np.full(shape, padding.id, dtype=np.int64)
    labels = np.full(shape, IGNORE, dtype=np.int64)
    positions = np.zeros(shape, dtype=np.int64)
    documents = np.zeros(shape, dtype=np.int64)
    for b, line in enumerate(lines):
        at = 0
        if padding.side == "left":
            at = width - sum(stop - start for _, start, stop in line)
        for number, (index, start, stop) in enumerate(line, 1):
            part = slice(at, at + stop - start)
            ids[b, part] = sequences.ids(index)[start:stop]
            labels[b, part] = sequences.labels(index)[start:stop]
            labels[b, at] = (
                IGNORE  # a text that goes on from the line before: nothing here could predict its first token
            )
            positions[b, part] = np.arange(stop - start)
            documents[b, part] = number
            at += stop - start
    origins = tuple(tuple(sequences.origins[i] for i, _, _ in line) for line in lines)
    rows = tuple(tuple(sequences.rows[i] for i, _, _ in line) for line in lines)
    return Batch(ids, labels, positions, documents, origins, rows, padding)
