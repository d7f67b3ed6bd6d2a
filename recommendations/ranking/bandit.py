"""Which of several variants to show: Thompson sampling, with intervals that may be watched.

Sources: Chapelle and Li, "An Empirical Evaluation of Thompson Sampling" (2011); Robbins'
beta-binomial mixture, see Howard et al., "Time-uniform, nonparametric, nonasymptotic confidence
sequences" (2021).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recommendations.ranking.arrays import FloatArray

LEVEL = 0.95
STEPS = 60
LEAST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Arm:
    """A variant: how often it was shown, and how often that was a success.

    Raises ValueError unless 0 <= clicks <= impressions.
    """

    impressions: int = 0
    clicks: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.clicks <= self.impressions:
            raise ValueError("clicks must be from 0 to the number of impressions")

    @property
    def rate(self) -> float:
        return self.clicks / self.impressions if self.impressions else 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """The arm to keep, or None as long as it is open; `equal` if no other can be much better."""

    winner: int | None
    equal: bool = False


def sampled(arms: Sequence[Arm], random: np.random.Generator, draws: int) -> FloatArray:
    """(draws, arms) success rates that fit what was seen, from uniform priors."""
    clicks = np.array([arm.clicks for arm in arms])
    rest = np.array([arm.impressions for arm in arms]) - clicks
    return random.beta(1 + clicks, 1 + rest, size=(draws, len(arms)))


def choose(arms: Sequence[Arm], random: np.random.Generator) -> int:
    """The arm to show next: each as often as it is the best for all that is known.

    Arms that were hardly shown come first: an unlucky one would else stay undecided for good.
    """
    new = [place for place, arm in enumerate(arms) if arm.impressions < LEAST_SHOWN]
    if new:
        return int(random.choice(new))
    return int(sampled(arms, random, 1).argmax())


def chances(arms: Sequence[Arm], random: np.random.Generator, draws: int = 4000) -> FloatArray:
    """(arms,) how probable it is that each is the best."""
    best = sampled(arms, random, draws).argmax(axis=1)
    return np.bincount(best, minlength=len(arms)) / draws


def interval(arm: Arm, level: float = LEVEL) -> tuple[float, float]:
    """Holds the true rate at every moment of the arm's life at once with probability `level`.

    So one may look as often as one likes and stop when one likes, and how impressions were
    divided among arms does not matter. It is wider than an interval for a single look.
    """
    if not arm.impressions:
        return 0.0, 1.0
    limit = -math.log(1 - level)
    low = _boundary(arm, limit, inside=arm.rate, outside=0.0)
    return low, _boundary(arm, limit, inside=arm.rate, outside=1.0)


def evidence(arm: Arm, rate: float) -> float:
    """The logarithm of the evidence against a rate: a uniform mixture's likelihood over its."""
    rest = arm.impressions - arm.clicks
    mixture = (
        math.lgamma(1 + arm.clicks) + math.lgamma(1 + rest) - math.lgamma(2 + arm.clicks + rest)
    )
    for count, share in ((arm.clicks, rate), (rest, 1 - rate)):
        if count and share <= 0:
            return math.inf
        mixture -= count * math.log(share) if count else 0.0
    return mixture


def _boundary(arm: Arm, limit: float, inside: float, outside: float) -> float:
    """Where the evidence reaches the limit between a rate inside and the end of the scale."""
    if evidence(arm, outside) <= limit:
        return outside
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if evidence(arm, middle) <= limit else (inside, middle)
    return outside


def decide(arms: Sequence[Arm], level: float = LEVEL, tolerance: float = 0.0) -> Decision:
    """Stop when one arm's interval is above all others', or no other can be `tolerance` better.

    The level is for all arms together (Bonferroni), so it holds however often this is asked.
    """
    if len(arms) < 2:
        return Decision(0 if arms else None)
    each = 1 - (1 - level) / len(arms)
    bounds = [interval(arm, each) for arm in arms]
    leader = max(range(len(arms)), key=lambda index: (bounds[index][0], arms[index].rate))
    rival = max(high for index, (_, high) in enumerate(bounds) if index != leader)
    if bounds[leader][0] > rival:
        return Decision(leader)
    if rival - bounds[leader][0] <= tolerance:
        return Decision(leader, equal=True)
    return Decision(None)
