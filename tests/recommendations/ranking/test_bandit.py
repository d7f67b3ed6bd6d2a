"""Variants are tried fairly, and intervals hold at every look."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ranking.bandit import (
    Arm,
    Decision,
    chances,
    choose,
    decide,
    evidence,
    interval,
)


def test_the_better_arm_is_shown_more_and_more() -> None:
    random, rates = np.random.default_rng(0), np.array([0.05, 0.15, 0.10])
    arms = [Arm(), Arm(), Arm()]
    for _ in range(4000):
        chosen = choose(arms, random)
        clicked = random.random() < rates[chosen]
        arms[chosen] = Arm(arms[chosen].impressions + 1, arms[chosen].clicks + clicked)
    assert arms[1].impressions > 2500
    assert chances(arms, random)[1] > 0.9


def test_intervals_hold_at_every_look_while_arms_are_chosen_by_what_was_seen() -> None:
    """150 runs, 2 arms, looked at after every 50 of 1,000 impressions."""
    random, rates, missed = np.random.default_rng(1), (0.1, 0.12), 0
    for _ in range(150):
        arms, outside = [Arm(), Arm()], False
        for _ in range(20):
            share = chances(arms, random, 50)[0]
            shown = (int(random.binomial(50, share)),)
            for index, count in enumerate((shown[0], 50 - shown[0])):
                clicks = int(random.binomial(count, rates[index]))
                old = arms[index]
                arms[index] = Arm(old.impressions + count, old.clicks + clicks)
            low, high = interval(arms[0], 0.9)
            outside |= not low <= rates[0] <= high
        missed += outside
    assert missed <= 15 + 3 * 3.7  # a tenth and three standard deviations


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_an_interval_holds_what_was_seen(clicks: int, rest: int) -> None:
    arm = Arm(clicks + rest, clicks)
    low, high = interval(arm)
    assert 0 <= low <= arm.rate <= high <= 1 or not arm.impressions
    wide_low, wide_high = interval(arm, 0.999)
    assert wide_low <= low
    assert high <= wide_high


def test_intervals_shrink_with_what_is_known() -> None:
    widths = [high - low for low, high in (interval(Arm(n, n // 10)) for n in (10, 1000, 100_000))]
    assert widths[0] > 4 * widths[1] > 16 * widths[2]
    assert interval(Arm()) == (0.0, 1.0)


def test_impossible_rates_are_refuted_at_once() -> None:
    assert evidence(Arm(5, 1), 0.0) == evidence(Arm(5, 1), 1.0) == np.inf
    assert evidence(Arm(5, 0), 0.0) < 0


def test_a_decision_waits_for_intervals_that_do_not_meet() -> None:
    assert decide([Arm(100, 5), Arm(100, 10)]) == Decision(None)
    assert decide([Arm(5000, 250), Arm(5000, 500)]) == Decision(1)
    assert decide([Arm(900_000, 90_000), Arm(900_000, 90_050)], tolerance=0.01) == Decision(
        1, equal=True
    )


def test_one_arm_has_won_and_none_has_not() -> None:
    assert decide([Arm()]) == Decision(0)
    assert decide([]) == Decision(None)


@pytest.mark.parametrize(("impressions", "clicks"), [(1, 2), (5, -1), (-1, 0)])
def test_counts_are_checked(impressions: int, clicks: int) -> None:
    with pytest.raises(ValueError, match="clicks"):
        Arm(impressions, clicks)
