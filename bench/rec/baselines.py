"""What else one could use: popularity, EASE, item-kNN, iALS and BPR, each at its best settings.

p persons, n items. All give scores (rows, n) for the persons of a matrix (p, n) of 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bench.rec.tables import CUTOFF, Clock, Outcome
from recommendations.ranking.arrays import IntArray
from recommendations.ranking.metrics import ranks_of

Scores = NDArray[np.float32]
# Scores of the persons whose places are given.
Model = Callable[[IntArray], Scores]
ROWS = 512


@dataclass(frozen=True, slots=True)
class Baseline:
    """`fit` makes a model from a matrix and one of the `settings`."""

    name: str
    settings: Sequence[dict[str, Any]]
    fit: Callable[..., Model]


def matrix_of(sequences: Sequence[IntArray], n_items: int) -> sparse.csr_matrix:
    lengths = [len(sequence) for sequence in sequences]
    rows, items = np.repeat(np.arange(len(lengths)), lengths), np.concatenate(sequences)
    ones = np.ones(len(items), dtype=np.float32)
    found = sparse.csr_matrix((ones, (rows, items)), (len(lengths), n_items))
    found.data[:] = 1.0
    return found


def popularity(matrix: sparse.csr_matrix) -> Model:
    counts = np.asarray(matrix.sum(axis=0), dtype=np.float32)
    return lambda rows: np.repeat(counts, len(rows), axis=0)


def ease(matrix: sparse.csr_matrix, strength: float) -> Model:
    """Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019)."""
    gram = (matrix.T @ matrix).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += strength
    inverse = np.linalg.inv(gram)
    weights = (inverse / -np.diag(inverse)).astype(np.float32)
    np.fill_diagonal(weights, 0.0)
    return lambda rows: np.asarray(matrix[rows] @ weights)


def item_knn(matrix: sparse.csr_matrix, neighbours: int, shrinkage: float) -> Model:
    together = (matrix.T @ matrix).toarray()
    counts = np.diag(together).copy()
    similarity = together / (np.sqrt(np.outer(counts, counts)) + shrinkage)
    np.fill_diagonal(similarity, 0.0)
    least = np.partition(similarity, -neighbours, axis=1)[:, -neighbours, None]
    kept = np.where(similarity >= least, similarity, 0.0).astype(np.float32)
    return lambda rows: np.asarray(matrix[rows] @ kept.T)


def ials(matrix: sparse.csr_matrix, **settings: Any) -> Model:
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(**settings, iterations=15, random_state=0, num_threads=1)
    return factors(model, matrix)


def bpr(matrix: sparse.csr_matrix, **settings: Any) -> Model:
    from implicit.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(**settings, random_state=0, num_threads=1)
    return factors(model, matrix)


def factors(model: Any, matrix: sparse.csr_matrix) -> Model:
    model.fit(matrix, show_progress=False)
    return lambda rows: np.asarray(model.user_factors[rows] @ model.item_factors.T)


BASELINES = (
    Baseline("popularity", [{}], popularity),
    Baseline("EASE", [{"strength": s} for s in (100.0, 300.0, 1000.0)], ease),
    Baseline(
        "item-kNN",
        [{"neighbours": k, "shrinkage": s} for k in (50, 200) for s in (0.0, 20.0)],
        item_knn,
    ),
    Baseline(
        "iALS (implicit)",
        [
            {"factors": 64, "regularization": r, "alpha": a}
            for r in (0.01, 1.0)
            for a in (1.0, 10.0)
        ],
        ials,
    ),
    Baseline(
        "BPR (implicit)",
        [{"factors": 64, "iterations": 100, "learning_rate": r} for r in (0.01, 0.05)],
        bpr,
    ),
)


def outcome(model: Model, histories: Sequence[IntArray], targets: IntArray) -> Outcome:
    """Full ranking; what is in the history is not shown again."""
    ranks, shown = [], []
    for start in range(0, len(targets), ROWS):
        rows = np.arange(start, min(start + ROWS, len(targets)))
        scores, own = model(rows), [histories[row] for row in rows]
        ranks.append(ranks_of(scores, targets[rows], own))
        for row, items in enumerate(own):
            scores[row, items] = -np.inf
        shown.append(np.argpartition(-scores, CUTOFF, axis=1)[:, :CUTOFF])
    return Outcome(np.concatenate(ranks), np.concatenate(shown))


@dataclass(frozen=True, slots=True)
class Tested:
    """A baseline's outcome on the test, with what was chosen and the seconds of its last fit."""

    name: str
    outcome: Outcome
    seconds: float
    settings: dict[str, Any]


def tested(sequences: Sequence[IntArray], n_items: int) -> Iterator[Tested]:
    """Settings by NDCG@10 on the validation; then fitted anew with the validation's items.

    So the baselines learn from one item a person more than our sequence model does.
    """
    train = [sequence[:-2] for sequence in sequences]
    validation = np.array([sequence[-2] for sequence in sequences])
    known, last = [sequence[:-1] for sequence in sequences], np.array([s[-1] for s in sequences])
    earlier, whole = matrix_of(train, n_items), matrix_of(known, n_items)
    for baseline in BASELINES:
        values = [
            outcome(baseline.fit(earlier, **settings), train, validation).ndcg
            for settings in baseline.settings
        ]
        chosen = baseline.settings[int(np.argmax(values))]
        clock = Clock()
        with clock.running():
            model = baseline.fit(whole, **chosen)
        yield Tested(baseline.name, outcome(model, known, last), clock.seconds, chosen)
