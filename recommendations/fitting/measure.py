"""What each source and the blend of all find of the newest days; weights are chosen here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommendations.fitting.data import Behaviour, Case
from recommendations.ranking.arrays import FloatArray
from recommendations.ranking.blending import Blend, Pool, fit_weights, gather
from recommendations.ranking.candidates import Context, Source
from recommendations.ranking.metrics import hit_rate, ndcg
from recommendations.ranking.sequence.forward import Encoder
from recommendations.ranking.sources.neighbours import ItemToItem, fit_neighbours
from recommendations.ranking.sources.popularity import Popular, Trending, decayed_counts
from recommendations.ranking.sources.sequence import SequenceScores
from recommendations.ranking.sources.text import TextSimilarity
from recommendations.ranking.sources.transitions import Transitions, TransitionTable, counted
from recommendations.services.interactions import (
    POPULAR_HALF_LIFE_S,
    TRANSITIONS,
    TRENDING_HALF_LIFE_S,
)
from recommendations.serving.pipeline import DEFAULT_WEIGHTS

CANDIDATES = 200
TOP = 10
LEAST_CASES = 30
# Weights that are chosen on fewer cases follow chance.
LEAST_FOR_WEIGHTS = 300


@dataclass(frozen=True, slots=True)
class Measured:
    """The weights of the sources, and hit rate and NDCG among ten of each and of the blend."""

    weights: dict[str, float]
    metrics: dict[str, Any]


def measure(behaviour: Behaviour, vectors: FloatArray, sequence: Encoder | None) -> Measured:
    """Fit the sources on what was before the newest days, and ask them for what came then.

    The weights are chosen on the first half of the cases; the numbers are those of the second.
    """
    if len(behaviour.cases) < LEAST_CASES:
        return Measured({}, {})
    sources = list(_sources(behaviour, vectors, sequence))
    names = [source.name for source in sources]
    chosen = _pools(sources, behaviour.chosen_on)
    blend = Blend(DEFAULT_WEIGHTS)
    if len(chosen) >= LEAST_FOR_WEIGHTS:
        blend = fit_weights(chosen, np.array([case.target for case in behaviour.chosen_on]), blend)
    judged = _pools(sources, behaviour.judged_on)
    targets = [case.target for case in behaviour.judged_on]
    numbers = {"blend": _quality(blend, judged, targets)}
    for name in names:
        numbers[name] = _quality(Blend({name: 1.0}), judged, targets)
    return Measured(dict(blend.weights), {"sources": numbers, "cases": len(judged)})


def _sources(
    behaviour: Behaviour, vectors: FloatArray, sequence: Encoder | None
) -> Iterator[Source]:
    before, size = behaviour.before, behaviour.n_items
    now = float(before.times.max(initial=0.0))
    if sequence is not None:
        yield SequenceScores(sequence)
    yield Transitions(TransitionTable(counted(before, TRANSITIONS), size), TRANSITIONS)
    yield ItemToItem(fit_neighbours(before, size))
    if vectors.any():
        yield TextSimilarity(vectors)
    popular = decayed_counts(before, size, POPULAR_HALF_LIFE_S, now)
    yield Popular(popular)
    yield Trending(decayed_counts(before, size, TRENDING_HALF_LIFE_S, now), popular)


def _pools(sources: Sequence[Source], cases: Sequence[Case]) -> list[Pool]:
    found = []
    for case in cases:
        context = Context(history=case.history, now=case.now)
        found.append(gather(sources, context, CANDIDATES))
    return found


def _quality(blend: Blend, pools: Sequence[Pool], targets: Sequence[int]) -> dict[str, float]:
    ranks = np.array(
        [
            _rank(pool, blend.scores(pool), target)
            for pool, target in zip(pools, targets, strict=True)
        ]
    )
    return {"hit_rate": hit_rate(ranks, TOP), "ndcg": ndcg(ranks, TOP)}


def _rank(pool: Pool, scores: FloatArray, target: int) -> int:
    """The target's place, 0 for the best; behind all where it was not proposed or has no score."""
    place = np.flatnonzero(pool.items == target)
    if not len(place) or scores[place[0]] <= 0:
        return len(pool.items) + CANDIDATES
    return int((scores > scores[place[0]]).sum())
