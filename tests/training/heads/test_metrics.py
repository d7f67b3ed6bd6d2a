"""Metrics beside scikit-learn's, and by hand."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score

from training.heads.metrics import (
    classification_metrics,
    entities,
    entity_metrics,
    multi_label_metrics,
    threshold_for,
)

LABELS = ["a", "b", "c"]


@pytest.fixture
def answers():
    numbers = np.random.default_rng(0)
    true = numbers.choice(LABELS, 200).tolist()
    guesses = zip(true, numbers.choice(LABELS, 200).tolist(), strict=True)
    predicted = [one if numbers.random() < 0.6 else other for one, other in guesses]
    return true, predicted


def test_it_counts_as_scikit_learn_does(answers):
    found = classification_metrics(*answers, LABELS)
    assert found.accuracy == pytest.approx(f1_score(*answers, average="micro"))
    assert found.micro_f1 == pytest.approx(f1_score(*answers, average="micro"))
    assert found.macro_f1 == pytest.approx(f1_score(*answers, average="macro"))
    assert found.confusion == confusion_matrix(*answers, labels=LABELS).tolist()
    each = f1_score(*answers, average=None, labels=LABELS)
    assert [found.per_class[label].f1 for label in LABELS] == pytest.approx(each.tolist())


def test_several_labels_are_counted_as_scikit_learn_does():
    numbers = np.random.default_rng(1)
    true, guess = numbers.random((2, 50, 3)) < 0.4
    sets = [[set(np.array(LABELS)[row].tolist()) for row in side] for side in (true, guess)]
    found = multi_label_metrics(*sets, LABELS)
    assert found.micro_f1 == pytest.approx(f1_score(true, guess, average="micro"))
    assert found.macro_f1 == pytest.approx(f1_score(true, guess, average="macro"))
    assert found.accuracy == pytest.approx((true == guess).all(axis=1).mean())


def test_calibration_by_hand():
    true, predicted = ["a"] * 4, ["a", "a", "a", "b"]
    found = classification_metrics(true, predicted, LABELS, [0.9, 0.9, 0.9, 0.9])
    assert found.ece == pytest.approx(0.15)
    (only,) = found.reliability
    assert (only.accuracy, only.count) == (0.75, 4)


def test_who_abstains_when_unsure_is_right_more_often():
    true, predicted = ["a"] * 10, ["a"] * 6 + ["b"] * 4
    sure = np.linspace(0.95, 0.4, 10)
    curve = classification_metrics(true, predicted, LABELS, sure.tolist()).abstention
    assert curve[0].accuracy == 1.0
    assert curve[-1].coverage == 1.0
    assert curve[-1].accuracy == pytest.approx(0.6)
    right = np.array([one == other for one, other in zip(true, predicted, strict=True)])
    assert threshold_for(right, sure, 1.0) == pytest.approx(sure[5])
    assert threshold_for(right, sure, 0.0) == 0.0
    assert threshold_for(~right, sure, 1.0) > 1


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("O B-x I-x O", [(1, 3, "x")]),
        ("B-x B-x", [(0, 1, "x"), (1, 2, "x")]),
        ("O I-x I-x", [(1, 3, "x")]),
        ("B-x I-y", [(0, 1, "x"), (1, 2, "y")]),
        ("O O", []),
        ("B-x O I-x", [(0, 1, "x"), (2, 3, "x")]),
    ],
)
def test_entities_of_tags(tags, found):
    assert entities(tags.split()) == found


def test_entities_count_only_when_whole():
    true = [["B-x", "I-x", "O", "B-y"], ["B-x", "O"]]
    told = [["B-x", "O", "O", "B-y"], ["B-x", "O"]]
    found = entity_metrics(true, told)
    assert (found.precision, found.recall, found.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert found.per_label["y"].f1 == 1.0
    assert found.per_label["x"].f1 == 0.5
    assert found.accuracy == pytest.approx(5 / 6)
