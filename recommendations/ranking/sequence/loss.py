"""Softmax cross-entropy over many items that never holds all logits at once.

N positions, K items, D dim. Logits of a slice of positions are made, turned into gradients and
forgotten; with the full catalogue this is three matrix products and one softmax.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

ROWS = 512
TINY = 1e-30


class FusedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, items: Tensor, targets: Tensor, shift: Tensor | None
    ) -> Tensor:
        d_hidden = torch.empty_like(hidden)
        d_items = torch.zeros_like(items, dtype=torch.float32)  # a sum of many parts
        total = hidden.new_zeros((), dtype=torch.float32)
        for start in range(0, len(hidden), ROWS):
            rows = slice(start, start + ROWS)
            part, wanted = hidden[rows], targets[rows, None]
            logits = part @ items.T  # (ROWS, K)
            if shift is not None:
                # A target always stands among the items, so its own logit is not corrected.
                own = logits.gather(1, wanted)
                logits = logits.sub_(shift).scatter_(1, wanted, own)
            gradient = logits.softmax(1)
            own = gradient.gather(1, wanted)
            total -= own.float().clamp_min(TINY).log().sum()
            gradient.scatter_(1, wanted, own - 1)
            d_hidden[rows] = gradient @ items
            d_items += gradient.T @ part
        ctx.save_for_backward(d_hidden, d_items)
        ctx.dtype = items.dtype
        return total / len(hidden)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        d_hidden, d_items = ctx.saved_tensors
        scale = gradients[0] / len(d_hidden)
        return (d_hidden * scale).to(ctx.dtype), (d_items * scale).to(ctx.dtype), None, None


def cross_entropy(
    hidden: Tensor, items: Tensor, targets: Tensor, shift: Tensor | None = None
) -> Tensor:
    """Mean loss of (N, D) against (K, D); `targets` (N,) say which of the K is right.

    `shift` (K,) is the logarithm of how probable it was that an item is among the K: the logQ
    correction of sampled softmax (Yi et al., RecSys 2019); None if all items are.
    """
    return FusedCrossEntropy.apply(hidden, items, targets, shift)  # type: ignore[no-untyped-call, no-any-return]


def plain_cross_entropy(hidden: Tensor, items: Tensor, targets: Tensor, shift: Tensor) -> Tensor:
    """The twin that autograd differentiates."""
    logits = hidden @ items.T
    own = torch.nn.functional.one_hot(targets, len(items)).bool()
    logits = torch.where(own, logits, logits - shift)
    return torch.nn.functional.cross_entropy(logits, targets)
