"""Behaviour as arrays: who did something with which item, when, and how much it counts."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.floating[Any]]
BoolArray = NDArray[np.bool_]
UNKNOWN = -1


class IdMap:
    """Keys (a row's or the customer's) <-> indexes 0..n-1 in the order in which they came."""

    def __init__(self, keys: Iterable[Hashable] = ()) -> None:
        self.keys: list[Hashable] = list(dict.fromkeys(keys))
        self._indexes = {key: index for index, key in enumerate(self.keys)}

    def __len__(self) -> int:
        return len(self.keys)

    def indexes(self, keys: Iterable[Hashable]) -> IntArray:
        """(n,) with UNKNOWN for a key that the map does not hold."""
        return np.array([self._indexes.get(key, UNKNOWN) for key in keys], dtype=np.int64)

    def keys_of(self, indexes: Iterable[int]) -> list[Hashable]:
        return [self.keys[index] for index in indexes]

    def add(self, key: Hashable) -> int:
        """The key's index, a new one if it is new."""
        index = self._indexes.setdefault(key, len(self.keys))
        if index == len(self.keys):
            self.keys.append(key)
        return index


@dataclass(frozen=True, slots=True)
class Interactions:
    """Four arrays (n,): person and item indexes, unix seconds, weights of the event's type.

    Raises ValueError if their lengths differ, or a time or weight is not finite.
    """

    persons: IntArray
    items: IntArray
    times: NDArray[np.float64]
    weights: NDArray[np.float64]

    def __post_init__(self) -> None:
        columns = (self.persons, self.items, self.times, self.weights)
        if len({len(column) for column in columns}) != 1:
            raise ValueError("persons, items, times and weights must be equally long")
        if not (np.isfinite(self.times).all() and np.isfinite(self.weights).all()):
            raise ValueError("times and weights must be finite")

    def __len__(self) -> int:
        return len(self.persons)

    @classmethod
    def of_sequences(cls, sequences: Sequence[IntArray]) -> Interactions:
        """Row i is person i; an item's place stands for its time, and all weigh the same."""
        lengths = [len(sequence) for sequence in sequences]
        items = np.concatenate([*sequences, np.empty(0, np.int64)]).astype(np.int64)
        places = np.concatenate([*map(np.arange, lengths), np.empty(0)])
        persons = np.repeat(np.arange(len(lengths)), lengths)
        return cls(persons, items, places.astype(np.float64), np.ones(len(items)))

    def chosen(self, which: BoolArray | IntArray) -> Interactions:
        return Interactions(*(getattr(self, field.name)[which] for field in fields(self)))

    def sorted(self) -> Interactions:
        """By person, then by time; equal times keep their order."""
        return self.chosen(np.lexsort((self.times, self.persons)))

    def before(self, time: float) -> Interactions:
        return self.chosen(self.times < time)

    def since(self, time: float) -> Interactions:
        return self.chosen(self.times >= time)

    def sequences(self, n_persons: int | None = None) -> list[IntArray]:
        """Every person's items, oldest first; row i is person i."""
        ordered = self.sorted()
        count = n_persons if n_persons is not None else int(self.persons.max(initial=-1)) + 1
        ends = np.searchsorted(ordered.persons, np.arange(1, count))
        return np.split(ordered.items, ends) if count else []
