"""The items whose vectors have the largest products with one vector: exactly, or nearly and fast.

n items, d dim, c lists. Every search can be read from mapped files and reads little of them.
Sources: Jégou et al., "Product Quantization for Nearest Neighbor Search" (2011; inverted file);
facebookresearch/faiss, which the exact search is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.arrays import BoolArray, FloatArray, IntArray
from recommendations.ranking.topk import TopK, top_k, top_k_products

# Below so many items everything is read faster than the lists are chosen.
LEAST_FOR_LISTS = 50_000
# Of what is found in few dimensions so many times as many are looked at in all.
SPARE = 4
ROUNDS, SAMPLE_PER_LIST, CHUNK = 8, 40, 16_384
RECALL, RECALL_AT = 0.99, 10


class Search(Protocol):
    """`best` has the k largest products of a query (d,) with the items that are `allowed` (n,)."""

    def best(self, query: FloatArray, k: int, allowed: BoolArray | None = None) -> TopK: ...


@dataclass(frozen=True, slots=True)
class Exact:
    """Every product; `vectors` (n, d)."""

    vectors: FloatArray

    def best(self, query: FloatArray, k: int, allowed: BoolArray | None = None) -> TopK:
        return top_k(self.vectors @ query, k, allowed)


@dataclass(frozen=True, slots=True)
class InvertedLists:
    """Vectors (n, d) in lists by their nearest centroid (c, d); the best `probes` lists are read.

    List i has the items[offsets[i]:offsets[i + 1]], whose vectors stand at the same places.
    """

    centroids: FloatArray
    offsets: IntArray
    items: NDArray[np.int32]
    vectors: FloatArray
    probes: int

    def best(self, query: FloatArray, k: int, allowed: BoolArray | None = None) -> TopK:
        found = self.probed(query, k, allowed, self.probes)
        if len(found.items) >= k or self.probes >= len(self.centroids):
            return found
        return self.allowed_only(query, k, allowed)

    def allowed_only(self, query: FloatArray, k: int, allowed: BoolArray | None) -> TopK:
        """Exactly, over what rules left: mostly little, for the probed lists held too few."""
        places = np.arange(len(self.items))
        if allowed is not None:
            places = np.flatnonzero(allowed[self.items])
        found = top_k(self.vectors[places] @ query, k)
        return TopK(self.items[places[found.items]].astype(np.int64), found.scores)

    def probed(self, query: FloatArray, k: int, allowed: BoolArray | None, probes: int) -> TopK:
        lists = np.sort(top_k(self.centroids @ query, probes).items)
        bounds = [(self.offsets[place], self.offsets[place + 1]) for place in lists]
        items = np.concatenate([self.items[start:end] for start, end in bounds])
        scores = np.concatenate([self.vectors[start:end] @ query for start, end in bounds])
        found = top_k(scores, k, None if allowed is None else allowed[items])
        return TopK(items[found.items].astype(np.int64), found.scores)


@dataclass(frozen=True, slots=True)
class Reduced:
    """Looks in few dimensions first, then at the true products of what it found.

    `rotation` (d, few) goes with the vectors that `search` has; `vectors` (n, d) are the true ones.
    """

    rotation: FloatArray
    search: Search
    vectors: FloatArray

    def best(self, query: FloatArray, k: int, allowed: BoolArray | None = None) -> TopK:
        near = np.sort(self.search.best(query @ self.rotation, SPARE * k, allowed).items)
        found = top_k(self.vectors[near].astype(np.float32) @ query, k)
        return TopK(near[found.items], found.scores)


def principal(vectors: FloatArray, few: int) -> FloatArray:
    """(d, few): the directions that products of the vectors (n, d) mostly lie in."""
    gram = np.zeros((vectors.shape[1], vectors.shape[1]))
    for start in range(0, len(vectors), CHUNK):
        part = vectors[start : start + CHUNK].astype(np.float32)
        gram += part.T @ part
    return np.asarray(np.linalg.eigh(gram)[1][:, ::-1][:, :few], dtype=np.float32)


def rotated(vectors: FloatArray, rotation: FloatArray) -> FloatArray:
    parts = [
        vectors[start : start + CHUNK].astype(np.float32) @ rotation
        for start in range(0, len(vectors), CHUNK)
    ]
    return np.concatenate(parts) if parts else np.empty((0, rotation.shape[1]), np.float32)


def fit_lists(vectors: FloatArray, queries: FloatArray, seed: int = 0) -> InvertedLists:
    """Lists in which RECALL of the queries' (q, d) best RECALL_AT are found; `vectors` (n, d).

    As few lists are probed as that takes, and all of them where nothing less does.
    """
    centroids = k_means(vectors, int(len(vectors) ** 0.5), np.random.default_rng(seed))
    nearest = assigned(vectors, centroids)
    items = np.argsort(nearest, kind="stable").astype(np.int32)
    offsets = np.searchsorted(nearest[items], np.arange(len(centroids) + 1))
    lists = InvertedLists(centroids, offsets, items, vectors[items], len(centroids))
    wanted = top_k_products(vectors, queries, RECALL_AT).items
    probes = 4
    while probes < len(centroids) and recall(lists, queries, wanted, probes) < RECALL:
        probes *= 2
    return InvertedLists(centroids, offsets, items, lists.vectors, min(probes, len(centroids)))


def recall(lists: InvertedLists, queries: FloatArray, wanted: IntArray, probes: int) -> float:
    """The share of the wanted items (q, RECALL_AT) that so many probes find."""
    found = [
        len(np.intersect1d(lists.probed(query, RECALL_AT, None, probes).items, row))
        for query, row in zip(queries, wanted, strict=True)
    ]
    return float(np.mean(found)) / RECALL_AT


def k_means(vectors: FloatArray, count: int, random: np.random.Generator) -> FloatArray:
    """(count, d) centres of a sample (Lloyd's algorithm); an empty one stays where it is."""
    size = min(len(vectors), SAMPLE_PER_LIST * count)
    sample = vectors[np.sort(random.choice(len(vectors), size, replace=False))]
    centres = sample[random.choice(size, count, replace=False)].copy()
    for _ in range(ROUNDS):
        nearest = assigned(sample, centres)
        order = np.argsort(nearest, kind="stable")
        used, starts = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(sample[order], starts)
        centres[used] = sums / np.diff(np.append(starts, size))[:, None]
    return centres


def assigned(vectors: FloatArray, centres: FloatArray) -> IntArray:
    """(n,) each vector's nearest centre."""
    half = (centres**2).sum(axis=1) / 2
    parts = [
        (vectors[start : start + CHUNK] @ centres.T - half).argmax(axis=1)
        for start in range(0, len(vectors), CHUNK)
    ]
    return np.concatenate(parts)
