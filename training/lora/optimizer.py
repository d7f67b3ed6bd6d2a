"""AdamW over one flat tensor; its state is two more of them, which a checkpoint can hold."""

from __future__ import annotations

import torch
from torch import Tensor

from training.lora.recipe import Recipe

STATES = ("exp_avg", "exp_avg_sq")


class Optimizer:
    """torch's AdamW (arXiv:1711.05101), fused; the gradient is clipped by its norm before."""

    def __init__(self, parameter: Tensor, recipe: Recipe) -> None:
        self.parameter, self.recipe = parameter, recipe
        self.adamw = torch.optim.AdamW(
            [parameter], lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )

    def gradient_norm(self) -> float:
        """Before clipping; not a number where any gradient is none."""
        grad = self.parameter.grad
        return 0.0 if grad is None else float(grad.norm())

    def step(self, learning_rate: float, norm: float) -> None:
        grad = self.parameter.grad
        if grad is not None and norm > self.recipe.max_grad_norm:
            grad.mul_(self.recipe.max_grad_norm / (norm + 1e-6))
        self.adamw.param_groups[0]["lr"] = learning_rate
        self.adamw.step()
        self.adamw.zero_grad()

    def tensors(self) -> dict[str, Tensor]:
        state = self.adamw.state[self.parameter]
        zeros = torch.zeros_like(self.parameter, requires_grad=False)
        return {name: state.get(name, zeros).detach().cpu().clone() for name in STATES}

    def load(self, tensors: dict[str, Tensor], steps: int) -> None:
        self.adamw.state[self.parameter] = {
            "step": torch.tensor(float(steps)),
            **{name: tensors[name].to(self.parameter.device).clone() for name in STATES},
        }
