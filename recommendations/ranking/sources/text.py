"""What reads alike: cosine of text vectors, exact over one tenant's items. Needs no behaviour."""

from __future__ import annotations

import numpy as np

from recommendations.ranking.arrays import BoolArray, FloatArray
from recommendations.ranking.candidates import Candidates, Context

RECENT = 20
RECENCY = 0.8


class TextSimilarity:
    """`vectors` (n_items, d) have unit rows, or zeros for items without text; mapped files do.

    `eligible` (n_items,) limits what is proposed, for example to items that nobody knows yet.
    """

    def __init__(
        self, vectors: FloatArray, name: str = "text", eligible: BoolArray | None = None
    ) -> None:
        self.vectors, self.name, self.eligible = vectors, name, eligible

    def candidates(self, context: Context, k: int) -> Candidates:
        query = self.query(context)
        if not query.any():
            return Candidates.none()
        scores = self.vectors @ query.astype(self.vectors.dtype)
        return Candidates.best(scores, k, self._allowed(context.allowed))

    def query(self, context: Context) -> FloatArray:
        """(d,): the mean of the newest items' vectors; the newest counts most."""
        items, weights = context.recent(RECENT)
        factors = weights * RECENCY ** np.arange(len(items))
        query = factors @ self.vectors[items].astype(np.float32)
        norm = float(np.linalg.norm(query))
        return np.asarray(query / norm if norm else query)

    def _allowed(self, allowed: BoolArray | None) -> BoolArray | None:
        if self.eligible is None or allowed is None:
            return self.eligible if allowed is None else allowed
        return allowed & self.eligible
