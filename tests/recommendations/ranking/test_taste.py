"""Kinds of taste are found from clicks, and a person's kind from few of them."""

import numpy as np
import pytest

from recommendations.ranking.candidates import Context
from recommendations.ranking.sources.taste import Seen, Taste, TasteModel, fit_taste, neighbours

TOPICS, ITEMS, PERSONS = 3, 30, 120


def population(seed: int = 0) -> tuple[Seen, np.ndarray]:
    """Each person likes one topic of three; the texts say an item's topic."""
    random = np.random.default_rng(seed)
    persons = random.integers(0, PERSONS, 12_000)
    items = random.integers(0, ITEMS, 12_000)
    liked = persons % TOPICS == items % TOPICS
    clicked = random.random(12_000) < np.where(liked, 0.4, 0.03)
    return Seen(persons, items, clicked), np.eye(TOPICS)[np.arange(ITEMS) % TOPICS]


@pytest.fixture(scope="module")
def model() -> TasteModel:
    seen, text = population()
    return fit_taste(seen, text.astype(np.float32), kinds=4)


def test_a_click_tells_the_kind(model: TasteModel) -> None:
    nobody = model.kinds(np.array([], int), np.array([], int))
    np.testing.assert_allclose(nobody, model.shares)
    likes = model.kinds(np.array([1, 4]), np.array([], int)) @ model.rates
    assert likes[1::3].mean() > 5 * likes[0::3].mean()


def test_what_is_passed_over_tells_something_too(model: TasteModel) -> None:
    dislikes = model.kinds(np.array([], int), np.array([0, 3, 6, 9, 12, 15, 18])) @ model.rates
    assert dislikes[0::3].mean() < 0.7 * dislikes[1::3].mean()


def test_the_newest_click_counts_in_the_next_answer(model: TasteModel) -> None:
    source = Taste(model)
    first = source.candidates(Context(history=np.array([1, 4])), 5).items
    assert set((first % 3).tolist()) == {1}
    later = source.candidates(Context(history=np.array([2, 5, 8, 11])), 5).items
    assert set((later % 3).tolist()) == {2}


def test_draws_try_all_kinds_of_somebody_unknown(model: TasteModel) -> None:
    source = Taste(model, np.random.default_rng(0))
    tops = [int(source.candidates(Context(), 1).items[0]) % 3 for _ in range(60)]
    assert set(tops) == {0, 1, 2}


def test_items_without_impressions_are_as_what_reads_like_them() -> None:
    seen, text = population()
    kept = seen.items >= 3  # the first of each topic was never shown
    model = fit_taste(Seen(*(column[kept] for column in seen)), text.astype(np.float32), kinds=4)
    likes = model.kinds(np.array([4, 7, 10]), np.array([], int)) @ model.rates
    assert likes[1] > 3 * max(likes[0], likes[2])


def test_filters_are_respected(model: TasteModel) -> None:
    allowed = np.arange(ITEMS) % 3 == 0
    found = Taste(model).candidates(Context(history=np.array([1]), allowed=allowed), 20)
    assert len(found) == 10
    assert allowed[found.items].all()


def test_neighbours_begin_with_the_item_itself() -> None:
    text = np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)
    items, weights = neighbours(text)
    assert items[:, 0].tolist() == [0, 1, 2]
    assert items[0].tolist() == [0, 1, 2]
    assert weights[0].tolist() == pytest.approx([1.0, np.exp(-2), np.exp(-10)], rel=1e-3)
