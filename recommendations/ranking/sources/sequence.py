"""What the sequence model expects next, from a person's vector and the items' vectors."""

from __future__ import annotations

from recommendations.ranking.arrays import FloatArray
from recommendations.ranking.candidates import Candidates, Context
from recommendations.ranking.sequence.forward import Encoder


class SequenceScores:
    """`items` (n_items, d) may hold more or other rows than the encoder read in training.

    For example vectors for cold items that were mapped from text (`cold.CoordinateMap`).
    """

    name = "sequence"

    def __init__(self, encoder: Encoder, items: FloatArray | None = None) -> None:
        self.encoder = encoder
        self.items = encoder.items if items is None else items

    def candidates(self, context: Context, k: int) -> Candidates:
        history = context.recent(self.encoder.config.length)[0][::-1]
        person = self.encoder.encode(history)
        if person is None:
            return Candidates.none()
        return Candidates.best(self.items @ person, k, context.allowed)
