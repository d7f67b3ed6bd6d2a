"""How good rankings are: over the full catalogue only, for sampled ones mislead.

Sources: Krichene and Rendle, "On Sampled Metrics for Item Recommendation" (KDD 2020).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recommendations.ranking.arrays import FloatArray, IntArray


def ranks_of(
    scores: FloatArray, targets: IntArray, excluded: Sequence[IntArray] | None = None
) -> IntArray:
    """Each row's rank (0 is best) of its target among all items, (n, n_items) -> (n,).

    `excluded` items of a row do not count. A tie counts half, so equal scores gain nothing.
    """
    rows = np.arange(len(scores))
    own = scores[rows, targets][:, None].copy()
    if excluded is not None:
        scores = scores.copy()
        for row, items in enumerate(excluded):
            scores[row, items] = -np.inf
    better = (scores > own).sum(axis=1)
    ties = (scores == own).sum(axis=1) - (scores[rows, targets] == own[:, 0])
    return np.asarray(better + (ties + 1) // 2, dtype=np.int64)


def hit_rate(ranks: IntArray, cutoff: int) -> float:
    """The share of targets among the first `cutoff`."""
    return float(np.mean(ranks < cutoff)) if len(ranks) else 0.0


def ndcg(ranks: IntArray, cutoff: int) -> float:
    """Normalised discounted cumulative gain for one target a row."""
    if not len(ranks):
        return 0.0
    return float(np.mean(np.where(ranks < cutoff, 1 / np.log2(ranks + 2.0), 0.0)))


def mrr(ranks: IntArray) -> float:
    """Mean reciprocal rank."""
    return float(np.mean(1 / (ranks + 1.0))) if len(ranks) else 0.0


def coverage(shown: IntArray, n_items: int) -> float:
    """The share of the catalogue that anybody was shown; `shown` is (n, cutoff)."""
    return len(np.unique(shown)) / n_items if n_items else 0.0


def novelty(shown: IntArray, counts: IntArray) -> float:
    """Mean self-information in bits of what was shown: rare items tell people more."""
    share = np.maximum(counts, 1) / max(1, counts.sum())
    return float(-np.log2(share[shown]).mean()) if shown.size else 0.0


def gini(shown: IntArray, n_items: int) -> float:
    """0 if all items are shown equally often, towards 1 if one gets everything."""
    counts = np.sort(np.bincount(shown.ravel(), minlength=n_items))
    total = counts.sum()
    if not total:
        return 0.0
    places = np.arange(1, n_items + 1)
    return float(((2 * places - n_items - 1) * counts).sum() / (n_items * total))
