"""Searches that read little find what the exact one finds."""

import numpy as np
import pytest

from recommendations.ranking.search import (
    RECALL,
    Exact,
    InvertedLists,
    Reduced,
    fit_lists,
    principal,
    rotated,
)

ITEMS, DIM, CLUSTERS = 6000, 32, 40


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    random = np.random.default_rng(0)
    centres = random.standard_normal((CLUSTERS, DIM))
    found = centres[random.integers(0, CLUSTERS, ITEMS)]
    found += 0.3 * random.standard_normal((ITEMS, DIM))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def lists(vectors: np.ndarray) -> InvertedLists:
    return fit_lists(vectors, vectors[:100])


def test_lists_find_nearly_all_and_read_a_part(vectors: np.ndarray, lists: InvertedLists) -> None:
    found = [
        len(np.intersect1d(lists.best(query, 10).items, Exact(vectors).best(query, 10).items))
        for query in vectors[1000:1200]
    ]
    assert np.mean(found) / 10 >= RECALL - 0.01
    assert lists.probes < len(lists.centroids) / 2


def test_rules_that_leave_few_lose_nothing(vectors: np.ndarray, lists: InvertedLists) -> None:
    allowed = np.zeros(ITEMS, np.bool_)
    allowed[::500] = True
    exact = Exact(vectors).best(vectors[3], 10, allowed)
    found = lists.best(vectors[3], 10, allowed)
    assert found.items.tolist() == exact.items.tolist()
    np.testing.assert_allclose(found.scores, exact.scores, rtol=1e-5)


def test_few_dimensions_choose_and_all_decide(vectors: np.ndarray) -> None:
    rotation = principal(vectors, 16)
    few = Reduced(rotation, Exact(rotated(vectors, rotation)), vectors.astype(np.float16))
    found = [
        len(np.intersect1d(few.best(query, 100).items[:10], Exact(vectors).best(query, 10).items))
        for query in vectors[:100]
    ]
    assert np.mean(found) / 10 > 0.97


def test_nothing_allowed_is_nothing_found(vectors: np.ndarray, lists: InvertedLists) -> None:
    assert not len(lists.best(vectors[0], 10, np.zeros(ITEMS, np.bool_)).items)
