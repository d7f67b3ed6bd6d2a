"""What many want: popular with decay, trending, newest. The same order for everybody."""

from __future__ import annotations

import numpy as np

from recommendations.ranking.arrays import BoolArray, FloatArray, Interactions
from recommendations.ranking.candidates import Candidates, Context

# Sums of `growth` stay finite for 1000 half-lives after this moment (2026-01-01, unix seconds).
LANDMARK = 1_767_225_600.0
FIRST = 4096
NEWS_HALF_LIFE = 7 * 86_400.0


def growth(time: float, half_life: float, landmark: float = LANDMARK) -> float:
    """What an event at `time` adds to a sum whose older parts shall count less (seconds).

    Forward decay (Cormode et al., ICDE 2009): new events add more instead of old ones losing, so
    that stored sums are never rewritten, and the order in which events arrive does not matter.
    """
    return float(2.0 ** ((time - landmark) / half_life))


def decayed_counts(
    interactions: Interactions, n_items: int, half_life: float, now: float
) -> FloatArray:
    """Every item's sum of weights, each halved for every `half_life` seconds of its age."""
    decay = 2.0 ** (-np.maximum(0.0, now - interactions.times) / half_life)
    weights = interactions.weights * decay
    return np.bincount(interactions.items, weights, minlength=n_items).astype(np.float64)


class _Ordered:
    """Items with a score above minus infinity, sorted once for all answers."""

    def __init__(self, scores: FloatArray, shown: FloatArray | None = None) -> None:
        order = np.argsort(-scores, kind="stable")
        self.order = order[: int((scores > -np.inf).sum())]
        # In float64: items of one import are milliseconds apart, of a half-life of days.
        self.scores = (scores if shown is None else shown).astype(np.float64)

    def candidates(self, context: Context, k: int) -> Candidates:
        items = self._first(context.allowed, k)
        return Candidates(items, self.scores[items])

    def _first(self, allowed: BoolArray | None, k: int) -> np.ndarray:
        if allowed is None:
            return self.order[:k]
        head = self.order[:FIRST]
        found = head[allowed[head]]
        return (found if len(found) >= k else self.order[allowed[self.order]])[:k]


class Popular(_Ordered):
    """By (decayed) counts (n_items,); items without any are not proposed."""

    name = "popular"

    def __init__(self, counts: FloatArray) -> None:
        super().__init__(np.where(counts > 0, counts, -np.inf))


class Trending(_Ordered):
    """By how far recent counts are above what is usual, in standard deviations of chance.

    Both (n_items,): `recent` of a short half-life, `usual` of a long one.
    """

    name = "trending"

    def __init__(self, recent: FloatArray, usual: FloatArray) -> None:
        expected = usual * (recent.sum() / max(1e-12, float(usual.sum())))
        # One more expected event keeps items with a single click from leading.
        excess = (recent - expected) / np.sqrt(expected + 1.0)
        super().__init__(np.where(excess > 0, excess, -np.inf))


class Newest(_Ordered):
    """By the time (unix seconds, (n_items,)) since when an item has been there; NaN is unknown."""

    name = "newest"

    def __init__(self, times: FloatArray) -> None:
        age = np.max(times, where=~np.isnan(times), initial=-np.inf) - times
        super().__init__(np.where(np.isnan(times), -np.inf, times), 2.0 ** (-age / NEWS_HALF_LIFE))
