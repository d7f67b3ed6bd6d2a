"""From scores to a page: boosters, least relevance, rotation, diversity, and never nothing.

Source: Carbonell and Goldstein, "The Use of MMR" (SIGIR 1998).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.arrays import FloatArray, IntArray
from recommendations.ranking.candidates import Candidates, Context, Source


@dataclass(frozen=True, slots=True)
class Reranking:
    """All from 0 (off) to 1. Raises ValueError for what is not.

    `diversity` trades scores for items that are unlike those above them. `rotation_rate` is how
    much an item that was just shown loses, less from second to second until `rotation_time` has
    passed. `min_relevance` is the least share of the best score.
    """

    diversity: float = 0.0
    rotation_rate: float = 0.0
    rotation_time: float = 7200.0
    min_relevance: float = 0.0

    def __post_init__(self) -> None:
        for name in ("diversity", "rotation_rate", "min_relevance"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1")
        if not self.rotation_time > 0:
            raise ValueError("rotation_time must be above 0")


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of the m items that are re-ranked; None where nothing is.

    `boosts` (m,) multiply. `shown_ages` (m,) are seconds since the person was last shown an
    item, infinite if never. `vectors` (m, d) have unit rows or zeros.
    """

    boosts: FloatArray | None = None
    shown_ages: FloatArray | None = None
    vectors: FloatArray | None = None


def rerank(
    candidates: Candidates, count: int, reranking: Reranking, signals: Signals | None = None
) -> Candidates:
    """The `count` items to show, in their order; scores are shares of the best one's."""
    signals = signals or Signals()
    if not len(candidates):
        return candidates
    relevance = np.maximum(candidates.scores.astype(np.float64), 0.0)
    relevance = relevance / (relevance.max() or 1.0)
    kept = np.flatnonzero(relevance >= reranking.min_relevance)
    if signals.boosts is not None:
        relevance = relevance * np.maximum(signals.boosts, 0.0)
        kept = kept[relevance[kept] > 0]
    if signals.shown_ages is not None:
        relevance = relevance * rotation(signals.shown_ages, reranking)
    vectors = signals.vectors if reranking.diversity else None
    if vectors is None:
        order = kept[np.argsort(-relevance[kept], kind="stable")][:count]
    else:
        order = kept[diverse(relevance[kept], vectors[kept], count, reranking.diversity)]
    return Candidates(candidates.items[order], relevance[order].astype(np.float32))


def rotation(ages: FloatArray, reranking: Reranking) -> NDArray[np.float64]:
    """(m,) factors: what is left of an item's score so many seconds after it was shown."""
    fresh = np.clip(1 - np.maximum(ages, 0.0) / reranking.rotation_time, 0.0, 1.0)
    return np.asarray(1 - reranking.rotation_rate * fresh, dtype=np.float64)


def diverse(relevance: FloatArray, vectors: FloatArray, count: int, diversity: float) -> IntArray:
    """Maximal marginal relevance: places (count,), each the best beside those before it."""
    chosen: list[int] = []
    nearest = np.zeros(len(relevance))
    open_ = np.ones(len(relevance), dtype=bool)
    while len(chosen) < min(count, len(relevance)):
        value = (1 - diversity) * relevance - diversity * nearest
        best = int(np.where(open_, value, -np.inf).argmax())
        chosen.append(best)
        open_[best] = False
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return np.array(chosen, dtype=np.int64)


def fill(page: Candidates, count: int, fallbacks: Sequence[Source], context: Context) -> Candidates:
    """Add what the fallbacks propose, in turn, until the page is full.

    With a last fallback that knows every item, a page is empty only if nothing is allowed.
    """
    items, scores = page.items, page.scores
    for fallback in fallbacks:
        if len(items) >= count:
            break
        more = fallback.candidates(context, count + len(items)).items
        more = more[~np.isin(more, items)][: count - len(items)]
        items = np.concatenate((items, more))
        scores = np.concatenate((scores, np.zeros(len(more), dtype=np.float32)))
    return Candidates(items[:count], scores[:count])


class Everything:
    """The last fallback: every item that is allowed, in the catalogue's order."""

    name = "everything"

    def __init__(self, n_items: int) -> None:
        self.items = np.arange(n_items)

    def candidates(self, context: Context, k: int) -> Candidates:
        allowed = context.allowed
        items = self.items[:k] if allowed is None else np.flatnonzero(allowed)[:k]
        return Candidates(items, np.zeros(len(items), dtype=np.float32))
