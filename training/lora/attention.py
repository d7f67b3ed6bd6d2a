"""Causal attention within each packed row: batched products over the padded groups, and a twin.

N tokens, H heads, K key heads, G = H / K, D numbers a head; a group has B blocks (its rows times
K) of L padded positions. L * L numbers are kept for the backward pass only where rows are short.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from generation.engine.model import rotate
from training.lora.native import library as native
from training.lora.native.library import address
from training.lora.packing import Group, Layout

Context = Any
# Numbers of one group in one layer, 4 MB; of longer rows they are computed anew.
KEPT_SHARES = 2 * 2**20


def attention(qkv: Tensor, layout: Layout) -> Tensor:
    """qkv (N, (H + 2 K) * D), not yet turned to their positions -> (N, H * D)."""
    if native.takes(qkv) and layout.head_dim % (2 * native.LANES) == 0:
        made: Tensor = Attention.apply(qkv, layout)
        return made
    return attention_plain(qkv, layout)


def attention_plain(qkv: Tensor, layout: Layout) -> Tensor:
    heads, kv_heads, size = layout.heads, layout.kv_heads, layout.head_dim
    q, k, v = torch.split(qkv, [heads * size, kv_heads * size, kv_heads * size], dim=-1)
    cosines = torch.cat([layout.cosines] * 2, dim=-1)[:, None]  # (N, 1, D)
    sines = torch.cat([layout.sines] * 2, dim=-1)[:, None]
    q = rotate(q.view(-1, heads, size), cosines, sines)
    k = rotate(k.view(-1, kv_heads, size), cosines, sines)
    rows = layout.key_rows()

    def padded(x: Tensor) -> Tensor:
        flat = x.reshape(len(rows), -1)  # (N * K, D or G * D)
        return flat.new_zeros(layout.rows, flat.shape[1]).index_copy(0, rows, flat)

    q, k, v = padded(q), padded(k), padded(v.view(-1, kv_heads, size))
    parts = [attend_group(q, k, v, group, layout) for group in layout.groups]
    return torch.cat(parts)[rows].view(-1, heads * size)


def attend_group(q: Tensor, k: Tensor, v: Tensor, group: Group, layout: Layout) -> Tensor:
    """-> (B * L, G * D); q's heads of one group are heads of their own to torch."""
    size, shared, length = layout.head_dim, layout.shared, group.length
    own = slice(group.start, group.stop)
    queries = q[own].view(-1, length, shared, size).transpose(1, 2)  # (B, G, L, D)
    keys, values = (side[own].view(-1, 1, length, size) for side in (k, v))  # (B, 1, L, D)
    keys, values = keys.expand_as(queries), values.expand_as(queries)
    mixed = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
    return mixed.transpose(1, 2).reshape(-1, shared * size)


class Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context, qkv: Tensor, layout: Layout) -> Tensor:
        kernels, native_layout = native.required(), layout.native()
        q, k, v = blank(qkv, layout)
        kernels.split_heads(native_layout, *map(address, (qkv, q, k, v)))
        mixed, kept = torch.empty_like(q), []
        for group in layout.groups:
            keys, values = of_keys(k, group), of_keys(v, group)  # (B, L, D)
            shares = shares_of(of_queries(q, group, layout), keys, layout)  # (B, L * G, L)
            torch.bmm(shares, values, out=of_queries(mixed, group, layout))
            kept.append(shares if shares.numel() <= KEPT_SHARES else None)
        out = qkv.new_empty(len(qkv), layout.heads * layout.head_dim)
        kernels.join_heads(native_layout, address(mixed), address(out))
        ctx.save_for_backward(q, k, v, *kept)
        ctx.layout = layout
        return out

    @staticmethod
    def backward(ctx: Context, *grads: Tensor) -> tuple[Tensor, None]:
        kernels, layout = native.required(), ctx.layout
        native_layout = layout.native()
        q, k, v, *kept = ctx.saved_tensors
        d_mixed = torch.zeros_like(q)
        kernels.join_heads_backward(native_layout, address(grads[0].contiguous()), address(d_mixed))
        d_q, d_k, d_v = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        for group, shares in zip(layout.groups, kept, strict=True):
            queries, keys = of_queries(q, group, layout), of_keys(k, group)
            if shares is None:
                shares = shares_of(queries, keys, layout)
            d_out = of_queries(d_mixed, group, layout)
            torch.bmm(shares.transpose(1, 2), d_out, out=of_keys(d_v, group))
            d_scores = torch.bmm(d_out, of_keys(v, group).transpose(1, 2))
            kernels.causal_softmax_backward(
                *(address(shares), address(d_scores), len(keys), group.length, layout.shared),
                layout.head_dim**-0.5,
            )
            torch.bmm(d_scores, keys, out=of_queries(d_q, group, layout))
            torch.bmm(d_scores.transpose(1, 2), queries, out=of_keys(d_k, group))
        width = (layout.heads + 2 * layout.kv_heads) * layout.head_dim
        d_qkv = q.new_empty(len(layout.places), width)
        kernels.split_heads_backward(native_layout, *map(address, (d_q, d_k, d_v, d_qkv)))
        return d_qkv, None


def blank(like: Tensor, layout: Layout) -> tuple[Tensor, Tensor, Tensor]:
    """Padded q (rows * G, D), k and v (rows, D), zero where no token lies."""
    q = like.new_zeros(layout.rows * layout.shared, layout.head_dim)
    k, v = (like.new_zeros(layout.rows, layout.head_dim) for _ in range(2))
    return q, k, v


def of_queries(q: Tensor, group: Group, layout: Layout) -> Tensor:
    """(B, L * G, D) of one group."""
    own = q[group.start * layout.shared : group.stop * layout.shared]
    return own.view(-1, group.length * layout.shared, layout.head_dim)


def of_keys(k: Tensor, group: Group) -> Tensor:
    """(B, L, D) of one group."""
    return k[group.start : group.stop].view(-1, group.length, k.shape[-1])


def shares_of(queries: Tensor, keys: Tensor, layout: Layout) -> Tensor:
    """(B, L * G, L): how much each query heeds each key."""
    scores = torch.bmm(queries, keys.transpose(1, 2))
    native.required().causal_softmax(
        *(address(scores), len(keys), keys.shape[1], layout.shared, layout.head_dim**-0.5),
    )
    return scores
