"""From scores to a page: each step does what it says and no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.ranking.candidates import Candidates, Context
from recommendations.ranking.reranking import (
    Everything,
    Reranking,
    Signals,
    diverse,
    fill,
    rerank,
)
from recommendations.ranking.sources.popularity import Popular


def four() -> Candidates:
    return Candidates(np.array([7, 3, 9, 1]), np.array([8.0, 6.0, 4.0, 1.0], dtype=np.float32))


def test_plain_reranking_keeps_the_order() -> None:
    page = rerank(four(), 3, Reranking())
    assert page.items.tolist() == [7, 3, 9]
    assert page.scores.tolist() == [1.0, 0.75, 0.5]


def test_nothing_stays_nothing() -> None:
    assert len(rerank(Candidates.none(), 3, Reranking(diversity=1.0))) == 0


def test_least_relevance_is_a_share_of_the_best() -> None:
    assert rerank(four(), 4, Reranking(min_relevance=0.5)).items.tolist() == [7, 3, 9]
    assert rerank(four(), 4, Reranking(min_relevance=1.0)).items.tolist() == [7]


def test_boosts_multiply_and_zero_takes_away() -> None:
    signals = Signals(boosts=np.array([0.0, 1.0, 2.0, 1.0]))
    assert rerank(four(), 4, Reranking(), signals).items.tolist() == [9, 3, 1]


def test_what_was_just_shown_rotates_out_and_comes_back() -> None:
    reranking = Reranking(rotation_rate=1.0, rotation_time=100.0)
    ages = np.array([0.0, 50.0, np.inf, np.inf])
    page = rerank(four(), 4, reranking, Signals(shown_ages=ages))
    assert page.items.tolist() == [9, 3, 1, 7]
    later = rerank(four(), 4, reranking, Signals(shown_ages=ages + 100))
    assert later.items.tolist() == [7, 3, 9, 1]


def test_diversity_passes_over_what_is_like_the_first() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float64)
    signals = Signals(vectors=vectors)
    assert rerank(four(), 2, Reranking(diversity=0.5), signals).items.tolist() == [7, 9]
    assert rerank(four(), 2, Reranking(diversity=0.0), signals).items.tolist() == [7, 3]


@given(st.integers(0, 12), st.integers(0, 15), st.floats(0, 1))
def test_diversity_loses_and_doubles_nothing(size: int, count: int, diversity: float) -> None:
    random = np.random.default_rng(size)
    places = diverse(random.random(size), random.random((size, 3)), count, diversity)
    assert len(set(places.tolist())) == len(places) == min(size, count)


@pytest.mark.parametrize(
    "options", [{"diversity": 1.1}, {"rotation_rate": -0.1}, {"rotation_time": 0.0}]
)
def test_settings_are_checked(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Reranking(**options)


def test_a_page_is_filled_by_fallbacks_in_turn() -> None:
    popular = Popular(np.array([0.0, 5.0, 0.0, 9.0]))
    page = fill(
        Candidates.best(np.array([-np.inf, 1.0]), 1, None), 4, [popular, Everything(4)], Context()
    )
    assert page.items.tolist() == [1, 3, 0, 2]


def test_a_page_is_empty_only_if_nothing_is_allowed() -> None:
    context = Context(allowed=np.array([False, True, False]))
    assert fill(Candidates.none(), 3, [Everything(3)], context).items.tolist() == [1]
    nothing = Context(allowed=np.zeros(3, dtype=bool))
    assert len(fill(Candidates.none(), 3, [Everything(3)], nothing)) == 0
