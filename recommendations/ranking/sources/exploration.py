"""Items that too few have seen to know what they are worth: tried where they may be good."""

from __future__ import annotations

import numpy as np

from recommendations.ranking.arrays import IntArray
from recommendations.ranking.candidates import Candidates, Context

# A catalogue's click rate as a prior: one click in twenty impressions.
PRIOR_CLICKS, PRIOR_REST = 1.0, 19.0
# Of a large catalogue so many items, others each time, are drawn for.
TRIED = 2000


class Exploration:
    """Thompson sampling over impressions and clicks (n_items,) each.

    An item is proposed as often as it may be the best, so new items come up and bad ones stop.
    Only items below `known` impressions take part: the rest is the other sources' business.
    """

    name = "exploration"

    def __init__(
        self, impressions: IntArray, clicks: IntArray, random: np.random.Generator, known: int = 500
    ) -> None:
        self.items = np.flatnonzero(impressions < known)
        self.clicks = np.minimum(clicks, impressions)[self.items]
        self.rest = impressions[self.items] - self.clicks
        self.random = random

    def candidates(self, context: Context, k: int) -> Candidates:
        places = np.arange(len(self.items))
        if context.allowed is not None:
            places = places[context.allowed[self.items]]
        if len(places) > TRIED:
            places = np.unique(self.random.choice(places, TRIED))
        drawn = self.random.beta(self.clicks[places] + PRIOR_CLICKS, self.rest[places] + PRIOR_REST)
        best = Candidates.best(drawn, k, None)
        return Candidates(self.items[places[best.items]], best.scores)
