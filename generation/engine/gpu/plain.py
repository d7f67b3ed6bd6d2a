"""The plain twins of the kernels: same arguments, same numbers up to rounding, in torch alone.

N tokens, H heads, K key heads, D per head, G = H / K; the cache of a layer (slots, K, context, D).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from generation.engine.gpu.deltas import Joined
from generation.engine.gpu.step import Step
from generation.engine.model import rotate

Turn = tuple[Tensor, Tensor]


def place(qkv: Tensor, keys: Tensor, values: Tensor, turn: Turn, step: Step) -> Tensor:
    """Keys and values of qkv (N, (H + 2 K) D) go into the cache; the queries (N, H, D), turned.

    `turn` are cosines and sines (context, 1, D).
    """
    heads, size = keys.shape[1], keys.shape[3]
    rest = qkv.shape[1] // size - 2 * heads
    q, k, v = torch.split(qkv.view(-1, rest + 2 * heads, size), [rest, heads, heads], dim=1)
    own = turn[0][step.positions], turn[1][step.positions]  # (N, 1, D) each
    keys[step.slots, :, step.positions] = rotate(k, *own)
    values[step.slots, :, step.positions] = v
    return rotate(q, *own)


def attend(q: Tensor, keys: Tensor, values: Tensor, step: Step) -> Tensor:
    """q (N, H, D), each over its own slot up to itself -> (N, H * D)."""
    out = torch.empty_like(q)
    for first, count in step.chunks.T.tolist():
        slot, start = int(step.slots[first]), int(step.positions[first])
        seen = torch.arange(start + count, device=q.device)
        mask = seen[None] <= start + seen[:count, None]  # (n, length)
        own = q[first : first + count].transpose(0, 1)  # (H, n, D)
        key, value = (side[slot, :, : start + count][None] for side in (keys, values))
        mixed = F.scaled_dot_product_attention(own[None], key, value, mask, enable_gqa=True)
        out[first : first + count] = mixed[0].transpose(0, 1)  # (n, H, D)
    return out.flatten(1)


def add(y: Tensor, x: Tensor, joined: Joined, step: Step) -> Tensor:
    """y (N, out) plus what each tile's adapter makes of x (N, in), changed in place."""
    if step.adapter_tiles is None:
        return y
    for first, count, address in step.adapter_tiles.T.tolist():
        if not count:
            continue
        for place in range(joined.place, joined.place + joined.parts):
            if pair := step.adapters[address].pairs.get(place):
                more = F.linear(F.linear(x[first : first + count], pair.down), pair.up)
                y[first : first + count, pair.offset : pair.offset + len(pair.up)] += more
    return y
