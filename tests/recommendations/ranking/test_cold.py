"""Items that nobody knows get vectors from their text."""

import numpy as np
import pytest

from recommendations.ranking.cold import completed, fit_map, mapped


def catalogue() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    text = random.standard_normal((200, 12))
    vectors = text @ random.standard_normal((12, 4)) + 3 + 0.1 * random.standard_normal((200, 4))
    return text, vectors


def test_a_map_learns_what_text_tells_of_behaviour() -> None:
    text, vectors = catalogue()
    found = mapped(text[150:], fit_map(text[:150], vectors[:150]))
    assert np.abs(found - vectors[150:]).mean() < 0.15


def test_text_that_tells_nothing_gives_the_mean() -> None:
    random = np.random.default_rng(0)
    text, vectors = random.standard_normal((60, 50)), random.standard_normal((60, 4)) + 5
    found = mapped(text, fit_map(text, vectors))
    assert np.abs(found - vectors.mean(axis=0)).mean() < 0.4


def test_only_cold_items_are_completed() -> None:
    text, vectors = catalogue()
    warm = np.arange(200) % 4 != 0
    found = completed(np.where(warm[:, None], vectors, 0.0), text, warm)
    np.testing.assert_array_equal(found[warm], vectors[warm].astype(np.float32))
    assert np.corrcoef(found[~warm].ravel(), vectors[~warm].ravel())[0, 1] > 0.95


@pytest.mark.parametrize("warm", [True, False])
def test_all_or_nothing_warm_changes_nothing(warm: bool) -> None:
    text, vectors = catalogue()
    found = completed(vectors, text, np.full(200, warm))
    np.testing.assert_array_equal(found, vectors.astype(np.float32))
