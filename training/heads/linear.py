"""Logistic regression on fixed features, and the temperature that makes its odds honest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

ITERATIONS = 200
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


@dataclass(frozen=True, slots=True)
class Linear:
    """weight (classes, size), bias (classes,); logits are divided by the temperature."""

    weight: Tensor
    bias: Tensor
    temperature: float = 1.0

    def logits(self, features: Tensor) -> Tensor:
        """features (n, size) -> (n, classes)"""
        return F.linear(features, self.weight, self.bias) / self.temperature


def loss_of(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy; targets (n,) are classes, or (n, classes) 0 and 1 of several labels."""
    if targets.dim() == 1:
        return F.cross_entropy(logits, targets, label_smoothing=smoothing)
    smoothed = targets * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(logits, smoothed)


def fit_linear(
    features: Tensor, targets: Tensor, strength: float, start: Linear | None = None
) -> Linear:
    """Minimise the summed loss + |W|^2 / (2 strength), which is scikit-learn's C, by L-BFGS.

    features (n, size); targets as in `loss_of`, with `start.weight`'s classes or the largest's.
    """
    classes = targets.shape[1] if targets.dim() == 2 else int(targets.max()) + 1
    weight = torch.zeros(classes, features.shape[1]) if start is None else start.weight.clone()
    bias = torch.zeros(classes) if start is None else start.bias.clone()
    weight.requires_grad_()
    bias.requires_grad_()
    scale = targets.shape[1] if targets.dim() == 2 else 1  # the mean is over labels too

    def loss() -> Tensor:
        data = loss_of(F.linear(features, weight, bias), targets) * scale
        return data + weight.square().sum() / (2 * strength * len(features))

    minimise([weight, bias], loss)
    return Linear(weight.detach(), bias.detach())


def minimise(parameters: list[Tensor], loss: Callable[[], Tensor]) -> None:
    optimizer = torch.optim.LBFGS(
        parameters, max_iter=ITERATIONS, tolerance_grad=1e-6, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)


def best_linear(
    features: tuple[Tensor, Tensor],
    targets: tuple[Tensor, Tensor],
    strengths: Sequence[float] = STRENGTHS,
    *,
    check: Callable[[], object] = lambda: None,
) -> tuple[Linear, float]:
    """The head whose strength has the least loss on validation, calibrated there; the strength.

    `features` and `targets` are (training, validation). Each fit starts from the one before;
    `check` is called before each and may raise to stop.
    """
    found: list[tuple[float, float, Linear]] = []
    head: Linear | None = None
    for strength in strengths:
        check()
        head = fit_linear(features[0], targets[0], strength, head)
        loss = float(loss_of(head.logits(features[1]), targets[1]))
        found.append((loss, strength, head))
        if loss > 1.1 * min(each[0] for each in found):
            break  # it has been overfitting for a while
    _, strength, best = min(found, key=lambda each: each[0])
    return calibrated(best, features[1], targets[1]), strength


def calibrated(head: Linear, features: Tensor, targets: Tensor) -> Linear:
    """Temperature scaling (arXiv:1706.04599): the one number that fits validation best."""
    logits = head.logits(features).detach() * head.temperature
    return Linear(head.weight, head.bias, temperature_of(logits, targets))


def temperature_of(logits: Tensor, targets: Tensor) -> float:
    """Kept between 1/20 and 20; 1 where there is nothing to fit it to."""
    if not len(targets):
        return 1.0
    log_temperature = torch.zeros(1, requires_grad=True)
    minimise([log_temperature], lambda: loss_of(logits / log_temperature.exp(), targets))
    return float(log_temperature.detach().clamp(-3, 3).exp())
