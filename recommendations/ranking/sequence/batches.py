"""Which parts of which sequences make up an epoch's batches, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from recommendations.ranking.arrays import IntArray

# Lengths are filled up to a multiple, for every other shape costs a compilation and its memory.
MULTIPLE = 8
# So many batches are sorted by length together: little padding, still a random order.
SORTED_TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Batch:
    """Items read (B, T), the items that follow them (B, T), and how many of a row count (B,)."""

    items: IntArray
    following: IntArray
    lengths: IntArray


def windows(
    sequences: Sequence[IntArray], length: int, random: np.random.Generator
) -> list[IntArray]:
    """Cut every sequence, from a random place on, into parts of at most `length` + 1 items.

    Parts share one item, so that every item but a sequence's first is predicted once.
    """
    found = []
    for sequence in sequences:
        last = len(sequence) - 1
        first = last if last <= length else int(random.integers(1, length + 1))
        cuts = [0, *range(first, last, length), last]
        found += [sequence[start : end + 1] for start, end in pairwise(cuts) if end > start]
    return found


def batches(
    sequences: Sequence[IntArray], length: int, tokens: int, random: np.random.Generator
) -> Iterator[Batch]:
    """An epoch in random order; a batch holds at most `tokens` places, filling included."""
    parts = windows(sequences, length, random)
    random.shuffle(parts)
    average = sum(map(len, parts)) / max(1, len(parts))
    together = max(1, int(SORTED_TOGETHER * tokens / max(1.0, average)))
    groups: list[list[IntArray]] = []
    for start in range(0, len(parts), together):
        groups += list(grouped(sorted(parts[start : start + together], key=len), tokens))
    for index in random.permutation(len(groups)):
        yield batch_of(groups[index])


def grouped(parts: Sequence[IntArray], tokens: int) -> Iterator[list[IntArray]]:
    """Parts sorted by length, so many together as fit once filled up to the longest."""
    group: list[IntArray] = []
    for part in parts:
        if group and (len(group) + 1) * filled(len(part) - 1) > tokens:
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def batch_of(parts: Sequence[IntArray]) -> Batch:
    lengths = np.array([len(part) - 1 for part in parts], dtype=np.int64)
    items = np.zeros((len(parts), filled(int(lengths.max()))), dtype=np.int64)
    following = np.zeros_like(items)
    for row, part in enumerate(parts):
        items[row, : len(part) - 1] = part[:-1]
        following[row, : len(part) - 1] = part[1:]
    return Batch(items, following, lengths)


def filled(length: int) -> int:
    return -(-length // MULTIPLE) * MULTIPLE
