"""The learned ranker: how probable a click is, from what the sources say. Numpy alone.

`ranker_training.py` fits it from logged impressions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.blending import Pool


@dataclass(frozen=True, slots=True)
class LinearRanker:
    """Logistic regression on features by name; the bias is that of the first position.

    An item has `proposed` (s,) of each source that proposes it, and `weights` (s,) times the
    feature: not to be proposed is not the same as a small share.
    Raises ValueError if there are not as many weights as names, or one is not finite.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    proposed: tuple[float, ...]
    bias: float

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.weights) == len(self.proposed):
            raise ValueError("there must be one weight for each name")
        if not np.isfinite([*self.weights, *self.proposed, self.bias]).all():
            raise ValueError("weights must be finite")

    def scaled(self, factors: Mapping[str, float]) -> LinearRanker:
        """The same with what each source says made to count so many times as much."""
        scale = [factors.get(name, 1.0) for name in self.names]
        weights, proposed = (
            tuple(np.multiply(part, scale).tolist()) for part in (self.weights, self.proposed)
        )
        return LinearRanker(self.names, weights, proposed, self.bias)

    def contributions(self, pool: Pool) -> NDArray[np.float64]:
        """(m, s) in log odds."""
        places = {name: place for place, name in enumerate(self.names)}
        rows = [places.get(name, len(places)) for name in pool.names]
        weights = np.array([*self.weights, 0.0])[rows]
        proposed = np.array([*self.proposed, 0.0])[rows]
        return np.asarray(pool.features * weights + (pool.features > 0) * proposed)

    def scores(self, pool: Pool) -> NDArray[np.float64]:
        """(m,) probabilities of a click at the first position."""
        logits = self.bias + self.contributions(pool).sum(axis=1)
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60.0, 60.0))))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> LinearRanker:
        weights, proposed = (tuple(map(float, raw[name])) for name in ("weights", "proposed"))
        return cls(tuple(raw["names"]), weights, proposed, float(raw["bias"]))
