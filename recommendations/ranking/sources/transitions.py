"""What follows what: first-order transition counts with skips, updated with every event.

In a person's sequence an item counts towards each of the `window` items after it, less for
every item between. Counts are a pure function of the sequences: the order of arrival, late
events and replays change nothing, for an insertion undoes what it pulls apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.arrays import IntArray, Interactions
from recommendations.ranking.candidates import Candidates, Context
from recommendations.ranking.sources.popularity import growth


class Event(NamedTuple):
    """A person did something with `item` at `time` (unix seconds)."""

    item: int
    time: float
    weight: float = 1.0


class Increment(NamedTuple):
    """Add `weight` to the count of `target` after `source`."""

    source: int
    target: int
    weight: float


class TransitionRows(NamedTuple):
    """Stored counts, one row (m,) a pair of items."""

    sources: IntArray
    targets: IntArray
    counts: NDArray[np.float64]


Rows = Callable[[IntArray], TransitionRows]


@dataclass(frozen=True, slots=True)
class TransitionSettings:
    """`skip` and `recency` are factors per step, `half_life` is in seconds (None: no decay).

    The newest `recent` items of a history are looked up. `shrinkage` is the power of a row's sum
    that its counts are divided by: 0 prefers rows with many counts, 1 treats all rows alike.
    """

    window: int = 10
    skip: float = 0.7
    recent: int = 20
    recency: float = 0.7
    shrinkage: float = 0.85
    half_life: float | None = None

    def pair(self, target: Event, gap: int) -> float:
        """What `target` adds to the count after an item `gap` places before it."""
        grown = growth(target.time, self.half_life) if self.half_life else 1.0
        return target.weight * grown * float(self.skip ** (gap - 1))


def insertion(
    event: Event, before: Sequence[Event], after: Sequence[Event], settings: TransitionSettings
) -> list[Increment]:
    """What a new event changes, given its neighbours in the person's sequence (oldest first).

    At least `window` events on either side, as far as there are so many; others do no harm.
    """
    changes = [*_new_pairs(event, before, after, settings), *_parted(before, after, settings)]
    sums: dict[tuple[int, int], float] = {}
    for source, target, weight in changes:
        sums[source, target] = sums.get((source, target), 0.0) + weight
    return [Increment(*pair, weight) for pair, weight in sums.items() if weight]


def removal(
    event: Event, before: Sequence[Event], after: Sequence[Event], settings: TransitionSettings
) -> list[Increment]:
    """What a deleted event changes: the inverse of its insertion."""
    changes = insertion(event, before, after, settings)
    return [change._replace(weight=-change.weight) for change in changes]


def _new_pairs(
    event: Event, before: Sequence[Event], after: Sequence[Event], settings: TransitionSettings
) -> Iterator[Increment]:
    """The event with what came before it, and what came after with the event."""
    for gap, earlier in enumerate(reversed(before[-settings.window :]), start=1):
        if earlier.item != event.item:
            yield Increment(earlier.item, event.item, settings.pair(event, gap))
    for gap, later in enumerate(after[: settings.window], start=1):
        if later.item != event.item:
            yield Increment(event.item, later.item, settings.pair(later, gap))


def _parted(
    before: Sequence[Event], after: Sequence[Event], settings: TransitionSettings
) -> Iterator[Increment]:
    """Pairs around the event move one place apart, and out of each other's window at its end."""
    for back, earlier in enumerate(reversed(before[-settings.window :]), start=1):
        for ahead, later in enumerate(after[: settings.window - back + 1], start=1):
            gap = back + ahead - 1
            if earlier.item != later.item:
                moved = settings.pair(later, gap + 1) if gap < settings.window else 0.0
                yield Increment(earlier.item, later.item, moved - settings.pair(later, gap))


class Transitions:
    """Proposes what followed the newest items of the history.

    `rows` gives the stored counts of all pairs whose source is one of the items asked for.
    """

    name = "transitions"

    def __init__(self, rows: Rows, settings: TransitionSettings | None = None) -> None:
        self.rows, self.settings = rows, settings or TransitionSettings()

    def candidates(self, context: Context, k: int) -> Candidates:
        items, weights = context.recent(self.settings.recent)
        if not len(items):
            return Candidates.none()
        factors = weights * self.settings.recency ** np.arange(len(items))
        targets, scores = scored(
            self.rows(np.unique(items)), items, factors, self.settings.shrinkage
        )
        return Candidates.best_of(targets, scores, k, context.allowed)


def scored(
    rows: TransitionRows, items: IntArray, factors: NDArray[np.float64], shrinkage: float
) -> tuple[IntArray, NDArray[np.float64]]:
    """Targets (a target once per source) and scores for history items that count with `factors`."""
    sources, row = np.unique(rows.sources, return_inverse=True)
    sums = np.bincount(row, np.maximum(rows.counts, 0.0), minlength=len(sources))
    place = np.searchsorted(sources, items)
    known = place < len(sources)
    known[known] = sources[place[known]] == items[known]
    factor = np.bincount(place[known], factors[known], minlength=len(sources)) / (
        np.maximum(sums, 1e-300) ** shrinkage
    )
    kept = rows.counts > 0
    return rows.targets[kept], (factor[row] * rows.counts)[kept]


class TransitionTable:
    """Counts of a whole catalogue in memory, in rows by source: (n_items + 1,) offsets."""

    def __init__(self, rows: TransitionRows, n_items: int) -> None:
        order = np.lexsort((rows.targets, rows.sources))
        self.targets, self.counts = rows.targets[order], rows.counts[order]
        self.offsets = np.searchsorted(rows.sources[order], np.arange(n_items + 1))

    def __call__(self, items: IntArray) -> TransitionRows:
        starts, ends = self.offsets[items], self.offsets[items + 1]
        lengths = ends - starts
        places = np.repeat(ends - lengths.cumsum(), lengths) + np.arange(lengths.sum())
        return TransitionRows(np.repeat(items, lengths), self.targets[places], self.counts[places])


def counted(interactions: Interactions, settings: TransitionSettings) -> TransitionRows:
    """All counts at once: what inserting the events one by one would come to."""
    ordered = interactions.sorted()
    weights = ordered.weights
    if settings.half_life:
        weights = weights * np.array([growth(time, settings.half_life) for time in ordered.times])
    n_items = int(ordered.items.max(initial=-1)) + 1
    codes, sums = np.empty(0, np.int64), np.empty(0)
    for gap in range(1, settings.window + 1):
        earlier, later = ordered.items[:-gap], ordered.items[gap:]
        kept = (ordered.persons[:-gap] == ordered.persons[gap:]) & (earlier != later)
        new = (earlier * n_items + later)[kept]
        added = (weights[gap:] * settings.skip ** (gap - 1))[kept]
        codes, places = np.unique(np.concatenate((codes, new)), return_inverse=True)
        both = np.concatenate((sums, added))
        sums = np.bincount(places, both, minlength=len(codes)).astype(np.float64)
    sources, targets = np.divmod(codes, max(1, n_items))
    return TransitionRows(sources, targets, sums)
