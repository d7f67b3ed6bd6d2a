"""When to say "none of these": found with classes that training leaves out in turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.heads.linear import fit_linear

# With fewer classes, those that are left would be another task.
LEAST_CLASSES = 5
FOLDS = 3
MOST_ROWS = 6_000


@dataclass(frozen=True, slots=True)
class Rows:
    """Fixed features (n, size) and classes (n,)."""

    features: Tensor
    targets: Tensor

    def where(self, chosen: Tensor) -> Rows:
        return Rows(self.features[chosen], self.targets[chosen])


@dataclass(frozen=True, slots=True)
class Confidences:
    """How sure a head was of rows of its own classes, whether rightly, and of all others."""

    known: NDArray[np.float64]
    right: NDArray[np.bool_]
    unknown: NDArray[np.float64]


def known_share(training: Rows, validation: Rows, strength: float, seed: int) -> float:
    """The share of texts of known classes that is to be answered, so that others are told best.

    A class that a head never saw stands for what is of no class. 1 where that cannot be tried.
    """
    classes = int(training.targets.max()) + 1
    if classes < LEAST_CLASSES:
        return 1.0
    order = np.random.default_rng(seed).permutation(classes)
    size = max(1, classes // LEAST_CLASSES)
    found = [
        fold(training, validation, strength, torch.from_numpy(order[start : start + size].copy()))
        for start in range(0, min(FOLDS * size, classes), size)
    ]
    return best_share(
        Confidences(
            np.concatenate([each.known for each in found]),
            np.concatenate([each.right for each in found]),
            np.concatenate([each.unknown for each in found]),
        )
    )


def fold(training: Rows, validation: Rows, strength: float, left_out: Tensor) -> Confidences:
    """A head without these classes, on validation rows of all."""
    kept = training.where(~torch.isin(training.targets, left_out))
    kept = kept.where(torch.arange(len(kept.targets)) < MOST_ROWS)
    places = torch.unique(kept.targets)
    head = fit_linear(kept.features, torch.searchsorted(places, kept.targets), strength)
    sure, guessed = head.logits(validation.features).softmax(-1).max(-1)
    known = torch.isin(validation.targets, places)
    right = places[guessed] == validation.targets
    return Confidences(
        sure[known].double().numpy(), right[known].numpy(), sure[~known].double().numpy()
    )


def best_share(found: Confidences) -> float:
    """Where most of the known are answered rightly and most of the others not at all."""
    if not len(found.known) or not len(found.unknown):
        return 1.0
    thresholds = np.quantile(found.known, np.linspace(0, 0.5, 101))
    answered = found.known[None] >= thresholds[:, None]  # (thresholds, known)
    rightly = (answered & found.right).mean(axis=1)
    refused = (found.unknown[None] < thresholds[:, None]).mean(axis=1)
    return float(answered[int((rightly + refused).argmax())].mean())


def threshold_at(confidences: NDArray[np.float64], share: float) -> float:
    """The confidence that this share of rows reaches; 0 where all are answered."""
    return 0.0 if share >= 1 else float(np.quantile(confidences, 1 - share))
