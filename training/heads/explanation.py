"""Which words gave a text its label: each is left out in turn, and the label's odds are compared.

Occlusion (arXiv:1311.2901) needs nothing but predictions. How faithful it is, the deletion test
tells: without the words that count most the odds must fall faster than without words by chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from training.heads.prediction import Classifier
from training.heads.words import Word, words

MOST_WORDS = 120
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)
CHANCES = 3


@dataclass(frozen=True, slots=True)
class WordWeight:
    """Characters [start, end) of the text, and what they add to the label's log-odds."""

    start: int
    end: int
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """`faithfulness` is by how much more the label's probability falls without the words that
    count most than without as many others, on average over shares of the words; above 0 is good.
    """

    label: str
    words: list[WordWeight]
    faithfulness: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def explained(head: Classifier, text: str) -> Explanation:
    """Why the head gives the text its likeliest label; of a long text, by its first words."""
    own = words(text)[:MOST_WORDS]
    (found,) = head.predict([text])
    odds = Odds(head, text, own, found.label)
    without = odds.without([[place] for place in range(len(own))])
    whole = log_odds(found.probability)
    weights = [whole - log_odds(share) for share in without]
    told = [
        WordWeight(word.start, word.end, word.text, round(weight, 4))
        for word, weight in zip(own, weights, strict=True)
    ]
    return Explanation(found.label, told, deletion_test(odds, weights, found.probability))


@dataclass(frozen=True, slots=True)
class Odds:
    """The probability of one label for a text without some of its words."""

    head: Classifier
    text: str
    words: Sequence[Word]
    label: str

    def without(self, left_out: Sequence[Sequence[int]]) -> list[float]:
        texts = [cut(self.text, [self.words[place] for place in places]) for places in left_out]
        return [each.probabilities[self.label] for each in self.head.predict(texts)]


def cut(text: str, gone: Sequence[Word]) -> str:
    for word in sorted(gone, key=lambda each: -each.start):
        text = text[: word.start] + text[word.end :]
    return " ".join(text.split())


def log_odds(share: float) -> float:
    kept = min(max(share, 1e-6), 1 - 1e-6)
    return math.log(kept / (1 - kept))


def deletion_test(odds: Odds, weights: Sequence[float], whole: float) -> float:
    """Comprehensiveness (arXiv:1911.03429) less that of as many words by chance."""
    count = len(weights)
    if count < 2:
        return 0.0
    order = np.argsort(-np.asarray(weights), kind="stable").tolist()
    sizes = [max(1, round(share * count)) for share in SHARES]
    chance = np.random.default_rng(0)
    drawn = [chance.permutation(count)[:size].tolist() for size in sizes for _ in range(CHANCES)]
    found = odds.without([*(order[:size] for size in sizes), *drawn])
    chosen, others = np.mean(found[: len(sizes)]), np.mean(found[len(sizes) :])
    return round(float((whole - chosen) - (whole - others)), 4)
