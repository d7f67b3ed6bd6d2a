"""The differentiable steps of the decoder, each as a kernel and as its plain twin.

N tokens, H heads, K key heads, G = H / K, D numbers a head. A twin is what runs in float32, on a
GPU, or where nothing was compiled; the tests hold each pair together, forward and backward.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from training.lora.native import library as native
from training.lora.native.library import address

Context = Any
# Rows of logits at a time: (rows, vocabulary) stays at 50 megabytes or so.
LOGIT_ROWS = 512


def add_norm(x: Tensor, more: Tensor | None, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """(x + more, its RMS norm times weight); x, more (N, hidden). RMSNorm: arXiv:1910.07467."""
    if native.takes(x, weight):
        total, normed = AddNorm.apply(x, more, weight, eps)
        return total, normed
    return add_norm_plain(x, more, weight, eps)


def add_norm_plain(
    x: Tensor, more: Tensor | None, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    total = x if more is None else x + more
    return total, F.rms_norm(total, weight.shape, weight, eps)


class AddNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Context, x: Tensor, more: Tensor | None, weight: Tensor, eps: float
    ) -> tuple[Tensor, Tensor]:
        total, normed = torch.empty_like(x), torch.empty_like(x)
        native.required().add_norm(
            *(address(x), address(more), address(weight), *x.shape, eps),
            *(address(total), address(normed)),
        )
        ctx.save_for_backward(total, weight)
        ctx.eps, ctx.two = eps, more is not None
        ctx.set_materialize_grads(False)
        return total, normed

    @staticmethod
    def backward(ctx: Context, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        d_total, d_normed = grads
        if d_normed is None:
            return d_total, d_total if ctx.two else None, None, None
        total, weight = ctx.saved_tensors
        d_x = torch.empty_like(total)
        own = None if d_total is None else d_total.contiguous()
        native.required().add_norm_backward(
            *(address(total), address(weight), address(own), address(d_normed.contiguous())),
            *(*total.shape, ctx.eps, address(d_x)),
        )
        return d_x, d_x if ctx.two else None, None, None


def swiglu(gate_up: Tensor) -> Tensor:
    """(N, 2 * inner) -> silu(gate) * up (N, inner). SwiGLU: arXiv:2002.05202."""
    if native.takes(gate_up) and gate_up.shape[-1] % (2 * native.LANES) == 0:
        made: Tensor = Swiglu.apply(gate_up)
        return made
    return swiglu_plain(gate_up)


def swiglu_plain(gate_up: Tensor) -> Tensor:
    gate, up = gate_up.chunk(2, dim=-1)
    return F.silu(gate) * up


class Swiglu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context, gate_up: Tensor) -> Tensor:
        rows, width = gate_up.shape
        out = gate_up.new_empty(rows, width // 2)
        native.required().swiglu(address(gate_up), rows, width // 2, address(out))
        ctx.save_for_backward(gate_up)
        return out

    @staticmethod
    def backward(ctx: Context, *grads: Tensor) -> Tensor:
        (gate_up,) = ctx.saved_tensors
        rows, width = gate_up.shape
        d_gate_up = torch.empty_like(gate_up)
        native.required().swiglu_backward(
            *(address(gate_up), address(grads[0].contiguous()), rows, width // 2),
            address(d_gate_up),
        )
        return d_gate_up


def lora_linear(
    x: Tensor, dropped: Tensor | None, weight: Tensor, down: Tensor, up: Tensor
) -> Tensor:
    """x W' + (dropped or x) A' B' without a gradient for W (LoRA, arXiv:2106.09685).

    x (N, in), weight (out, in), down A (rank, in), up B (out, rank) with the scale in it.
    """
    made: Tensor = LoraLinear.apply(x, dropped, weight, down, up)
    return made


def lora_linear_plain(
    x: Tensor, dropped: Tensor | None, weight: Tensor, down: Tensor, up: Tensor
) -> Tensor:
    low = F.linear(x if dropped is None else dropped, down)
    return F.linear(x, weight) + F.linear(low, up)


class LoraLinear(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0913 autograd's own signature
        ctx: Context, x: Tensor, dropped: Tensor | None, weight: Tensor, down: Tensor, up: Tensor
    ) -> Tensor:
        low = F.linear(x if dropped is None else dropped, down)  # (N, rank)
        y = F.linear(x, weight)
        y.addmm_(low, up.t())
        ctx.save_for_backward(x if dropped is None else dropped, weight, down, up, low)
        ctx.apart = dropped is not None
        return y

    @staticmethod
    def backward(ctx: Context, *grads: Tensor) -> tuple[Tensor | None, ...]:
        seen, weight, down, up, low = ctx.saved_tensors
        (d_y,) = grads
        d_low = d_y @ up  # (N, rank)
        d_up = (low.t() @ d_y).t()
        d_down = d_low.t() @ seen
        d_x = d_y @ weight if ctx.needs_input_grad[0] else None
        d_dropped = None
        if ctx.apart:
            d_dropped = d_low @ down if ctx.needs_input_grad[1] else None
        elif d_x is not None:
            d_x.addmm_(d_low, down)
        return d_x, d_dropped, None, d_down, d_up


def token_losses(x: Tensor, head: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of each row, (n,) in float32; the logits exist a few rows at a time only.

    x (n, hidden), head (vocabulary, hidden) is frozen, targets (n,). The gradient of x is made in
    the forward pass while its rows' logits are at hand (Liger, arXiv:2410.10989).
    """
    made: Tensor = TokenLosses.apply(x, head, targets, smoothing)
    return made


def token_losses_plain(x: Tensor, head: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    logits = F.linear(x, head).float()
    return F.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)


class TokenLosses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context, x: Tensor, head: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        losses = torch.empty(len(x), dtype=torch.float32, device=x.device)
        d_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        for start in range(0, len(x), LOGIT_ROWS):
            own = slice(start, start + LOGIT_ROWS)
            logits = F.linear(x[own], head)  # (rows, vocabulary)
            losses[own], d_logits = row_losses(logits, targets[own], smoothing)
            if d_x is not None:
                torch.mm(d_logits, head, out=d_x[own])
        if d_x is not None:
            ctx.save_for_backward(d_x)
        return losses

    @staticmethod
    def backward(ctx: Context, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (d_x,) = ctx.saved_tensors
        return d_x * grads[0][:, None].to(d_x.dtype), None, None, None


def row_losses(logits: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """(losses (rows,), the gradient of each row's own loss in its logits); logits are used up."""
    if not native.takes(logits):
        return row_losses_plain(logits, targets, smoothing)
    losses = torch.empty(len(logits), dtype=torch.float32)
    native.required().cross_entropy(
        *(address(logits), address(targets.contiguous()), *logits.shape, smoothing),
        address(losses),
    )
    return losses, logits


def row_losses_plain(logits: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    wide = logits.float()
    losses = F.cross_entropy(wide, targets, reduction="none", label_smoothing=smoothing)
    grad = wide.softmax(dim=-1) - smoothing / wide.shape[-1]
    grad[torch.arange(len(grad), device=grad.device), targets] -= 1 - smoothing
    return losses, grad.to(logits.dtype)
