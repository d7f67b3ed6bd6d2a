"""Comparing two ways of answering: who gets which, and when the difference is real.

Sources: Johari et al., "Always Valid Inference" (2022; mSPRT); Lindon and Malek, "Anytime-Valid
Inference for Multinomial Count Data" (2022; sample ratio).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

LEVEL = 0.95
# The central limit theorem stands behind the test: below so many it says nothing.
LEAST = 100
# Sample ratios are expected to be wrong by about a percent or two, if they are wrong.
CONCENTRATION = 1000.0


def bucket(salt: str, person: str, shares: Sequence[float]) -> int:
    """Which of the `shares` a person is in: always the same, independent between salts.

    Raises ValueError unless the shares are positive numbers.
    """
    if not shares or not all(share > 0 and math.isfinite(share) for share in shares):
        raise ValueError("shares must be positive numbers")
    digest = hashlib.sha256(f"{salt}\0{person}".encode()).digest()
    place = int.from_bytes(digest[:8]) / 2**64 * sum(shares)
    return next(
        (index for index, end in enumerate(accumulate(shares)) if place < end), len(shares) - 1
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """Outcomes of one group as sums: how many, their sum, the sum of their squares."""

    count: int
    total: float
    squares: float

    @classmethod
    def of_clicks(cls, impressions: int, clicks: int) -> Sample:
        return cls(impressions, clicks, clicks)

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0

    @property
    def variance(self) -> float:
        """Of a single outcome."""
        return max(0.0, self.squares / self.count - self.mean**2) if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Treatment minus control, an interval around it, and a p value; valid at every look."""

    difference: float
    low: float
    high: float
    p_value: float

    def is_decided(self, level: float = LEVEL) -> bool:
        return self.p_value <= 1 - level


def compare(
    control: Sample, treatment: Sample, expected: float = 0.01, level: float = LEVEL
) -> Comparison:
    """A mixture sequential probability ratio test of "no difference".

    `expected` is how large a difference would be worth finding, in the outcome's unit; it is
    chosen before the first look. The error rate holds for all looks together; asymptotic in the
    groups' sizes, so nothing is said before both have LEAST outcomes.
    """
    difference = treatment.mean - control.mean
    if min(control.count, treatment.count) < LEAST:
        return Comparison(difference, -math.inf, math.inf, 1.0)
    variance = control.variance / control.count + treatment.variance / treatment.count
    if variance <= 0:
        return Comparison(difference, -math.inf, math.inf, 1.0)
    mixed, prior = variance + expected**2, expected**2
    exponent = prior * difference**2 / (2 * variance * mixed)
    log_ratio = 0.5 * math.log(variance / mixed) + exponent
    width = math.sqrt(
        2 * variance * mixed / prior * (0.5 * math.log(mixed / variance) - math.log(1 - level))
    )
    p_value = math.exp(-max(0.0, log_ratio))
    return Comparison(difference, difference - width, difference + width, p_value)


def sample_ratio(counts: Sequence[int], shares: Sequence[float]) -> float:
    """A p value of "persons were divided as the shares say", valid at every look.

    Below about 0.001 something is broken: redirects, bots, lost events; trust no result then.
    """
    whole, total = sum(shares), sum(counts)
    log_ratio = math.lgamma(CONCENTRATION) - math.lgamma(CONCENTRATION + total)
    for count, share in zip(counts, shares, strict=True):
        prior = CONCENTRATION * share / whole
        log_ratio += math.lgamma(prior + count) - math.lgamma(prior)
        log_ratio -= count * math.log(share / whole)
    return math.exp(-max(0.0, log_ratio))
