"""A workspace's behaviour as arrays, and the newest days set apart to measure on."""

from dataclasses import dataclass

import numpy as np

from recommendations.models import Catalogue, Interaction
from recommendations.ranking.arrays import IdMap, IntArray, Interactions
from recommendations.services.interactions import type_weight

CHUNK = 10_000
# The newest share of the events is what a model is measured on.
NEWEST_SHARE = 0.1
MOST_CASES = 2_000
HISTORY = 50


@dataclass(frozen=True, slots=True)
class Case:
    """Somebody's next event on the newest days: what came before it, and what it was."""

    history: IntArray
    target: int
    now: float


@dataclass(frozen=True, slots=True)
class Behaviour:
    """All telling events, those before the newest days, and cases of the newest days."""

    n_items: int
    everything: Interactions
    before: Interactions
    cases: list[Case]

    @property
    def chosen_on(self) -> list[Case]:
        """Every other case: settings and weights are chosen on these."""
        return self.cases[::2]

    @property
    def judged_on(self) -> list[Case]:
        """The others: the numbers that are shown are of these alone."""
        return self.cases[1::2]

    def left_out(self) -> tuple[Interactions, list[Case]]:
        """All events but the last of persons who came on the newest days, and those as cases."""
        ordered = self.everything.sorted()
        last = np.append(ordered.persons[1:] != ordered.persons[:-1], True)
        since = self.before.times.max(initial=-np.inf)
        chosen = np.flatnonzero(last & (ordered.times > since))
        starts = np.searchsorted(ordered.persons, ordered.persons[chosen])
        cases, left = [], np.zeros(len(ordered), np.bool_)
        for start, place in zip(starts.tolist(), chosen.tolist(), strict=True):
            history, target = ordered.items[start:place], int(ordered.items[place])
            if len(history) and target not in history:
                left[place] = True
                cases.append(Case(history[-HISTORY:], target, float(ordered.times[place])))
        return ordered.chosen(~left), sampled(cases)


def sampled(cases: list[Case]) -> list[Case]:
    """At most MOST_CASES of them, in their order."""
    if len(cases) <= MOST_CASES:
        return cases
    chosen = np.random.default_rng(0).choice(len(cases), MOST_CASES, replace=False)
    return [cases[place] for place in np.sort(chosen)]


def load_behaviour() -> Behaviour:
    """Read the events of the workspace in scope, in time order."""
    size = Catalogue.objects.values_list("next_number", flat=True).first() or 0
    people = IdMap()
    persons, items, times, weights = [], [], [], []
    rows = Interaction.objects.telling().order_by("occurred_at", "pk")
    columns = ("person_id", "item__number", "occurred_at", "type")
    for person, number, at, kind in rows.values_list(*columns).iterator(chunk_size=CHUNK):
        persons.append(people.add(person))
        items.append(number)
        times.append(at.timestamp())
        weights.append(type_weight(kind))
    everything = Interactions(
        np.array(persons, np.int64),
        np.array(items, np.int64),
        np.array(times, np.float64),
        np.array(weights, np.float64),
    )
    return split(everything, size)


def split(everything: Interactions, n_items: int) -> Behaviour:
    """The events before the newest tenth, and a case for each person who came back in it."""
    if not len(everything):
        return Behaviour(n_items, everything, everything, [])
    since = float(np.quantile(everything.times, 1 - NEWEST_SHARE))
    before = everything.before(since)
    histories = dict(enumerate(before.sequences(int(everything.persons.max()) + 1)))
    cases: list[Case] = []
    newest = everything.since(since)
    for person, item, time in zip(newest.persons, newest.items, newest.times, strict=True):
        history = histories[int(person)]
        if len(history) and item not in history:
            cases.append(Case(history[-HISTORY:], int(item), float(time)))
        histories[int(person)] = np.append(history, item)
    return Behaviour(n_items, everything, before, sampled(cases))
