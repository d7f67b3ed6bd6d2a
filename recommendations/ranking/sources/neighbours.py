"""Item to item: what the same people dealt with, whatever the order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.arrays import IntArray, Interactions
from recommendations.ranking.candidates import Candidates, Context

RECENT = 20
RECENCY = 0.9


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The k nearest items of every item, nearest first: (n_items, k), -1 where there are fewer."""

    items: NDArray[np.int32]
    scores: NDArray[np.float32]


def fit_neighbours(
    interactions: Interactions, n_items: int, k: int = 100, shrinkage: float = 10.0
) -> Neighbours:
    """Cosine of the items' persons, shrunk towards 0 where few persons tell.

    similarity = together / (sqrt(count * other count) + shrinkage). Memory: n_items a step.
    """
    pairs = np.unique(interactions.persons * n_items + interactions.items)
    persons, items = np.divmod(pairs, max(1, n_items))
    counts = np.bincount(items, minlength=n_items)
    starts = np.searchsorted(persons, np.arange(int(persons.max(initial=-1)) + 2))
    by_item = np.split(persons[np.argsort(items, kind="stable")], counts.cumsum()[:-1])
    found = Neighbours(
        np.full((n_items, k), -1, dtype=np.int32), np.zeros((n_items, k), dtype=np.float32)
    )
    for item, own in enumerate(by_item):
        others = [items[starts[person] : starts[person + 1]] for person in own]
        if not others:
            continue
        together = np.bincount(np.concatenate(others), minlength=n_items).astype(np.float64)
        together[item] = 0.0
        similarity = together / (np.sqrt(counts[item] * counts) + shrinkage)
        similarity[together == 0] = -np.inf
        best = Candidates.best(similarity, k, None)
        found.items[item, : len(best)] = best.items
        found.scores[item, : len(best)] = best.scores
    return found


class ItemToItem:
    """Neighbours of the item at hand and of the newest items of the history."""

    name = "item_to_item"

    def __init__(self, neighbours: Neighbours) -> None:
        self.neighbours = neighbours

    def candidates(self, context: Context, k: int) -> Candidates:
        items, weights = context.recent(RECENT)
        if not len(items):
            return Candidates.none()
        factors = weights * RECENCY ** np.arange(len(items))
        near = self.neighbours.items[items]  # (r, k)
        scores = self.neighbours.scores[items] * factors[:, None]
        kept = near >= 0
        return Candidates.best_of(near[kept].astype(np.int64), scores[kept], k, context.allowed)


def similar_items(neighbours: Neighbours, item: int) -> tuple[IntArray, NDArray[np.float32]]:
    """One item's neighbours, nearest first."""
    kept = neighbours.items[item] >= 0
    return neighbours.items[item][kept].astype(np.int64), neighbours.scores[item][kept]
