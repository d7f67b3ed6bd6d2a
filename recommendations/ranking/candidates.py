"""What is asked and what a source answers: the one interface that all sources have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.arrays import BoolArray, FloatArray, IntArray
from recommendations.ranking.topk import top_k


def no_items() -> IntArray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Context:
    """For whom and where: a person's `history` oldest first, the `item` that is looked at.

    `weights` (as long as the history) say how much each event counts; without them all count 1.
    `skipped` are items that were shown to the person and not clicked, once for each time.
    `allowed` (n_items,) is what every filter left; None means all. `now` is in unix seconds.
    """

    history: IntArray = field(default_factory=no_items)
    weights: FloatArray | None = None
    skipped: IntArray = field(default_factory=no_items)
    item: int | None = None
    now: float = 0.0
    allowed: BoolArray | None = None

    def recent(self, count: int) -> tuple[IntArray, FloatArray]:
        """The newest events, newest first, and their weights; the item at hand comes first."""
        items = self.history[::-1][:count]
        weights = np.ones(len(items)) if self.weights is None else self.weights[::-1][:count]
        if self.item is None or (len(items) and items[0] == self.item):
            return items, weights
        return np.append(self.item, items)[:count], np.append(1.0, weights)[:count]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Items best first with their scores (both (m,)); no item comes twice."""

    items: IntArray
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def none(cls) -> Candidates:
        return cls(no_items(), np.empty(0, dtype=np.float32))

    @classmethod
    def best(cls, scores: FloatArray, k: int, allowed: BoolArray | None) -> Candidates:
        """The best k of every item's score (n_items,); -inf is no candidate."""
        return cls(*top_k(scores, k, allowed))

    @classmethod
    def best_of(
        cls, items: IntArray, scores: FloatArray, k: int, allowed: BoolArray | None
    ) -> Candidates:
        """The best k of some items, each of which may come several times: scores add up."""
        if allowed is not None:
            kept = allowed[items]
            items, scores = items[kept], scores[kept]
        found, places = np.unique(items, return_inverse=True)
        sums = np.bincount(places, scores, minlength=len(found)).astype(np.float64)
        best = top_k(sums, k)
        return cls(found[best.items], best.scores)


def narrowed(allowed: BoolArray | None, eligible: BoolArray | None) -> BoolArray | None:
    """What both masks (n_items,) leave; None is everything."""
    if allowed is None or eligible is None:
        return eligible if allowed is None else allowed
    return allowed & eligible


class Source(Protocol):
    """Proposes items. It answers with fewer than k, or none, if it knows no more.

    Scores are from 0 on and about proportional to how probable it is that the item is wanted:
    blending takes them as shares of the answer.
    """

    @property
    def name(self) -> str: ...

    def candidates(self, context: Context, k: int) -> Candidates: ...
