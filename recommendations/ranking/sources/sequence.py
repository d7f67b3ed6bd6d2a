"""What the sequence model expects next, from a person's vector and the items' vectors."""

from __future__ import annotations

import numpy as np

from recommendations.ranking.arrays import BoolArray, FloatArray
from recommendations.ranking.candidates import Candidates, Context, narrowed
from recommendations.ranking.search import Exact, Search
from recommendations.ranking.sequence.forward import Encoder


class SequenceScores:
    """`items` (n_items, d) replace the vectors of training, for example with `cold.completed`.

    `eligible` (n_items,) limits what is proposed, for example to cold items. `search` finds the
    nearest of the items; without one it is exact.
    """

    def __init__(
        self,
        encoder: Encoder,
        items: FloatArray | None = None,
        name: str = "sequence",
        eligible: BoolArray | None = None,
        search: Search | None = None,
    ) -> None:
        self.encoder, self.name, self.eligible = encoder, name, eligible
        self.search = search or Exact(encoder.items if items is None else items)

    def candidates(self, context: Context, k: int) -> Candidates:
        history = context.recent(self.encoder.config.length)[0][::-1]
        person = self.encoder.encode(history)
        if person is None:
            return Candidates.none()
        allowed = narrowed(context.allowed, self.eligible)
        best = self.search.best(person, k, allowed)
        # Products are log probabilities up to a constant.
        return Candidates(best.items, np.exp(best.scores - best.scores.max(initial=-np.inf)))
