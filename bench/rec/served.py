"""The pipeline as the web process runs it: sources, pools, blend; one person after the other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from bench.rec.tables import CUTOFF, Outcome
from recommendations.ranking.arrays import IntArray, Interactions
from recommendations.ranking.blending import Blend, Pool, gather, ranked
from recommendations.ranking.candidates import Candidates, Context, Source
from recommendations.ranking.sources.transitions import (
    Transitions,
    TransitionSettings,
    TransitionTable,
    counted,
)

POOL = 200
NEVER = 10**9


def context_of(history: IntArray, n_items: int) -> Context:
    """What was in the history is not shown again."""
    allowed = np.ones(n_items, dtype=bool)
    allowed[history] = False
    return Context(history=history, allowed=allowed)


@dataclass(frozen=True, slots=True)
class Pools:
    """Every person's pool, and the milliseconds (n,) that each took."""

    pools: list[Pool]
    times: list[float]

    def median_ms(self) -> float:
        return float(np.median(self.times))


def pools_of(sources: Sequence[Source], histories: Sequence[IntArray], n_items: int) -> Pools:
    found = Pools([], [])
    for history in histories:
        context, start = context_of(history, n_items), time.perf_counter()
        found.pools.append(gather(sources, context, POOL))
        found.times.append(1000 * (time.perf_counter() - start))
    return found


def blended(pools: Sequence[Pool], targets: IntArray, blend: Blend) -> Outcome:
    return outcome_of([ranked(blend, pool) for pool in pools], targets)


def outcome_of(pages: Sequence[Candidates], targets: IntArray) -> Outcome:
    """What no source proposes is never found."""
    ranks = np.full(len(targets), NEVER, dtype=np.int64)
    shown = np.full((len(targets), CUTOFF), -1, dtype=np.int64)
    for row, (page, target) in enumerate(zip(pages, targets, strict=True)):
        place = np.flatnonzero(page.items == target)
        if len(place):
            ranks[row] = place[0]
        first = page.items[:CUTOFF]
        shown[row, : len(first)] = first
    return Outcome(ranks, shown)


def alone(source: Source, histories: Sequence[IntArray], targets: IntArray, n: int) -> Outcome:
    pages = [source.candidates(context_of(history, n), POOL) for history in histories]
    return outcome_of(pages, targets)


def transitions(
    sequences: Sequence[IntArray], n_items: int, settings: TransitionSettings
) -> Transitions:
    rows = counted(Interactions.of_sequences(sequences), settings)
    return Transitions(TransitionTable(rows, n_items), settings)


def choose_settings(
    sequences: Sequence[IntArray], targets: IntArray, n_items: int
) -> TransitionSettings:
    """By NDCG@10 of what comes next, first those of the counts, then those of the look-up."""
    best, best_ndcg = TransitionSettings(), -1.0
    for skip in (0.5, 0.7, 0.85):
        table = transitions(sequences, n_items, replace(best, skip=skip)).rows
        for recency, shrinkage in product((0.6, 0.7, 0.8), (0.7, 0.85, 1.0)):
            tried = replace(TransitionSettings(), skip=skip, recency=recency, shrinkage=shrinkage)
            found = alone(Transitions(table, tried), sequences, targets, n_items).ndcg
            if found > best_ndcg:
                best, best_ndcg = tried, found
    return best
