"""How sure a number is: bootstrap intervals, a paired test, strengths from votes. Numpy alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
RESAMPLES = 2000
# As if everybody had also won and lost so much against everybody: nobody's strength is infinite.
PRIOR = 0.1
ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Interval:
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The mean of ours less theirs, its interval, and how likely chance alone does as much."""

    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Vote:
    """`tie` counts as half a win for each."""

    winner: str
    loser: str
    tie: bool = False


def bootstrap_interval(
    values: Sequence[Any],
    statistic: Callable[[Sequence[Any]], float] | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """Percentile bootstrap (Efron) of the mean, or of any statistic of the values.

    ValueError without values. A corpus metric resamples its texts: pass their indexes as values.
    """
    if not len(values):
        raise ValueError("There is nothing to measure.")
    chance = np.random.default_rng(seed)
    draws = (chance.integers(0, len(values), len(values)) for _ in range(resamples))
    if statistic is None:
        numbers = np.asarray(values, dtype=np.float64)
        found = np.array([numbers[draw].mean() for draw in draws])
        return interval(float(numbers.mean()), found, level)
    found = np.array([statistic([values[place] for place in draw]) for draw in draws])
    return interval(statistic(values), found, level)


def interval(value: float, found: FloatArray, level: float) -> Interval:
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def paired_test(
    ours: Sequence[float], theirs: Sequence[float], *, level: float = 0.95, seed: int = 0
) -> Comparison:
    """Of two systems on the same items: a two-sided sign-flip permutation test of the mean.

    With up to 12 items every flip is tried, else some thousands. ValueError unless as many.
    """
    if len(ours) != len(theirs):
        raise ValueError("A paired test needs the same items on both sides.")
    gaps = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    found = bootstrap_interval(gaps.tolist(), level=level, seed=seed)
    flipped = (signs(len(gaps), seed) * gaps).mean(axis=1)
    extreme = (np.abs(flipped) >= abs(found.value) - 1e-12).mean()
    return Comparison(found.value, found.low, found.high, float(extreme))


def signs(count: int, seed: int) -> FloatArray:
    """(flips, count) of +1 and -1; the first row flips nothing."""
    if count <= 12:
        table = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
    else:
        table = np.random.default_rng(seed).integers(0, 2, (5 * RESAMPLES, count))
        table[0] = 0
    flips: FloatArray = 1.0 - 2.0 * table.astype(np.float64)
    return flips


def bradley_terry(
    votes: Sequence[Vote], *, level: float = 0.95, seed: int = 0, resamples: int = 300
) -> dict[str, Interval]:
    """Log-strengths with mean 0 (Bradley and Terry, 1952), with bootstrap intervals over votes.

    A beats B in exp(a) / (exp(a) + exp(b)) of their meetings.
    """
    names = sorted({name for vote in votes for name in (vote.winner, vote.loser)})
    if not names:
        return {}
    wins = np.array([counted(vote, names) for vote in votes])  # (votes, names, names)
    chance = np.random.default_rng(seed)
    draws = (chance.integers(0, len(votes), len(votes)) for _ in range(resamples))
    found = np.array([strengths(wins[draw].sum(axis=0)) for draw in draws])
    best = strengths(wins.sum(axis=0))
    return {
        name: interval(float(best[place]), found[:, place], level)
        for place, name in enumerate(names)
    }


def counted(vote: Vote, names: list[str]) -> FloatArray:
    """Wins of the row over the column."""
    table = np.zeros((len(names), len(names)))
    winner, loser = names.index(vote.winner), names.index(vote.loser)
    table[winner, loser] = 0.5 if vote.tie else 1.0
    table[loser, winner] += 0.5 if vote.tie else 0.0
    return table


def strengths(wins: FloatArray) -> FloatArray:
    """Minorisation-maximisation (Hunter, 2004)."""
    wins = wins + PRIOR * (1 - np.eye(len(wins)))
    games, won = wins + wins.T, wins.sum(axis=1)
    power = np.ones(len(wins))
    for _ in range(ROUNDS):
        power = won / (games / (power[:, None] + power)).sum(axis=1)
        power /= np.exp(np.log(power).mean())
    logs: FloatArray = np.log(power)
    return logs
