"""The learned ranker: how probable a click is, from what the sources say. Numpy alone.

`ranker_training.py` fits it from logged impressions.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.blending import Pool


@dataclass(frozen=True, slots=True)
class LinearRanker:
    """Logistic regression: weights (s,) for features by name, and a bias at the first position.

    Raises ValueError if there are not as many weights as names, or one is not finite.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    bias: float

    def __post_init__(self) -> None:
        if len(self.names) != len(self.weights):
            raise ValueError("there must be one weight for each name")
        if not np.isfinite([*self.weights, self.bias]).all():
            raise ValueError("weights must be finite")

    def contributions(self, pool: Pool) -> NDArray[np.float64]:
        """(m, s) in log odds."""
        own = dict(zip(self.names, self.weights, strict=True))
        return np.asarray(pool.features * np.array([own.get(name, 0.0) for name in pool.names]))

    def scores(self, pool: Pool) -> NDArray[np.float64]:
        """(m,) probabilities of a click at the first position."""
        logits = self.bias + self.contributions(pool).sum(axis=1)
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60.0, 60.0))))

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> LinearRanker:
        raw = json.loads(text)
        return cls(tuple(raw["names"]), tuple(map(float, raw["weights"])), float(raw["bias"]))
