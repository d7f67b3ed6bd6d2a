"""The best k of many scores, exactly, and of products with a matrix of item vectors.

n items, d dim, b queries. Most blocks of scores cannot hold one of the best k: their maxima say
which can, so only a few are sorted (block-max selection).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.arrays import UNKNOWN, BoolArray, FloatArray, IntArray

BLOCK = 256
BATCH_BLOCK = 64
# So many items' scores for a group of queries stay in a processor's cache.
SLICE = 8192


class TopK(NamedTuple):
    """Items best first and their scores, both (k,) or (b, k); fewer if fewer are allowed."""

    items: IntArray
    scores: NDArray[np.float32]


def plain_top_k(scores: FloatArray, k: int, allowed: BoolArray | None = None) -> TopK:
    """The twin: sort everything. Of equal scores the lower index comes first."""
    chosen = np.arange(len(scores)) if allowed is None else np.flatnonzero(allowed)
    order = chosen[np.argsort(-scores[chosen], kind="stable")][:k]
    return TopK(order, scores[order].astype(np.float32))


def top_k(scores: FloatArray, k: int, allowed: BoolArray | None = None) -> TopK:
    """The best k of (n,) scores among the `allowed` (n,); never a score of minus infinity."""
    if allowed is not None:
        scores = np.where(allowed, scores, -np.inf)
    items = candidates(scores, k)
    items = items[scores[items] > -np.inf]
    order = items[np.argsort(-scores[items], kind="stable")][:k]
    return TopK(order, scores[order].astype(np.float32))


def candidates(scores: FloatArray, k: int) -> IntArray:
    """Indexes, ascending, of all scores that reach the k-th best block maximum."""
    whole = len(scores) // BLOCK * BLOCK
    if k <= 0 or whole <= BLOCK * k:
        return _reaching(scores, k) if k > 0 else np.empty(0, np.int64)
    blocks = scores[:whole].reshape(-1, BLOCK)  # (n / BLOCK, BLOCK)
    maxima = blocks.max(axis=1)
    least = np.partition(maxima, -k)[-k]
    which = np.flatnonzero(maxima >= least)
    places = (which[:, None] * BLOCK + np.arange(BLOCK)).ravel()
    places = np.concatenate((places, np.arange(whole, len(scores))))
    return np.asarray(places[scores[places] >= least])


def _reaching(scores: FloatArray, k: int) -> IntArray:
    if k >= len(scores):
        return np.arange(len(scores))
    return np.flatnonzero(scores >= np.partition(scores, -k)[-k])


def top_k_products(
    matrix: FloatArray, queries: FloatArray, k: int, allowed: BoolArray | None = None
) -> TopK:
    """The best k of matrix (n, d) @ query for one query (d,) or for each of (b, d).

    Rows of a batch with fewer than k allowed items end in UNKNOWN items of minus infinity.
    """
    if queries.ndim == 1:
        return top_k(matrix @ queries, k, allowed)
    parts = [_maxima(matrix, queries, start, allowed) for start in range(0, len(matrix), SLICE)]
    maxima = np.concatenate(parts).T.copy() if parts else np.empty((len(queries), 0))
    items = np.full((len(queries), k), UNKNOWN, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    for row, query in enumerate(queries):
        # The best k stand in the k blocks with the largest maxima.
        blocks = candidates(maxima[row], k)  # maxima: (b, n / BATCH_BLOCK, rounded up)
        places = (blocks[:, None] * BATCH_BLOCK + np.arange(BATCH_BLOCK)).ravel()
        places = places[places < len(matrix)]
        best = top_k(matrix[places] @ query, k, None if allowed is None else allowed[places])
        items[row, : len(best.items)] = places[best.items]
        scores[row, : len(best.items)] = best.scores
    return TopK(items, scores)


def _maxima(
    matrix: FloatArray, queries: FloatArray, start: int, allowed: BoolArray | None
) -> FloatArray:
    """The largest score in each block of a slice, for each query: (blocks, b)."""
    part = slice(start, start + SLICE)
    scores = matrix[part] @ queries.T  # (SLICE, b)
    if allowed is not None:
        scores[~allowed[part]] = -np.inf
    whole = len(scores) // BATCH_BLOCK * BATCH_BLOCK
    maxima = scores[:whole].reshape(-1, BATCH_BLOCK, len(queries)).max(axis=1)
    if whole == len(scores):
        return np.asarray(maxima)
    return np.concatenate((maxima, scores[whole:].max(axis=0)[None]))
