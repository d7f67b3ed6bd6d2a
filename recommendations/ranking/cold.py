"""Vectors for items that nobody has dealt with: mapped from their text to behaviour.

n items, t text dimensions, d dimensions of behaviour. A ridge regression learns from items that
have both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.arrays import BoolArray, FloatArray

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
FOLDS = 5


def fit_map(text: FloatArray, vectors: FloatArray, seed: int = 0) -> NDArray[np.float64]:
    """(t + 1, d) from text (n, t) of warm items to their vectors (n, d); the last row is a bias.

    How strongly it is held back is chosen by what it says of items it was not fitted on.
    """
    inputs = extended(text)
    fold = np.random.default_rng(seed).permutation(len(inputs)) % FOLDS
    errors = [
        sum(_error(inputs, vectors, fold == part, strength) for part in range(FOLDS))
        for strength in STRENGTHS
    ]
    return _ridge(inputs, vectors, STRENGTHS[int(np.argmin(errors))])


def mapped(text: FloatArray, weights: NDArray[np.float64]) -> FloatArray:
    """(n, t) -> (n, d)"""
    return np.asarray(extended(text) @ weights, dtype=np.float32)


def completed(vectors: FloatArray, text: FloatArray, warm: BoolArray, seed: int = 0) -> FloatArray:
    """Item vectors (n, d) in which those that are not `warm` (n,) come from their text (n, t)."""
    found = vectors.astype(np.float32, copy=True)
    if warm.any() and not warm.all():
        found[~warm] = mapped(text[~warm], fit_map(text[warm], vectors[warm], seed))
    return found


def extended(text: FloatArray) -> NDArray[np.float64]:
    return np.column_stack((text, np.ones(len(text)))).astype(np.float64)


def _ridge(
    inputs: NDArray[np.float64], vectors: FloatArray, strength: float
) -> NDArray[np.float64]:
    penalty = strength * np.eye(inputs.shape[1])
    penalty[-1, -1] = 1e-9  # the bias is free
    wanted = inputs.T @ vectors.astype(np.float64)
    return np.asarray(np.linalg.solve(inputs.T @ inputs + penalty, wanted), dtype=np.float64)


def _error(
    inputs: NDArray[np.float64], vectors: FloatArray, held: BoolArray, strength: float
) -> float:
    weights = _ridge(inputs[~held], vectors[~held], strength)
    return float(np.square(inputs[held] @ weights - vectors[held]).sum())
