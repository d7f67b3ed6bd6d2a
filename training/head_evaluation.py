"""Is a head any good, and better than the one that is live? On the test rows, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation import LEVEL
from training.head_rows import TestSet
from training.heads.encoder import Encoder
from training.heads.metrics import (
    classification_metrics,
    entities,
    entity_metrics,
    multi_label_metrics,
)
from training.heads.prediction import Classifier, Prediction
from training.heads.tagger import Tagger
from training.lora.statistics import interval, paired_test

RESAMPLES = 500
MOST_CONFUSED = 100
Load = Callable[[Path], Any]


@dataclass(frozen=True, slots=True)
class Scored:
    """One head on the test rows: a score of each row, the measure, and all that is told of it."""

    scores: list[float]
    value: float
    metrics: dict[str, Any]
    intervals: dict[str, list[float]]
    # Above what chance agrees on, above 0 where anything was learnt.
    skill: float = 1.0


@dataclass(frozen=True, slots=True)
class Champion:
    """The head that is live: its number, its folder, and the encoder that it stands on."""

    number: int
    folder: Path
    encoder: Encoder


def evaluate(
    folder: Path, test: TestSet, encoder: Encoder, champion: Champion | None
) -> dict[str, Any]:
    """The candidate against the champion, or else against always giving the usual answer."""
    scored = scored_tagger if test.tokens else scored_classifier
    ours = scored(folder, test, encoder)
    usual = usual_scores(test)
    theirs = usual
    if champion is not None:
        before = scored(champion.folder, test, champion.encoder)
        theirs = before.scores, before.value
    tested = paired_test(ours.scores, theirs[0])
    return {
        "rows": test.rows,
        "measure": "f1" if test.tokens else "accuracy",
        "against": "champion" if champion else "usual",
        "champion": champion.number if champion else None,
        "base": theirs[1],
        "candidate": ours.value,
        "usual": usual[1],
        "gain": tested.difference,
        "low": tested.low,
        "high": tested.high,
        "p_value": tested.p_value,
        "won": bool(tested.difference > 0 and tested.p_value <= LEVEL),
        "learnt": ours.skill > 0,
        "metrics": ours.metrics,
        "intervals": ours.intervals,
    }


def usual_scores(test: TestSet) -> tuple[list[float], float]:
    """Of giving every text the usual labels, or of finding nothing."""
    if test.tokens:
        return [-float(len(entities(tags))) for tags in test.tags], 0.0
    right = [float(own == test.usual) for own in test.labels]
    return right, float(np.mean(right))


def scored_classifier(folder: Path, test: TestSet, encoder: Encoder) -> Scored:
    classifier = Classifier.load(folder, encoder)
    found = classifier.predict(test.texts)
    guessed = [frozenset(each.labels) for each in found]
    right = np.array([one == other for one, other in zip(guessed, test.labels, strict=True)])
    if classifier.config.multi_label or any(len(own) > 1 for own in test.labels):
        several = [set(own) for own in test.labels]
        labels = sorted(set(classifier.config.labels).union(*several))
        told = multi_label_metrics(several, [set(own) for own in guessed], labels)
        return Scored(
            right.astype(float).tolist(), told.accuracy, told.to_json(), {}, skill=told.micro_f1
        )
    return scored_labels(found, [next(iter(own)) for own in test.labels], classifier)


def scored_labels(
    found: Sequence[Prediction], true: Sequence[str], classifier: Classifier
) -> Scored:
    guessed = [each.label for each in found]
    labels = sorted({*classifier.config.labels, *true})
    sure = [each.probability for each in found]
    told = classification_metrics(true, guessed, labels, sure).to_json()
    if len(labels) > MOST_CONFUSED:
        told["confusion"] = []
    places = {label: place for place, label in enumerate(labels)}
    wanted, given = (np.array([places[each] for each in side]) for side in (true, guessed))
    answered = np.array([not each.abstained for each in found])
    right = wanted == given
    told["threshold"] = classifier.config.threshold
    told["answered"] = float(answered.mean())
    told["accuracy_answered"] = float(right[answered].mean()) if answered.any() else 0.0
    return Scored(
        right.astype(float).tolist(),
        told["accuracy"],
        told,
        label_intervals(wanted, given, len(labels)),
        skill=kappa(wanted, given),
    )


def kappa(wanted: NDArray[np.int64], given: NDArray[np.int64]) -> float:
    """Cohen's: the agreement beyond chance."""
    classes = int(max(wanted.max(), given.max())) + 1
    shares = [np.bincount(side, minlength=classes) / len(side) for side in (wanted, given)]
    chance = float((shares[0] * shares[1]).sum())
    agreed = float((wanted == given).mean())
    return (agreed - chance) / (1 - chance) if chance < 1 else 0.0


def label_intervals(
    wanted: NDArray[np.int64], given: NDArray[np.int64], classes: int
) -> dict[str, list[float]]:
    """Percentile bootstrap over rows."""

    def both(draw: NDArray[np.int64]) -> tuple[float, float]:
        one, other = wanted[draw], given[draw]
        return float((one == other).mean()), macro_f1(one, other, classes)

    return intervals(("accuracy", "macro_f1"), both, len(wanted))


def macro_f1(wanted: NDArray[np.int64], given: NDArray[np.int64], classes: int) -> float:
    """The mean over the classes that are there to be found."""
    hits = np.bincount(wanted[wanted == given], minlength=classes)
    there, told = (np.bincount(side, minlength=classes) for side in (wanted, given))
    return float((2 * hits / np.maximum(1, there + told))[there > 0].mean())


def intervals(
    names: Sequence[str], statistic: Callable[[NDArray[np.int64]], Sequence[float]], rows: int
) -> dict[str, list[float]]:
    chance = np.random.default_rng(0)
    draws = (chance.integers(0, rows, rows) for _ in range(RESAMPLES))
    found = np.array([statistic(draw) for draw in draws])
    ends = [interval(0.0, found[:, place], 0.95) for place in range(len(names))]
    return {name: [end.low, end.high] for name, end in zip(names, ends, strict=True)}


def scored_tagger(folder: Path, test: TestSet, encoder: Encoder) -> Scored:
    found = Tagger.load(folder, encoder).predict_tokens(test.tokens)
    told = entity_metrics(test.tags, found)
    pairs = [
        (set(entities(own)), set(entities(guess)))
        for own, guess in zip(test.tags, found, strict=True)
    ]
    counts = np.array([(len(one & other), len(one) + len(other)) for one, other in pairs])

    def f1(draw: NDArray[np.int64]) -> tuple[float]:
        hits, both = counts[draw].sum(axis=0)
        return (float(2 * hits / max(1, both)),)

    mistakes = [-float(len(one ^ other)) for one, other in pairs]
    return Scored(mistakes, told.f1, told.to_json(), intervals(("f1",), f1, test.rows), told.f1)
