"""The fast ways to the best k find what sorting everything finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommendations.ranking import topk
from recommendations.ranking.topk import plain_top_k, top_k, top_k_products


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 5000).flatmap(lambda n: arrays(np.float32, n, elements=st.integers(-40, 40))),
    st.integers(0, 12),
    st.integers(0, 3),
)
def test_block_maxima_find_what_sorting_finds(scores: np.ndarray, k: int, every: int) -> None:
    allowed = np.arange(len(scores)) % (every + 1) == 0 if every else None
    fast, plain = top_k(scores, k, allowed), plain_top_k(scores, k, allowed)
    assert fast.items.tolist() == plain.items.tolist()
    assert fast.scores.tolist() == plain.scores.tolist()


@pytest.mark.parametrize("n", [0, 1, 5, 63, 64, 9000])
@pytest.mark.parametrize("filtered", [False, True])
def test_a_batch_finds_what_each_query_finds(n: int, filtered: bool) -> None:
    random = np.random.default_rng(n)
    matrix = random.standard_normal((n, 8)).astype(np.float32)
    queries = random.standard_normal((5, 8)).astype(np.float32)
    allowed = random.random(n) < 0.3 if filtered else None
    found = top_k_products(matrix, queries, 7, allowed)
    for row, query in enumerate(queries):
        expected = plain_top_k(matrix @ query, 7, allowed)
        count = len(expected.items)
        assert found.items[row, :count].tolist() == expected.items.tolist()
        np.testing.assert_allclose(found.scores[row, :count], expected.scores, rtol=1e-4)
        assert (found.items[row, count:] == -1).all()


def test_one_query_is_a_row_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topk, "SLICE", 128)
    matrix = np.random.default_rng(1).standard_normal((1000, 4)).astype(np.float32)
    batch = top_k_products(matrix, matrix[:3], 5)
    for row in range(3):
        assert top_k_products(matrix, matrix[row], 5).items.tolist() == batch.items[row].tolist()
    assert batch.items.shape == (3, 5)


def test_minus_infinity_is_never_among_the_best() -> None:
    assert top_k(np.array([-np.inf, 1.0, -np.inf]), 3).items.tolist() == [1]
