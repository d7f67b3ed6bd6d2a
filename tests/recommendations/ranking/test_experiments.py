"""Persons are divided the same way for ever, and looking often finds nothing that is not there."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ranking.experiments import Sample, bucket, compare, sample_ratio


@given(st.text(), st.text(), st.lists(st.floats(0.01, 100), min_size=1, max_size=5))
def test_a_person_stays_in_a_bucket(salt: str, person: str, shares: list[float]) -> None:
    found = bucket(salt, person, shares)
    assert 0 <= found < len(shares)
    assert found == bucket(salt, person, shares)


def test_shares_are_kept_and_experiments_are_independent() -> None:
    first = [bucket("a", str(person), (1, 3)) for person in range(4000)]
    second = [bucket("b", str(person), (1, 3)) for person in range(4000)]
    assert np.mean(first) == pytest.approx(0.75, abs=0.03)
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(0, abs=0.05)


def test_a_bucket_never_changes_between_versions() -> None:
    assert [bucket("home", f"person-{n}", (1, 1)) for n in range(8)] == [0, 1, 1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("shares", [(), (1, 0), (1, -1), (math.nan, 1)])
def test_shares_are_checked(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="shares"):
        bucket("a", "b", shares)


def looks(difference: float, random: np.random.Generator) -> list[bool]:
    """Whether each of 50 looks at growing groups finds a difference."""
    clicks, found = np.zeros(2, dtype=int), []
    for look in range(1, 51):
        clicks += random.binomial(200, (0.1, 0.1 + difference))
        samples = [Sample.of_clicks(200 * look, int(count)) for count in clicks]
        found.append(compare(samples[0], samples[1], expected=0.02).is_decided())
    return found


def test_looking_fifty_times_finds_too_much_in_one_of_twenty_runs() -> None:
    random = np.random.default_rng(0)
    assert sum(any(looks(0.0, random)) for _ in range(400)) <= 20 + 3 * 4.4


def test_a_difference_is_found() -> None:
    random = np.random.default_rng(0)
    assert sum(any(looks(0.03, random)) for _ in range(50)) >= 45


def test_the_interval_and_the_p_value_agree() -> None:
    for clicks in range(1000, 1300, 10):
        found = compare(Sample.of_clicks(10_000, 1000), Sample.of_clicks(10_000, clicks))
        assert found.is_decided() == (not found.low <= 0 <= found.high)
        assert found.low < found.difference < found.high


def test_small_or_constant_groups_say_nothing() -> None:
    found = compare(Sample.of_clicks(50, 1), Sample.of_clicks(50, 40))
    assert (found.p_value, found.low, found.high) == (1.0, -math.inf, math.inf)
    assert compare(Sample.of_clicks(500, 0), Sample.of_clicks(500, 0)).p_value == 1.0
    assert compare(Sample(0, 0, 0), Sample(0, 0, 0)).difference == 0.0


def test_amounts_are_compared_like_clicks() -> None:
    random = np.random.default_rng(0)
    samples = [
        Sample(3000, float(values.sum()), float((values**2).sum()))
        for values in (random.exponential(10, 3000), random.exponential(12, 3000))
    ]
    found = compare(samples[0], samples[1], expected=1.0)
    assert found.is_decided()
    assert found.low < 2 < found.high


def test_a_wrong_sample_ratio_is_noticed_and_a_right_one_is_not() -> None:
    assert sample_ratio((5000, 5000), (1, 1)) > 0.5
    assert sample_ratio((50_000, 51_500), (1, 1)) < 0.001
    assert sample_ratio((3000, 6900), (1, 2)) < 0.1 * sample_ratio((3000, 6000), (1, 2))
    assert sample_ratio((0, 0), (1, 1)) == pytest.approx(1.0)


def test_looking_at_the_ratio_all_the_time_raises_no_false_alarm() -> None:
    random, alarms = np.random.default_rng(0), 0
    for _ in range(200):
        counts = random.multinomial(100, (0.5, 0.5), size=60).cumsum(axis=0)
        alarms += min(sample_ratio(list(map(int, row)), (1, 1)) for row in counts) < 0.05
    assert alarms <= 10 + 3 * 3.1
