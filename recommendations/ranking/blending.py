"""What several sources propose, put beside each other and weighed.

m items, s sources. A source's scores become shares of its whole answer, and shares become a
feature from 0 (not proposed) to 1 (proposed alone) on a logarithmic scale: the weighted sum is a
product of the sources' probabilities, floored so that no source can rule an item out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.arrays import FloatArray, IntArray
from recommendations.ranking.candidates import Candidates, Context, Source
from recommendations.ranking.metrics import ndcg

FLOOR = 1e-4
CUTOFF = 10
# How the search for weights goes on: factors that are tried on one weight at a time.
FACTORS = (0.0, 0.5, 0.75, 0.9, 1.1, 1.33, 2.0)
START, ROUNDS = 0.05, 8
# Less than this gained on the validation is chance.
LEAST_GAIN = 1e-4


@dataclass(frozen=True, slots=True)
class Pool:
    """`items` (m,), ascending, and `features` (m, s), one column for each of the `names`."""

    items: IntArray
    features: NDArray[np.float64]
    names: tuple[str, ...]


class Scorer(Protocol):
    """What turns a pool into scores: a Blend or a LinearRanker."""

    def scores(self, pool: Pool) -> NDArray[np.float64]:
        """(m,) above 0; only their order and ratios matter."""

    def contributions(self, pool: Pool) -> NDArray[np.float64]:
        """(m, s): how much each source brought to each item's score."""


def gather(sources: Sequence[Source], context: Context, k: int) -> Pool:
    """Every source's best k for the context."""
    found = [source.candidates(context, k) for source in sources]
    return pooled(found, tuple(source.name for source in sources))


def pooled(found: Sequence[Candidates], names: tuple[str, ...]) -> Pool:
    items = np.unique(np.concatenate([np.empty(0, np.int64), *(part.items for part in found)]))
    features = np.zeros((len(items), len(found)))
    for column, part in enumerate(found):
        features[np.searchsorted(items, part.items), column] = feature(part.scores)
    return Pool(items, features, names)


def feature(scores: FloatArray) -> NDArray[np.float64]:
    """(k,) scores from 0 on -> (k,) from 0 to 1."""
    positive = np.maximum(scores.astype(np.float64), 0.0)
    shares = positive / (positive.sum() or 1.0)
    return np.asarray(np.log1p(shares / FLOOR) / np.log1p(1 / FLOOR))


def ranked(scorer: Scorer, pool: Pool) -> Candidates:
    """The pool's items, best first."""
    scores = scorer.scores(pool)
    order = np.argsort(-scores, kind="stable")
    return Candidates(pool.items[order], scores[order].astype(np.float32))


@dataclass(frozen=True, slots=True)
class Blend:
    """A weight for each source by its name, from 0 on; a source without one weighs nothing.

    Raises ValueError for a weight below 0 or not finite.
    """

    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        if not all(0 <= weight < np.inf for weight in self.weights.values()):
            raise ValueError("weights must be finite and from 0 on")

    def contributions(self, pool: Pool) -> NDArray[np.float64]:
        weights = np.array([self.weights.get(name, 0.0) for name in pool.names])
        return np.asarray(pool.features * weights)

    def scores(self, pool: Pool) -> NDArray[np.float64]:
        return np.asarray(self.contributions(pool).sum(axis=1))


class Judged:
    """Pools with the item that each person chose, for the choice of weights.

    Persons whose item no source proposed count as misses.
    """

    def __init__(self, pools: Sequence[Pool], targets: IntArray) -> None:
        self.names = pools[0].names if pools else ()
        found = [np.flatnonzero(p.items == t) for p, t in zip(pools, targets, strict=True)]
        kept = [(pool, int(at[0])) for pool, at in zip(pools, found, strict=True) if len(at)]
        self.missed = len(pools) - len(kept)
        self.features = np.concatenate(
            [np.empty((0, len(self.names))), *(pool.features for pool, _ in kept)]
        )
        lengths = np.array([len(pool.items) for pool, _ in kept], dtype=np.int64)
        self.starts = lengths.cumsum() - lengths
        self.lengths = lengths
        self.places = self.starts + np.array([at for _, at in kept], dtype=np.int64)

    def ndcg(self, weights: NDArray[np.float64]) -> float:
        """NDCG@10 of the weighted sum; a tie counts half."""
        if not len(self.places):
            return 0.0
        scores = self.features @ weights
        own = np.repeat(scores[self.places], self.lengths)
        better = np.add.reduceat((scores > own) + 0.5 * (scores == own), self.starts) - 0.5
        hits = ndcg(np.ceil(better).astype(np.int64), CUTOFF)
        return hits * len(self.places) / (len(self.places) + self.missed)


def fit_weights(pools: Sequence[Pool], targets: IntArray, first: Blend | None = None) -> Blend:
    """The weights with the best NDCG@10 for the items (n,) that persons chose next.

    Starts from `first`, or from equal weights, and changes one weight at a time as long as that
    gains. Weights sum to 1. Sources that bring nothing end at 0.
    """
    judged = Judged(pools, targets)
    start = [first.weights.get(name, 0.0) if first else 1.0 for name in judged.names]
    weights = normalised(np.array(start))
    best = judged.ndcg(weights)
    for _ in range(ROUNDS):
        before = best
        for column in range(len(weights)):
            for factor in FACTORS:
                tried = weights.copy()
                tried[column] = tried[column] * factor if weights[column] else START * factor
                value = judged.ndcg(normalised(tried))
                # A source is dropped also if that changes nothing.
                if value > best + LEAST_GAIN or (not factor and value >= best > 0):
                    best, weights = max(value, best), normalised(tried)
        if best <= before:
            break
    return Blend(dict(zip(judged.names, weights.tolist(), strict=True)))


def normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(weights / (weights.sum() or 1.0))
