"""Items that too few have seen to know what they are worth: tried where they may be good."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from recommendations.ranking.arrays import BoolArray, IntArray
from recommendations.ranking.candidates import Candidates, Context, Source, narrowed

# A catalogue's click rate as a prior: one click in twenty impressions.
PRIOR_CLICKS, PRIOR_REST = 1.0, 19.0
# Of a large catalogue so many items, others each time, are drawn for.
TRIED = 2000
NEAREST = 50


class Near(NamedTuple):
    """What says how near items are to a person; it knows the first `size` items."""

    source: Source
    size: int


class Exploration:
    """Thompson sampling over impressions and clicks (n_items,) each.

    An item is proposed as often as it may be the best, so new items come up and bad ones stop.
    Only items below `known` impressions take part: the rest is the other sources' business.
    Of those the ones that `near` proposes for the person come first, by what is drawn times how
    near they are; items that it does not know count as its middling ones.
    """

    name = "exploration"

    def __init__(
        self,
        impressions: IntArray,
        clicks: IntArray,
        random: np.random.Generator,
        known: float = 500,
        near: Near | None = None,
    ) -> None:
        self.eligible = impressions < known
        self.clicks = np.minimum(clicks, impressions)
        self.rest = impressions - self.clicks
        self.random, self.near = random, near

    def candidates(self, context: Context, k: int) -> Candidates:
        allowed = narrowed(context.allowed, self.eligible)
        if allowed is not None and not allowed.any():
            return Candidates.none()
        allowed = self.eligible if allowed is None else allowed
        tried = self.nearest(context, allowed)
        if not len(tried):
            tried = self.any_of(allowed, TRIED, 1.0)
        items = tried.items
        drawn = self.random.beta(self.clicks[items] + PRIOR_CLICKS, self.rest[items] + PRIOR_REST)
        best = Candidates.best(drawn * tried.scores, k, None)
        return Candidates(items[best.items], best.scores)

    def nearest(self, context: Context, allowed: BoolArray) -> Candidates:
        """What `near` proposes, and some of what it does not know yet."""
        if self.near is None:
            return Candidates.none()
        known = self.near.source.candidates(replace(context, allowed=allowed), NEAREST)
        if not len(known):
            return known
        later = allowed.copy()
        later[: self.near.size] = False
        new = self.any_of(later, NEAREST, float(np.median(known.scores)))
        return Candidates(
            np.concatenate((known.items, new.items)), np.concatenate((known.scores, new.scores))
        )

    def any_of(self, allowed: BoolArray, most: int, score: float) -> Candidates:
        items = np.flatnonzero(allowed)
        if len(items) > most:
            items = np.unique(self.random.choice(items, most))
        return Candidates(items, np.full(len(items), score, np.float32))
