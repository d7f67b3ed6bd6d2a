"""The linear head beside scikit-learn's, and its calibration."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from training.heads.linear import best_linear, calibrated, fit_linear, loss_of, temperature_of


@pytest.fixture
def blobs():
    numbers = np.random.default_rng(0)
    targets = numbers.integers(0, 4, 300)
    features = numbers.normal(size=(300, 8)) + 1.2 * np.eye(4, 8)[targets]
    return torch.from_numpy(features).float(), torch.from_numpy(targets)


@pytest.mark.parametrize("strength", [0.1, 1.0, 30.0])
def test_it_is_scikit_learns_logistic_regression(blobs, strength):
    features, targets = blobs
    head = fit_linear(features, targets, strength)
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=2000)
    theirs.fit(*(side.numpy() for side in blobs))
    wanted = torch.from_numpy(theirs.predict_proba(features.numpy())).float()
    torch.testing.assert_close(head.logits(features).softmax(-1), wanted, atol=2e-3, rtol=0)


def test_several_labels_are_one_regression_each(blobs):
    features, targets = blobs
    several = torch.stack([targets == 0, targets > 1], dim=1).float()
    head = fit_linear(features, several, 1.0)
    for label in range(2):
        theirs = LogisticRegression(C=1.0, tol=1e-8, max_iter=2000)
        theirs.fit(features.numpy(), several[:, label].numpy())
        wanted = torch.from_numpy(theirs.predict_proba(features.numpy())[:, 1]).float()
        found = head.logits(features)[:, label].sigmoid()
        torch.testing.assert_close(found, wanted, atol=3e-3, rtol=0)


def test_the_strength_is_the_one_that_validation_likes_best(blobs):
    features, targets = blobs
    parts = (features[:200], features[200:]), (targets[:200], targets[200:])
    strengths = (0.001, 0.1, 1000.0)
    head, strength = best_linear(*parts, strengths=strengths)
    heads = [fit_linear(features[:200], targets[:200], each) for each in strengths]
    losses = [float(loss_of(each.logits(features[200:]), targets[200:])) for each in heads]
    assert strength == strengths[losses.index(min(losses))] != strengths[0]
    assert head.weight.shape == (4, 8)


def test_calibration_cools_what_is_too_sure_and_changes_no_answer(blobs):
    features, targets = blobs
    head = fit_linear(features[:60], targets[:60], 1e4)
    cooled = calibrated(head, features[60:], targets[60:])
    assert cooled.temperature > 1.2
    before, after = head.logits(features[60:]), cooled.logits(features[60:])
    assert torch.equal(before.argmax(1), after.argmax(1))
    assert loss_of(after, targets[60:]) < loss_of(before, targets[60:])


def test_a_temperature_without_rows_is_one():
    assert temperature_of(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)) == 1.0
