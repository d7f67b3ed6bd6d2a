"""Measures on rankings small enough to work out by hand."""

import numpy as np
import pytest

from recommendations.ranking.metrics import coverage, gini, hit_rate, mrr, ndcg, novelty, ranks_of


def test_ranks_count_all_items_that_are_better() -> None:
    scores = np.array([[0.1, 0.9, 0.5], [0.3, 0.2, 0.1]])
    assert ranks_of(scores, np.array([2, 0])).tolist() == [1, 0]


def test_excluded_items_do_not_count() -> None:
    scores = np.array([[0.1, 0.9, 0.5]])
    assert ranks_of(scores, np.array([2]), [np.array([1])]).tolist() == [0]
    assert scores[0, 1] == 0.9


def test_equal_scores_gain_nothing() -> None:
    assert ranks_of(np.zeros((1, 11)), np.array([3])).tolist() == [5]


def test_a_target_that_is_excluded_keeps_its_own_score() -> None:
    scores = np.array([[0.1, 0.9, 0.5]])
    assert ranks_of(scores, np.array([1]), [np.array([1])]).tolist() == [0]


def test_measures_of_one_hit_and_one_miss() -> None:
    ranks = np.array([1, 12])
    assert hit_rate(ranks, 10) == 0.5
    assert ndcg(ranks, 10) == pytest.approx(0.5 / np.log2(3))
    assert mrr(ranks) == pytest.approx((1 / 2 + 1 / 13) / 2)


def test_nothing_to_measure_is_zero() -> None:
    nothing = np.empty(0, dtype=int)
    assert (hit_rate(nothing, 10), ndcg(nothing, 10), mrr(nothing)) == (0, 0, 0)
    assert gini(nothing, 3) == coverage(nothing, 0) == novelty(nothing, np.ones(3, int)) == 0


def test_coverage_and_gini_tell_how_evenly_items_are_shown() -> None:
    even, one = np.arange(4).reshape(2, 2), np.zeros((2, 2), dtype=int)
    assert (coverage(even, 4), coverage(one, 4)) == (1.0, 0.25)
    assert gini(even, 4) == 0.0
    assert gini(one, 4) == pytest.approx(0.75)


def test_rare_items_are_news() -> None:
    counts = np.array([6, 2])
    assert novelty(np.array([[1]]), counts) == pytest.approx(2.0)
    assert novelty(np.array([[0]]), counts) < novelty(np.array([[1]]), counts)
