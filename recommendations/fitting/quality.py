"""How well rankings do: what they find, how much of the catalogue, and how common it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recommendations.fitting.data import Case
from recommendations.ranking.arrays import FloatArray, IntArray
from recommendations.ranking.blending import Pool, Scorer, gather
from recommendations.ranking.candidates import Context, Source
from recommendations.ranking.metrics import coverage, gini, hit_rate, mrr, ndcg, novelty

CANDIDATES = 200
TOP = 10
FAR = 10**6

Numbers = dict[str, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the sources said of each case, and the item that was wanted."""

    pools: list[Pool]
    targets: IntArray

    @classmethod
    def of(cls, sources: Sequence[Source], cases: Sequence[Case]) -> "Asked":
        contexts = [Context(history=case.history, now=case.now) for case in cases]
        targets = np.array([case.target for case in cases], np.int64)
        return cls([gather(sources, context, CANDIDATES) for context in contexts], targets)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Each case's rank of what was wanted (n,), and its first ten items (n, 10), -1 for none."""

    ranks: IntArray
    shown: IntArray

    @classmethod
    def of(cls, scorer: Scorer, asked: Asked) -> "Ranked":
        ranks = np.full(len(asked.pools), FAR, np.int64)
        shown = np.full((len(asked.pools), TOP), -1, np.int64)
        for row, (pool, target) in enumerate(zip(asked.pools, asked.targets, strict=True)):
            scores = scorer.scores(pool)
            kept = np.flatnonzero(scores > 0)
            first = pool.items[kept[np.argsort(-scores[kept], kind="stable")][:TOP]]
            shown[row, : len(first)] = first
            ranks[row] = rank(pool, scores, int(target))
        return cls(ranks, shown)

    def gains(self) -> FloatArray:
        """(n,) each case's part of NDCG@10."""
        return np.where(self.ranks < TOP, 1 / np.log2(self.ranks + 2.0), 0.0)


def rank(pool: Pool, scores: FloatArray, target: int) -> int:
    """The target's place, 0 for the best; far behind where it was not proposed or has no score."""
    place = np.flatnonzero(pool.items == target)
    if not len(place) or scores[place[0]] <= 0:
        return FAR
    return int((scores > scores[place[0]]).sum())


def numbers_of(counts: IntArray) -> Callable[[Ranked], Numbers]:
    """Makes the numbers of a ranking; `counts` (n_items,) say how common each item is."""

    def numbers(ranked: Ranked) -> Numbers:
        shown = ranked.shown[ranked.shown >= 0]
        return {
            "hit_rate": hit_rate(ranked.ranks, TOP),
            "ndcg": ndcg(ranked.ranks, TOP),
            "mrr": mrr(ranked.ranks),
            "coverage": coverage(shown, len(counts)),
            "novelty": novelty(shown, counts),
            "gini": gini(shown, len(counts)),
        }

    return numbers
