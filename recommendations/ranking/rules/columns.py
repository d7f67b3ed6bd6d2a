"""Items' attributes as arrays: n items, nulls included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.arrays import BoolArray, IntArray
from recommendations.ranking.rules.nodes import Type, Value

NULL_CODE = -1


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """(n,) with NaN for null."""

    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FlagColumn:
    """(n,); null is false."""

    values: BoolArray
    nulls: BoolArray


@dataclass(frozen=True, slots=True)
class TextColumn:
    """Places (n,) in a vocabulary of different texts; -1 is null."""

    codes: IntArray
    vocabulary: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListColumn:
    """Row i has the codes[offsets[i]:offsets[i + 1]]; null is an empty list."""

    offsets: IntArray
    codes: IntArray
    vocabulary: tuple[str, ...]

    def any_of(self, hits: BoolArray) -> BoolArray:
        """Whether a row (n,) has one of the entries (m,) that hit."""
        sums = np.concatenate(([0], hits.cumsum()))
        return np.asarray(sums[self.offsets[1:]] > sums[self.offsets[:-1]])

    def rows(self) -> IntArray:
        """The row (m,) that each entry is of."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


Column = NumberColumn | FlagColumn | TextColumn | ListColumn


def column_of(values: Sequence[Value], kind: Type) -> Column:
    """A column of plain values, None for null; values of another type count as null."""
    match kind:
        case Type.NUMBER:
            return NumberColumn(np.array([_number(value) for value in values], dtype=np.float64))
        case Type.FLAG:
            flags = [value if isinstance(value, bool) else None for value in values]
            return FlagColumn(
                np.array([bool(flag) for flag in flags], dtype=bool),
                np.array([flag is None for flag in flags], dtype=bool),
            )
        case Type.TEXT:
            texts = [value if isinstance(value, str) else None for value in values]
            return TextColumn(*_coded(texts))
        case Type.LIST:
            lists = [value if isinstance(value, tuple | list) else () for value in values]
            offsets = np.cumsum([0, *map(len, lists)])
            return ListColumn(offsets, *_coded([text for entries in lists for text in entries]))
    raise ValueError("a column has a type")


def _number(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return np.nan
    return float(value) if np.isfinite(value) else np.nan


def _coded(texts: Sequence[str | None]) -> tuple[IntArray, tuple[str, ...]]:
    places: dict[str, int] = {}
    codes = [NULL_CODE if text is None else places.setdefault(text, len(places)) for text in texts]
    return np.array(codes, dtype=np.int64), tuple(places)
