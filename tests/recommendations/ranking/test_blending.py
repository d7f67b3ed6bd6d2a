"""Sources beside each other: features, weights that are validated, and a learned ranker."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommendations.ranking.blending import (
    Blend,
    Judged,
    Pool,
    feature,
    fit_weights,
    gather,
    pooled,
    ranked,
)
from recommendations.ranking.candidates import Candidates, Context
from recommendations.ranking.metrics import ndcg
from recommendations.ranking.ranker import LinearRanker
from recommendations.ranking.ranker_training import ImpressionLog, fit_ranker, fitted
from recommendations.ranking.sources.popularity import Popular

NAMES = ("good", "noise")


def pools(count: int = 300) -> tuple[list[Pool], np.ndarray]:
    """One source knows the target fairly well, the other knows nothing."""
    random = np.random.default_rng(0)
    targets = random.integers(0, 50, count)
    found = []
    for target in targets:
        good = np.exp(random.standard_normal(50))
        good[target] *= 8
        noise = np.exp(2 * random.standard_normal(50))
        parts = [Candidates.best(scores, 30, None) for scores in (good, noise)]
        found.append(pooled(parts, NAMES))
    return found, targets


@given(arrays(np.float64, st.integers(0, 30), elements=st.floats(0, 1e6)))
def test_features_are_from_zero_to_one_in_the_order_of_scores(scores: np.ndarray) -> None:
    found = feature(scores)
    assert ((found >= 0) & (found <= 1 + 1e-12)).all()
    assert (np.diff(found[np.argsort(scores)]) >= 0).all()


def test_a_source_alone_with_one_item_is_certain() -> None:
    assert feature(np.array([7.0])).tolist() == [1.0]


def test_a_pool_holds_everything_proposed_once() -> None:
    popular = Popular(np.array([1.0, 3.0, 0.0, 2.0]))
    pool = gather([popular, Popular(np.array([0.0, 0, 0, 1.0]))], Context(), 2)
    assert pool.items.tolist() == [1, 3]
    assert pool.features[0, 1] == 0
    assert pool.features[1].tolist() == pytest.approx([feature(np.array([3.0, 2.0]))[1], 1.0])


def test_no_source_is_an_empty_pool() -> None:
    pool = gather([], Context(), 5)
    assert len(ranked(Blend({}), pool)) == 0


def test_weights_go_to_the_source_that_knows() -> None:
    found, targets = pools()
    blend = fit_weights(found, targets)
    assert sum(blend.weights.values()) == pytest.approx(1)
    assert blend.weights["good"] > 0.8
    assert fit_weights(found, targets, first=Blend({"noise": 1.0})).weights["good"] > 0.8


def test_the_measure_of_weights_is_that_of_the_ranking() -> None:
    found, targets = pools(60)
    blend = Blend({"good": 0.7, "noise": 0.3})
    ranks = []
    for pool, target in zip(found, targets, strict=True):
        place = np.flatnonzero(ranked(blend, pool).items == target)
        ranks.append(int(place[0]) if len(place) else 10**6)
    expected = ndcg(np.array(ranks), 10)
    assert Judged(found, targets).ndcg(np.array([0.7, 0.3])) == pytest.approx(expected)


def test_nothing_to_judge_by_keeps_equal_weights() -> None:
    pool = pooled([Candidates.none(), Candidates.none()], NAMES)
    assert fit_weights([pool], np.array([3])).weights == {"good": 0.5, "noise": 0.5}


def test_contributions_add_up_to_the_score() -> None:
    pool = pools(1)[0][0]
    blend = Blend({"good": 0.7, "noise": 0.3})
    np.testing.assert_allclose(blend.contributions(pool).sum(axis=1), blend.scores(pool))


def test_weights_are_checked() -> None:
    with pytest.raises(ValueError, match="weights"):
        Blend({"good": -1.0})
    with pytest.raises(ValueError, match="one weight"):
        LinearRanker(NAMES, (1.0,), (0.0, 0.0), 0.0)
    with pytest.raises(ValueError, match="finite"):
        LinearRanker(NAMES, (1.0, float("nan")), (0.0, 0.0), 0.0)


def logged(answers: int = 1500, shown: int = 8) -> ImpressionLog:
    """Clicks by the second feature alone, but answers were sorted by the first."""
    random = np.random.default_rng(3)
    features = random.random((answers, shown, 2))
    order = np.argsort(-features[:, :, 0] - 0.3 * random.random((answers, shown)), axis=1)
    features = np.take_along_axis(features, order[:, :, None], axis=1)
    seen = random.random((answers, shown)) < 1 / (1 + np.arange(shown))
    wanted = random.random((answers, shown)) < 0.1 + 0.5 * features[:, :, 1]
    positions = np.tile(np.arange(shown), answers)
    numbers = np.repeat(np.arange(answers), shown)
    return ImpressionLog(
        NAMES, features.reshape(-1, 2), positions, (seen & wanted).ravel(), numbers
    )


def test_the_position_is_not_taken_for_relevance() -> None:
    ranker = fitted(logged())
    assert ranker.weights[1] > 3 * abs(ranker.weights[0])
    naive = fitted(replace(logged(), positions=logged().positions * 0))
    assert naive.weights[0] > ranker.weights[0] + 0.5


def test_a_ranker_that_beats_the_champion_takes_its_place() -> None:
    log, champion = logged(), Blend({"good": 1.0})
    ranker = fit_ranker(log, champion)
    assert ranker is not None
    assert ranker.weights[1] > 3 * abs(ranker.weights[0])


def test_the_champion_stays_if_it_is_as_good_or_little_is_known() -> None:
    assert fit_ranker(logged(), Blend({"noise": 1.0})) is None
    assert fit_ranker(logged(20), Blend({"good": 1.0})) is None
    nothing = logged()
    assert fit_ranker(nothing.chosen(~nothing.clicked), Blend({})) is None


def test_a_ranker_survives_its_text_and_explains_itself() -> None:
    ranker, pool = LinearRanker(NAMES, (2.0, -1.0), (0.5, 0.2), -3.0), pools(1)[0][0]
    assert LinearRanker.from_json(ranker.to_json()) == ranker
    logits = np.log(ranker.scores(pool) / (1 - ranker.scores(pool)))
    np.testing.assert_allclose(ranker.contributions(pool).sum(axis=1) - 3.0, logits)


def test_a_source_that_the_ranker_does_not_know_weighs_nothing() -> None:
    pool = Pool(np.array([0]), np.array([[1.0]]), ("new",))
    assert LinearRanker(NAMES, (2.0, 1.0), (1.0, 1.0), 0.0).scores(pool).tolist() == [0.5]
