"""How good a head is: accuracy and F1, calibration, abstention, entities. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15
COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Of one class; `support` is how often it is the true one."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predictions of like confidence: how sure they were, how often right, how many."""

    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True, slots=True)
class AbstentionPoint:
    """Answering only what is at least `threshold` sure: the share answered, and how well."""

    coverage: float
    accuracy: float
    threshold: float


@dataclass(frozen=True, slots=True)
class ClassificationMetrics:
    """`confusion[i][j]` counts true class i predicted as j, in the order of `labels`.

    Of several labels a text, accuracy is of the whole set, and confusion is empty.
    """

    accuracy: float
    macro_f1: float
    micro_f1: float
    labels: list[str]
    per_class: dict[str, ClassScore]
    confusion: list[list[int]] = field(default_factory=list)
    ece: float | None = None
    reliability: list[ReliabilityBin] = field(default_factory=list)
    abstention: list[AbstentionPoint] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def classification_metrics(
    true: Sequence[str],
    predicted: Sequence[str],
    labels: Sequence[str],
    confidences: Sequence[float] | None = None,
) -> ClassificationMetrics:
    """One label a text; `confidences` are the probabilities of what was predicted."""
    sets = [{label} for label in true], [{label} for label in predicted]
    right = np.array([one == other for one, other in zip(true, predicted, strict=True)])
    return ClassificationMetrics(
        **overall(*sets, labels),
        confusion=confusion(true, predicted, labels),
        **({} if confidences is None else confidence_metrics(right, np.asarray(confidences))),
    )


def multi_label_metrics(
    true: Sequence[set[str]], predicted: Sequence[set[str]], labels: Sequence[str]
) -> ClassificationMetrics:
    return ClassificationMetrics(**overall(true, predicted, labels))


def overall(
    true: Sequence[set[str]], predicted: Sequence[set[str]], labels: Sequence[str]
) -> dict[str, Any]:
    scores = {label: class_score(true, predicted, label) for label in labels}
    pairs = list(zip(true, predicted, strict=True))
    hits = sum(len(one & other) for one, other in pairs)
    told, wanted = (sum(len(one) for one in side) for side in (predicted, true))
    present = [score.f1 for score in scores.values() if score.support]
    return {
        "accuracy": share(sum(one == other for one, other in pairs), len(pairs)),
        "macro_f1": share(sum(present), len(present)),
        "micro_f1": f1(hits, told, wanted),
        "labels": list(labels),
        "per_class": scores,
    }


def class_score(true: Sequence[set[str]], predicted: Sequence[set[str]], label: str) -> ClassScore:
    hits = sum(label in one and label in other for one, other in zip(true, predicted, strict=True))
    told, wanted = (sum(label in one for one in side) for side in (predicted, true))
    return ClassScore(share(hits, told), share(hits, wanted), f1(hits, told, wanted), wanted)


def f1(hits: int, told: int, wanted: int) -> float:
    return share(2 * hits, told + wanted)


def share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def confusion(
    true: Sequence[str], predicted: Sequence[str], labels: Sequence[str]
) -> list[list[int]]:
    places = {label: place for place, label in enumerate(labels)}
    table = [[0] * len(labels) for _ in labels]
    for one, other in zip(true, predicted, strict=True):
        table[places[one]][places[other]] += 1
    return table


def confidence_metrics(
    right: NDArray[np.bool_], confidences: NDArray[np.float64]
) -> dict[str, Any]:
    bins = reliability(right, confidences)
    gaps = sum(each.count * abs(each.confidence - each.accuracy) for each in bins)
    return {
        "ece": share(gaps, len(right)),
        "reliability": bins,
        "abstention": abstention_curve(right, confidences),
    }


def reliability(right: NDArray[np.bool_], confidences: NDArray[np.float64]) -> list[ReliabilityBin]:
    """Equal bins of confidence (arXiv:1706.04599), those without predictions left out."""
    places = np.minimum((confidences * BINS).astype(int), BINS - 1)
    return [
        ReliabilityBin(float(confidences[own].mean()), float(right[own].mean()), int(own.sum()))
        for own in (places == number for number in range(BINS))
        if own.any()
    ]


def abstention_curve(
    right: NDArray[np.bool_], confidences: NDArray[np.float64]
) -> list[AbstentionPoint]:
    order = np.argsort(-confidences, kind="stable")
    points = []
    for coverage in COVERAGES if len(right) else ():
        kept = order[: max(1, round(coverage * len(right)))]
        threshold = float(confidences[kept[-1]])
        points.append(AbstentionPoint(len(kept) / len(right), float(right[kept].mean()), threshold))
    return points


def threshold_for(
    right: NDArray[np.bool_], confidences: NDArray[np.float64], accuracy: float
) -> float:
    """The least confidence from which on at least so many are right; above 1 where none is."""
    if not accuracy:
        return 0.0
    order = np.argsort(-confidences, kind="stable")
    reached = np.cumsum(right[order]) / np.arange(1, len(order) + 1) >= accuracy
    good = np.flatnonzero(reached)
    return float(confidences[order[good[-1]]]) if len(good) else 1.01


Span = tuple[int, int, str]


def entities(tags: Sequence[str]) -> list[Span]:
    """(begin, end, label) of BIO tags, as seqeval reads them: a stray I- begins one."""
    found: list[Span] = []
    begin, label = 0, ""
    for place, tag in enumerate([*tags, "O"]):
        prefix, _, kind = tag.partition("-")
        if label and (prefix != "I" or kind != label):
            found.append((begin, place, label))
            label = ""
        if prefix in "BI" and not label:
            begin, label = place, kind
    return found


@dataclass(frozen=True, slots=True)
class EntityMetrics:
    """Of whole entities: right only with begin, end and label. `accuracy` is of the tags."""

    precision: float
    recall: float
    f1: float
    accuracy: float
    per_label: dict[str, ClassScore]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def entity_metrics(
    true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> EntityMetrics:
    wanted = [set(entities(tags)) for tags in true]
    told = [set(entities(tags)) for tags in predicted]
    labels = sorted({label for side in (wanted, told) for found in side for _, _, label in found})
    per_label = {label: entity_score(wanted, told, {label}) for label in labels}
    whole = entity_score(wanted, told, set(labels))
    tags = [
        one == other
        for row, guess in zip(true, predicted, strict=True)
        for one, other in zip(row, guess, strict=True)
    ]
    accuracy = share(sum(tags), len(tags))
    return EntityMetrics(whole.precision, whole.recall, whole.f1, accuracy, per_label)


def entity_score(
    wanted: Sequence[set[Span]], told: Sequence[set[Span]], labels: set[str]
) -> ClassScore:
    def of_labels(found: set[Span]) -> set[Span]:
        return {span for span in found if span[2] in labels}

    pairs = [(of_labels(one), of_labels(other)) for one, other in zip(wanted, told, strict=True)]
    hits = sum(len(one & other) for one, other in pairs)
    support, made = sum(len(one) for one, _ in pairs), sum(len(other) for _, other in pairs)
    return ClassScore(share(hits, made), share(hits, support), f1(hits, made, support), support)
