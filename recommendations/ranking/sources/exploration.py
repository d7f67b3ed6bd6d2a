"""Items that too few have seen to know what they are worth: tried where they may be good."""

from __future__ import annotations

import numpy as np

from recommendations.ranking.arrays import IntArray
from recommendations.ranking.candidates import Candidates, Context

# A catalogue's click rate as a prior: one click in twenty impressions.
PRIOR_CLICKS, PRIOR_REST = 1.0, 19.0


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
        kept = slice(None) if context.allowed is None else context.allowed[self.items]
        clicks, rest = self.clicks[kept] + PRIOR_CLICKS, self.rest[kept] + PRIOR_REST
        drawn = self.random.beta(clicks, rest)
        best = Candidates.best(drawn, k, None)
        return Candidates(self.items[kept][best.items], best.scores)
