"""What kind of taste a person has, from what she clicked and what she passed over.

p persons, n items, k kinds of taste, m impressions. A kind has a click rate for each item, near
those of items whose texts read alike; a person is of one kind, and how probable each kind is
follows from her impressions by Bayes' rule. An answer draws a kind by that probability
(Thompson sampling), so what a person may like is tried until it is known. Numpy alone.
Source: Hofmann and Puzicha, "Latent Class Models for Collaborative Filtering" (IJCAI 1999).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommendations.ranking.arrays import BoolArray, FloatArray, IntArray
from recommendations.ranking.candidates import Candidates, Context
from recommendations.ranking.topk import top_k_products

Array = NDArray[np.float64]
# How many impressions the texts' neighbours, and the mean of all, count for.
TEXT_PRIOR, RATE_PRIOR = 10.0, 5.0
NEIGHBOURS, TEMPERATURE = 20, 0.1
SMALLEST = 1e-4
ROUNDS = 30


class Seen(NamedTuple):
    """m impressions: who saw which item, and whether it was clicked (all (m,))."""

    persons: IntArray
    items: IntArray
    clicked: BoolArray


@dataclass(frozen=True, slots=True)
class TasteModel:
    """Click rates (k, n) and how common each kind is (k,)."""

    rates: Array
    shares: Array

    def kinds(self, clicked: IntArray, skipped: IntArray) -> Array:
        """(k,) how probable each kind is for a person with these items."""
        evidence = np.log(self.shares) + np.log(self.rates[:, clicked]).sum(axis=1)
        evidence += np.log1p(-self.rates[:, skipped]).sum(axis=1)
        return softmax(evidence)


class Taste:
    """Proposes what one kind of taste likes best, drawn anew for each answer.

    Without `random` it is the mean over all kinds instead of a draw.
    """

    name = "taste"

    def __init__(self, model: TasteModel, random: np.random.Generator | None = None) -> None:
        self.model, self.random = model, random

    def candidates(self, context: Context, k: int) -> Candidates:
        kinds = self.model.kinds(context.history, context.skipped)
        if self.random is not None:
            kinds = np.eye(len(kinds))[self.random.choice(len(kinds), p=kinds)]
        return Candidates.best(kinds @ self.model.rates, k, context.allowed)


def fit_taste(
    seen: Seen, text: FloatArray, kinds: int = 12, seed: int = 0, first: TasteModel | None = None
) -> TasteModel:
    """Expectation maximisation; `text` (n, any) has unit rows or zeros.

    Starts from the `first` model, or by chance. A first model of fewer items is left alone.
    """
    persons = int(seen.persons.max(initial=-1)) + 1
    near = neighbours(text)
    if first is not None and first.rates.shape[1] == len(text):
        belongs = kinds_of_all(seen, first, persons)  # (p, k)
    else:
        belongs = np.random.default_rng(seed).dirichlet(np.full(kinds, 0.3), persons)
    for _ in range(ROUNDS):
        model = TasteModel(rates_of(seen, belongs, near), shares_of(belongs))
        belongs = kinds_of_all(seen, model, persons)
    return TasteModel(rates_of(seen, belongs, near), shares_of(belongs))


def shares_of(belongs: Array) -> Array:
    found = belongs.sum(axis=0) + 1.0
    return np.asarray(found / found.sum())


def rates_of(seen: Seen, belongs: Array, near: tuple[IntArray, Array]) -> Array:
    """(k, n) click rates, drawn towards those of items with similar texts."""
    items, weights = near
    found = []
    for belonging in belongs.T[:, seen.persons]:  # (m,) for each kind
        shown = np.bincount(seen.items, belonging, minlength=len(items))
        clicks = np.bincount(seen.items, belonging * seen.clicked, minlength=len(items))
        overall = clicks.sum() / max(1e-9, float(shown.sum()))
        alike = (clicks[items] * weights).sum(axis=1) + RATE_PRIOR * overall
        alike /= (shown[items] * weights).sum(axis=1) + RATE_PRIOR
        found.append((clicks + TEXT_PRIOR * alike) / (shown + TEXT_PRIOR))
    return np.asarray(np.clip(np.array(found), SMALLEST, 1 - SMALLEST), dtype=np.float64)


def kinds_of_all(seen: Seen, model: TasteModel, persons: int) -> Array:
    """(p, k)"""
    evidence = np.tile(np.log(model.shares), (persons, 1))
    for kind, rates in enumerate(model.rates):
        chance = np.where(seen.clicked, rates[seen.items], 1 - rates[seen.items])
        evidence[:, kind] += np.bincount(seen.persons, np.log(chance), minlength=persons)
    return softmax(evidence)


def neighbours(text: FloatArray) -> tuple[IntArray, Array]:
    """The items that read most alike (n, NEIGHBOURS), itself included, and their weights."""
    found = top_k_products(text, text, min(NEIGHBOURS, len(text)))
    weights = np.exp((found.scores.astype(np.float64) - 1) / TEMPERATURE)
    return found.items, weights


def softmax(evidence: Array) -> Array:
    found = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
    return np.asarray(found / found.sum(axis=-1, keepdims=True))
