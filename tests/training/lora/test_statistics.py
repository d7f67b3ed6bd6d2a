"""Intervals that hold, tests that find what is there and no more, strengths from votes."""

import math

import numpy as np
import pytest

from training.lora.statistics import Vote, bootstrap_interval, bradley_terry, paired_test


def test_the_interval_of_a_mean_is_the_textbooks():
    values = np.random.default_rng(0).normal(5, 2, 400).tolist()
    found = bootstrap_interval(values)
    half = 1.96 * np.std(values) / 20
    assert found.value == pytest.approx(np.mean(values))
    assert found.low == pytest.approx(found.value - half, abs=0.05)
    assert found.high == pytest.approx(found.value + half, abs=0.05)


def test_it_holds_the_truth_about_as_often_as_it_says():
    numbers = np.random.default_rng(1)
    held = 0
    for seed in range(100):
        found = bootstrap_interval(numbers.exponential(1, 60), resamples=300, seed=seed)
        held += found.low <= 1 <= found.high
    assert 85 <= held <= 99


def test_any_statistic_has_an_interval():
    found = bootstrap_interval([1, 2, 3, 4, 100], lambda own: float(np.median(own)), resamples=200)
    assert found.low <= found.value == 3 <= found.high
    with pytest.raises(ValueError, match="nothing"):
        bootstrap_interval([])


def test_a_difference_is_found_and_chance_is_not():
    numbers = np.random.default_rng(2)
    theirs = numbers.normal(size=80)
    better = paired_test(theirs + 0.5 + numbers.normal(size=80), theirs)
    assert better.p_value < 0.01
    assert 0 < better.low < better.difference < better.high
    assert paired_test(theirs, theirs).p_value == 1


def test_few_items_are_tested_exactly():
    assert paired_test([1.0] * 5, [0.0] * 5).p_value == 2 / 2**5
    with pytest.raises(ValueError, match="same items"):
        paired_test([1.0], [])


def test_p_values_of_nothing_are_even():
    numbers = np.random.default_rng(3)
    low = 0
    for seed in range(100):
        gaps = numbers.normal(size=30)
        low += paired_test(gaps, np.zeros(30), seed=seed).p_value < 0.1
    assert low < 20


def test_strengths_foretell_the_votes():
    votes = [Vote("a", "b")] * 75 + [Vote("b", "a")] * 25 + [Vote("b", "c")] * 75
    votes += [Vote("c", "b")] * 25
    found = bradley_terry(votes)
    assert found["a"].value > found["b"].value > found["c"].value
    odds = found["a"].value - found["b"].value
    assert 1 / (1 + math.exp(-odds)) == pytest.approx(0.75, abs=0.01)
    assert sum(each.value for each in found.values()) == pytest.approx(0, abs=1e-9)
    assert found["a"].low > found["b"].high


def test_ties_and_clean_sweeps_stay_finite():
    tied = bradley_terry([Vote("a", "b", tie=True)] * 9)
    assert tied["a"].value == pytest.approx(tied["b"].value)
    assert math.isfinite(bradley_terry([Vote("a", "b")] * 9)["a"].value)
    assert bradley_terry([]) == {}
