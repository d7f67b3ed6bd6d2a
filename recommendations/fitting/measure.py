"""What each source and the blend of all find of the newest days; weights are chosen here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recommendations.fitting.data import Behaviour, Case
from recommendations.fitting.quality import Asked, Ranked, numbers_of
from recommendations.ranking.arrays import FloatArray, Interactions
from recommendations.ranking.blending import Blend, fit_weights
from recommendations.ranking.candidates import Source
from recommendations.ranking.search import Search
from recommendations.ranking.sequence.forward import Encoder
from recommendations.ranking.sources.neighbours import ItemToItem, fit_neighbours
from recommendations.ranking.sources.popularity import Popular, Trending, decayed_counts
from recommendations.ranking.sources.sequence import SequenceScores
from recommendations.ranking.sources.taste import Taste, TasteModel
from recommendations.ranking.sources.text import TextSimilarity
from recommendations.ranking.sources.transitions import Transitions, TransitionTable, counted
from recommendations.services.interactions import (
    POPULAR_HALF_LIFE_S,
    TRANSITIONS,
    TRENDING_HALF_LIFE_S,
)
from recommendations.serving.pipeline import DEFAULT_WEIGHTS

LEAST_CASES = 30
# Weights that are chosen on fewer cases follow chance.
LEAST_FOR_WEIGHTS = 300
WEEK_S = 7 * 86_400.0
LAST_WEEK = "last_7_days"


@dataclass(frozen=True, slots=True)
class Parts:
    """What was learnt and needs no table of counts; None where there was too little."""

    vectors: FloatArray
    text_search: Search | None = None
    sequence: Encoder | None = None
    taste: TasteModel | None = None


@dataclass(slots=True)
class Measured:
    """The weights of the sources, the numbers of each and of the blend, and who won."""

    weights: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    wins: bool = True


@dataclass(frozen=True, slots=True)
class Champion:
    """The model that serves now: its parts, and the weights that it gives them."""

    parts: Parts
    blend: Blend


def measure(behaviour: Behaviour, parts: Parts, champion: Champion | None) -> Measured:
    """Fit the sources on what was before the newest days, and ask them for what came then.

    The weights are chosen on the first half of the cases; the numbers are those of the second,
    and so is the contest with the champion: on the same counts, each with its own parts.
    """
    if len(behaviour.cases) < LEAST_CASES:
        return Measured()
    sources = list(sources_of(behaviour.before, behaviour.n_items, parts))
    blend = chosen_weights(sources, behaviour.chosen_on)
    asked = Asked.of(
        [*sources, last_week(behaviour.before, behaviour.n_items)], behaviour.judged_on
    )
    numbers = numbers_of(np.bincount(behaviour.before.items, minlength=behaviour.n_items))
    own = Ranked.of(blend, asked)
    found = {"blend": numbers(own)}
    for source in (*(source.name for source in sources), LAST_WEEK):
        found[source] = numbers(Ranked.of(Blend({source: 1.0}), asked))
    measured = Measured(dict(blend.weights), {"sources": found, "cases": len(asked.pools)})
    measured.metrics["leave_one_out"] = leave_one_out(behaviour, parts, blend)
    if champion is not None:
        theirs = list(sources_of(behaviour.before, behaviour.n_items, champion.parts))
        before = Ranked.of(champion.blend, Asked.of(theirs, behaviour.judged_on))
        scores = (float(own.gains().mean()), float(before.gains().mean()))
        measured.metrics["contest"] = {"ndcg": scores[0], "champion_ndcg": scores[1]}
        measured.wins = scores[0] >= scores[1]
    return measured


def chosen_weights(sources: Sequence[Source], cases: Sequence[Case]) -> Blend:
    blend = Blend(DEFAULT_WEIGHTS)
    if len(cases) < LEAST_FOR_WEIGHTS:
        return blend
    asked = Asked.of(sources, cases)
    return fit_weights(asked.pools, asked.targets, blend)


def leave_one_out(behaviour: Behaviour, parts: Parts, blend: Blend) -> dict[str, Any]:
    """Each newest person's last item, from all that everybody else ever did.

    Kinder than the split by time: counts know what others did later. Persons whose last event is
    of the newest days only, for the sequence model has learnt from those before.
    """
    known, cases = behaviour.left_out()
    if len(cases) < LEAST_CASES:
        return {}
    sources = list(sources_of(known, behaviour.n_items, parts))
    ranked = Ranked.of(blend, Asked.of(sources, cases))
    counts = np.bincount(known.items, minlength=behaviour.n_items)
    return {"blend": numbers_of(counts)(ranked), "cases": len(cases)}


def sources_of(before: Interactions, size: int, parts: Parts) -> Iterator[Source]:
    now = float(before.times.max(initial=0.0))
    if parts.sequence is not None:
        yield SequenceScores(parts.sequence)
    yield Transitions(TransitionTable(counted(before, TRANSITIONS), size), TRANSITIONS)
    yield ItemToItem(fit_neighbours(before, size))
    if parts.vectors.any():
        yield TextSimilarity(parts.vectors, search=parts.text_search)
    if parts.taste is not None:
        yield Taste(parts.taste)
    popular = decayed_counts(before, size, POPULAR_HALF_LIFE_S, now)
    yield Popular(popular)
    yield Trending(decayed_counts(before, size, TRENDING_HALF_LIFE_S, now), popular)


class LastWeek(Popular):
    """What had most events in the week before: what everything is to be better than."""

    name = LAST_WEEK


def last_week(before: Interactions, size: int) -> Source:
    now = float(before.times.max(initial=0.0))
    week = before.since(now - WEEK_S)
    return LastWeek(np.bincount(week.items, minlength=size).astype(np.float64))
