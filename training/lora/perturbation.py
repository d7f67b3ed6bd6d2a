"""What is done to the embeddings while training, so that the adapter learns more than the rows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from training.lora.packing import Pack
from training.lora.recipe import Recipe

# The loss, summed over a pack, as a function of its embeddings (N, hidden).
LossOf = Callable[[Tensor], Tensor]


def noised(embedded: Tensor, pack: Pack, alpha: float, seed: int) -> Tensor:
    """NEFTune (arXiv:2310.05914): uniform noise of +-alpha / sqrt(length * hidden) on each row."""
    if not alpha:
        return embedded
    lengths = torch.tensor(pack.lengths, device=embedded.device)
    sizes = alpha / (lengths.repeat_interleave(lengths) * embedded.shape[1]).sqrt()  # (N,)
    chance = torch.Generator(embedded.device).manual_seed(seed)
    noise = torch.empty(embedded.shape, device=embedded.device).uniform_(-1, 1, generator=chance)
    return embedded + (noise * sizes[:, None]).to(embedded.dtype)


def backward(loss_of: LossOf, embedded: Tensor, recipe: Recipe) -> Tensor:
    """Add the gradients of the loss, and of the loss at its worst nearby; give the plain loss.

    FGM (arXiv:1605.07725) takes one step against the gradient of the embeddings, PGD
    (arXiv:1706.06083) several, each brought back to within `adversarial_epsilon`.
    """
    if recipe.adversarial == "none":
        loss = loss_of(embedded)
        loss.backward()
        return loss.detach()
    plain = embedded.detach().requires_grad_()
    loss = loss_of(plain)
    loss.backward()
    worse = worst(loss_of, plain, recipe)
    loss_of(worse).backward()
    return loss.detach()


def worst(loss_of: LossOf, plain: Tensor, recipe: Recipe) -> Tensor:
    """Embeddings within epsilon (by the norm of all) at which the loss is higher."""
    assert plain.grad is not None
    epsilon, start = recipe.adversarial_epsilon, plain.detach()
    if recipe.adversarial == "fgm":
        return start + epsilon * unit(plain.grad)
    stride = epsilon / recipe.adversarial_steps * 1.5
    offset, grad = torch.zeros_like(start), plain.grad
    for step in range(recipe.adversarial_steps):
        if step:
            at = (start + offset).requires_grad_()
            (grad,) = torch.autograd.grad(loss_of(at), at)
        offset = offset + stride * unit(grad)
        offset = offset * min(1.0, epsilon / max(float(offset.norm()), 1e-12))
    return start + offset


def unit(grad: Tensor) -> Tensor:
    return grad / float(grad.norm().clamp_min(1e-12))
