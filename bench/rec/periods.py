"""MovieLens-100K by time: each event is predicted from all that happened before it.

Counts learn from every event as it comes; fitted models know the time before the period. What
counts is to be above "popular in the last 7 days".
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from bench.rec.served import POOL, context_of, outcome_of
from bench.rec.tables import Catalogue, Clock, Outcome, quality_row, quality_table
from recommendations.ranking.arrays import FloatArray, IntArray, Interactions
from recommendations.ranking.blending import Blend, Pool, fit_weights, gather, ranked
from recommendations.ranking.candidates import Source
from recommendations.ranking.sequence.config import ModelConfig, TrainingConfig
from recommendations.ranking.sequence.forward import Encoder
from recommendations.ranking.sequence.training import Holdout, Setup, train
from recommendations.ranking.sources.neighbours import ItemToItem, fit_neighbours
from recommendations.ranking.sources.popularity import Popular, Trending
from recommendations.ranking.sources.sequence import SequenceScores
from recommendations.ranking.sources.transitions import (
    Event,
    TransitionRows,
    Transitions,
    TransitionSettings,
    insertion,
)

DAY = 86_400.0
VALIDATION, TEST = 0.8, 0.9  # where the periods begin, as shares of all events
ASKED = 1500  # events of each period that are predicted
MODEL = ModelConfig(dim=64, hidden=128, length=100)
TRAINING = TrainingConfig(epochs=30, patience=4, batch_tokens=4096, dropout=0.3)
SETTINGS = TransitionSettings()


@dataclass(slots=True)
class Counts:
    """Transition counts that every event changes, as a table of the app would hold them."""

    rows: dict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, event: Event, before: list[Event]) -> None:
        for source, target, weight in insertion(event, before, [], SETTINGS):
            row = self.rows[source]
            row[target] = row.get(target, 0.0) + weight

    def __call__(self, items: IntArray) -> TransitionRows:
        found = [(s, t, count) for s in items.tolist() for t, count in self.rows[s].items()]
        sources, targets, counts = np.array(found, dtype=np.float64).reshape(-1, 3).T
        return TransitionRows(sources.astype(np.int64), targets.astype(np.int64), counts)


class Past:
    """All that has happened so far."""

    def __init__(self, n_items: int) -> None:
        self.n_items, self.counts = n_items, Counts()
        self.persons: dict[int, list[Event]] = defaultdict(list)
        self.times: list[float] = []
        self.items: list[int] = []

    def add(self, person: int, event: Event) -> None:
        self.counts.add(event, self.persons[person][-SETTINGS.window :])
        self.persons[person].append(event)
        self.times.append(event.time)
        self.items.append(event.item)

    def history(self, person: int) -> IntArray:
        return np.array([event.item for event in self.persons[person]], dtype=np.int64)

    def last_days(self, now: float, days: float) -> FloatArray:
        """Every item's count (n_items,) since so many days ago."""
        start = int(np.searchsorted(self.times, now - days * DAY))
        recent = np.array(self.items[start:], dtype=np.int64)
        return np.bincount(recent, minlength=self.n_items).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learned before a period, and the seconds it took."""

    encoder: Encoder
    near: ItemToItem
    seconds: float


@dataclass(slots=True)
class Asked:
    """Pools, what was chosen, and what the peer would have shown."""

    pools: list[Pool] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    popular: list[Pool] = field(default_factory=list)

    def outcome(self, blend: Blend) -> Outcome:
        return outcome_of([ranked(blend, pool) for pool in self.pools], np.array(self.targets))

    def peer(self) -> Outcome:
        pages = [ranked(Blend({"popular": 1.0}), pool) for pool in self.popular]
        return outcome_of(pages, np.array(self.targets))


def fit(events: Interactions, n_items: int) -> Fitted:
    clock = Clock()
    with clock.running():
        sequences = [part for part in events.sequences() if len(part) > 2]
        holdout = Holdout(
            [part[:-1] for part in sequences], np.array([part[-1] for part in sequences])
        )
        result = train(Setup(holdout.histories, holdout, n_items, MODEL, TRAINING))
        near = ItemToItem(fit_neighbours(events, n_items))
    return Fitted(Encoder(result.weights, result.config), near, clock.seconds)


def sources_at(past: Past, fitted: Fitted, now: float) -> list[Source]:
    week, month = past.last_days(now, 7), past.last_days(now, 30)
    return [
        Transitions(past.counts, SETTINGS),
        SequenceScores(fitted.encoder),
        fitted.near,
        Popular(week),
        Trending(week, month),
    ]


def walk(events: Interactions, past: Past, fitted: Fitted, seed: int) -> Asked:
    """Predict some of a period's events, learn from all of them."""
    random, asked = np.random.default_rng(seed), Asked()
    chosen = set(random.permutation(len(events))[:ASKED].tolist())
    rows = zip(events.persons.tolist(), events.items.tolist(), events.times.tolist(), strict=True)
    for place, (person, item, time) in enumerate(rows):
        if place in chosen:
            context = context_of(past.history(person), past.n_items)
            asked.pools.append(gather(sources_at(past, fitted, time), context, POOL))
            popular = Popular(past.last_days(time, 7))
            asked.popular.append(gather([popular], context, POOL))
            asked.targets.append(item)
        past.add(person, Event(item, time))
    return asked


def report(events: Interactions, n_items: int) -> list[str]:
    places = np.arange(len(events))
    bounds = [int(share * len(events)) for share in (VALIDATION, TEST)]
    first, second, third = (events.chosen(part) for part in np.split(places, bounds))
    past = Past(n_items)
    for row in zip(first.persons.tolist(), first.items.tolist(), first.times.tolist(), strict=True):
        past.add(row[0], Event(row[1], row[2]))
    validation = walk(second, past, fit(first, n_items), seed=1)
    blend = fit_weights(validation.pools, np.array(validation.targets))
    fitted = fit(events.chosen(places < bounds[1]), n_items)
    test = walk(third, past, fitted, seed=2)
    catalogue = Catalogue(n_items, np.bincount(events.items, minlength=n_items))
    table = quality_table()
    table.rows.append(quality_row("popular in the last 7 days", test.peer(), catalogue, 0.0))
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in blend.weights.items())
    table.rows.append(
        quality_row("**blend**", test.outcome(blend), catalogue, fitted.seconds, weights)
    )
    return [str(table)]
