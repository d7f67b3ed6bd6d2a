"""What reads alike: cosine of text vectors, exact over one tenant's items. Needs no behaviour."""

from __future__ import annotations

import numpy as np

from recommendations.ranking.arrays import BoolArray, FloatArray
from recommendations.ranking.candidates import Candidates, Context, narrowed
from recommendations.ranking.search import Exact, Search

RECENT = 20
RECENCY = 0.8
# A cosine that is so much higher makes an item e times as probable.
TEMPERATURE = 0.1


class TextSimilarity:
    """`vectors` (n_items, d) have unit rows, or zeros for items without text; mapped files do.

    `search` finds the nearest of them; without one it is exact.
    `eligible` (n_items,) limits what is proposed, for example to items that nobody knows yet.
    """

    def __init__(
        self,
        vectors: FloatArray,
        name: str = "text",
        eligible: BoolArray | None = None,
        search: Search | None = None,
    ) -> None:
        self.vectors, self.name, self.eligible = vectors, name, eligible
        self.search = search or Exact(vectors)

    def candidates(self, context: Context, k: int) -> Candidates:
        query = self.query(context)
        if not query.any():
            return Candidates.none()
        best = self.search.best(query, k, narrowed(context.allowed, self.eligible))
        return Candidates(best.items, np.exp((best.scores - 1) / TEMPERATURE))

    def query(self, context: Context) -> FloatArray:
        """(d,): the mean of the newest items' vectors; the newest counts most."""
        items, weights = context.recent(RECENT)
        factors = weights * RECENCY ** np.arange(len(items))
        query = factors @ self.vectors[items].astype(np.float32)
        norm = float(np.linalg.norm(query))
        return np.asarray(query / norm if norm else query, dtype=np.float32)
