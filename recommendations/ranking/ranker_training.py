"""Learns the ranker from logged impressions and clicks, free of the position's influence.

What stands first is clicked more because it stands first. Each position has an effect of its own
in training that is then left out, so it cannot be mistaken for relevance.
Source: Ling et al., "Model Ensemble for Click Prediction" (WWW 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from recommendations.ranking.arrays import BoolArray, IntArray
from recommendations.ranking.blending import Pool, Scorer
from recommendations.ranking.ranker import LinearRanker

POSITIONS = 20
LEAST_CLICKS = 200
HELD_OUT = 0.2
# By so many standard errors a challenger must be better.
SURE = 2.0


@dataclass(frozen=True, slots=True)
class ImpressionLog:
    """n items that were shown, oldest first: `features` (n, s) as they were when answered.

    `positions` (n,) count from 0, `clicked` (n,), `answers` (n,) say which were shown together.
    """

    names: tuple[str, ...]
    features: NDArray[np.float64]
    positions: IntArray
    clicked: BoolArray
    answers: IntArray

    def chosen(self, which: BoolArray) -> ImpressionLog:
        return ImpressionLog(
            self.names,
            self.features[which],
            self.positions[which],
            self.clicked[which],
            self.answers[which],
        )


def fit_ranker(log: ImpressionLog, champion: Scorer) -> LinearRanker | None:
    """A ranker that explains the newest answers' clicks better than the champion, beyond chance.

    None if it does not, or for fewer than LEAST_CLICKS clicks: the champion stays.
    """
    if log.clicked.sum() < LEAST_CLICKS:
        return None
    newest = log.answers >= np.quantile(log.answers, 1 - HELD_OUT)
    earlier, judged = log.chosen(~newest), log.chosen(newest)
    if len(np.unique(earlier.clicked)) < 2:
        return None
    challenger = likelihoods(inputs_of(earlier), earlier, inputs_of(judged), judged)
    reigning = likelihoods(scored(champion, earlier), earlier, scored(champion, judged), judged)
    gain = challenger - reigning
    error = gain.std() / np.sqrt(len(gain))
    return fitted(log) if gain.mean() > SURE * error else None


def fitted(log: ImpressionLog) -> LinearRanker:
    model = regression(inputs_of(log), log)
    count = len(log.names)
    weights = model.coef_[0].tolist()
    return LinearRanker(
        log.names,
        tuple(weights[:count]),
        tuple(weights[count : 2 * count]),
        float(model.intercept_[0]),
    )


def inputs_of(log: ImpressionLog) -> NDArray[np.float64]:
    """(n, 2 s): features, and whether an item was proposed."""
    return np.hstack((log.features, log.features > 0))


def regression(inputs: NDArray[np.float64], log: ImpressionLog) -> LogisticRegression:
    model = LogisticRegression(C=10.0, max_iter=500)
    return model.fit(with_positions(inputs, log), log.clicked)


def with_positions(inputs: NDArray[np.float64], log: ImpressionLog) -> NDArray[np.float64]:
    """(n, any) and one column for each position but the first, whose effect is in the bias."""
    places = np.minimum(log.positions, POSITIONS - 1)
    return np.hstack((inputs, np.eye(POSITIONS)[places][:, 1:]))


def likelihoods(
    inputs: NDArray[np.float64],
    log: ImpressionLog,
    new_inputs: NDArray[np.float64],
    new: ImpressionLog,
) -> NDArray[np.float64]:
    """The log probability (n,) of what happened in `new`, learned from inputs and positions."""
    model = regression(inputs, log)
    log_p = model.predict_log_proba(with_positions(new_inputs, new))  # (n, 2)
    return np.asarray(log_p[np.arange(len(log_p)), new.clicked.astype(np.int64)])


def scored(scorer: Scorer, log: ImpressionLog) -> NDArray[np.float64]:
    """(n, 1)"""
    pool = Pool(np.arange(len(log.answers)), log.features, log.names)
    return scorer.scores(pool)[:, None]
