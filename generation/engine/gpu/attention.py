"""Attention over the slotted cache in Triton, for prompts and single tokens in one launch.

N tokens, H heads, K key heads, D per head, G = H / K; the cache of a layer (slots, K, context, D).
The plain twins are plain.place and plain.attend.
"""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from generation.engine.gpu.plain import Turn
from generation.engine.gpu.step import Step

# The least that a side of a matrix product may have.
LEAST = 16
# So many positions are seen at a time.
POSITIONS = 64
# With fewer programs than this the positions of single tokens are shared out among more of them.
ENOUGH_PROGRAMS, MOST_SHARES = 128, 16


def place(qkv: Tensor, keys: Tensor, values: Tensor, turn: Turn, step: Step) -> Tensor:
    """Keys and values of qkv (N, (H + 2 K) D) go into the cache; the queries (N, H, D), turned.

    `turn` are cosines and sines (context, 1, D) in float32.
    """
    _, kv_heads, context, size = keys.shape
    heads = qkv.shape[1] // size - 2 * kv_heads
    if not all(side.is_contiguous() for side in (qkv, keys, values, *turn)):
        raise ValueError("Expected contiguous rows.")
    if not qkv.dtype == keys.dtype == values.dtype or turn[0].dtype != torch.float32 or size % 2:
        raise ValueError(f"Expected rows of one kind, got {qkv.dtype} and {keys.dtype}.")
    q = qkv.new_empty((len(qkv), heads, size))
    place_kernel[(len(qkv), heads + 2 * kv_heads)](
        qkv, q, keys, values, *turn, step.slots, step.positions, context,
        HEADS=heads, KV_HEADS=kv_heads, SIZE=size,
        HALF=triton.next_power_of_2(size // 2), num_warps=1,
    )  # fmt: skip
    return q


# What changes from step to step, also where its numbers begin, must not make a kernel of its own:
# none is compiled while a request waits.
STEP = ["slots", "positions", "chunks"]


@triton.jit(do_not_specialize_on_alignment=STEP)
def place_kernel(  # noqa: PLR0913
    qkv, q, keys, values, cosines, sines, slots, positions, context,
    HEADS: tl.constexpr, KV_HEADS: tl.constexpr, SIZE: tl.constexpr, HALF: tl.constexpr,
):  # fmt: skip
    """One head of one token: a query, a key or a value, in this order."""
    token, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    slot, position = tl.load(slots + token), tl.load(positions + token)
    d = tl.arange(0, HALF)
    inside = d < SIZE // 2
    source = qkv + (token * (HEADS + 2 * KV_HEADS) + head) * SIZE
    first = tl.load(source + d, mask=inside, other=0.0).to(tl.float32)
    second = tl.load(source + SIZE // 2 + d, mask=inside, other=0.0).to(tl.float32)
    if head < HEADS + KV_HEADS:
        cosine = tl.load(cosines + position * SIZE + d, mask=inside, other=0.0)
        sine = tl.load(sines + position * SIZE + d, mask=inside, other=0.0)
        turned = first * cosine - second * sine
        second = second * cosine + first * sine
        first = turned
    if head < HEADS:
        target = q + (token * HEADS + head) * SIZE
    elif head < HEADS + KV_HEADS:
        target = keys + ((slot * KV_HEADS + head - HEADS) * context + position) * SIZE
    else:
        own = head - HEADS - KV_HEADS
        target = values + ((slot * KV_HEADS + own) * context + position) * SIZE
    tl.store(target + d, first.to(q.dtype.element_ty), mask=inside)
    tl.store(target + SIZE // 2 + d, second.to(q.dtype.element_ty), mask=inside)


def attend(q: Tensor, keys: Tensor, values: Tensor, step: Step) -> Tensor:
    """q (N, H, D), each over its own slot up to itself -> (N, H * D)."""
    rows, heads, size = q.shape
    _, kv_heads, context, _ = keys.shape
    if not all(side.is_contiguous() for side in (q, keys, values, step.chunks)):
        raise ValueError("Expected contiguous rows.")
    if not q.dtype == keys.dtype == values.dtype or heads % kv_heads:
        raise ValueError(f"Expected rows of one kind, got {q.dtype} and {keys.dtype}.")
    groups, tiles = heads // kv_heads, step.chunks.shape[1]
    width = max(LEAST, triton.next_power_of_2(size))
    wide = q.element_size() > 2 or width > 128
    shares = shares_of(tiles * kv_heads) if step.chunk_block == 1 else 1
    out = q.new_empty((rows, heads * size))
    # What a share of the positions comes to, its highest score and its weight.
    room = (shares, rows, heads, size + 2) if shares > 1 else (0,)
    part = q.new_empty(room, dtype=torch.float32)
    attend_kernel[(tiles, kv_heads, shares)](
        q, keys, values, out, part, step.chunks, step.slots, step.positions, tiles, rows, context,
        math.log2(math.e) / math.sqrt(size),
        KV_HEADS=kv_heads, GROUPS=groups, SIZE=size, WIDTH=width,
        OWN=max(LEAST // step.chunk_block, triton.next_power_of_2(groups)),
        TOKENS=step.chunk_block, SHARES=shares,
        POSITIONS=POSITIONS // 2 if wide else POSITIONS, num_stages=2,
    )  # fmt: skip
    if shares > 1:
        merge_kernel[(rows, heads)](
            part, out, rows, HEADS=heads, SIZE=size, WIDTH=width, SHARES=shares, num_warps=1
        )
    return out


def shares_of(programs: int) -> int:
    """Few rows leave most of a GPU idle, so the positions of each are shared out."""
    shares = 1
    while shares < MOST_SHARES and programs * shares < ENOUGH_PROGRAMS:
        shares *= 2
    return shares


@triton.jit(do_not_specialize=["tiles", "rows"], do_not_specialize_on_alignment=STEP)
def attend_kernel(  # noqa: PLR0913, PLR0915
    q, keys, values, out, part, chunks, slots, positions, tiles, rows, context, scale,
    KV_HEADS: tl.constexpr, GROUPS: tl.constexpr, SIZE: tl.constexpr, WIDTH: tl.constexpr,
    OWN: tl.constexpr, TOKENS: tl.constexpr, SHARES: tl.constexpr, POSITIONS: tl.constexpr,
):  # fmt: skip
    """One tile, one key head, one share of the positions; the queries' axis is tokens by heads.

    The softmax runs over blocks of positions with the highest score so far taken off. With more
    shares than one the tile is a single token, so that each share's blocks are seen in full.
    """
    tile, head, share = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    first, count = tl.load(chunks + tile), tl.load(chunks + tiles + tile)
    slot, start = tl.load(slots + first), tl.load(positions + first)
    query, d = tl.arange(0, TOKENS * OWN), tl.arange(0, WIDTH)
    token, own = query // OWN, query % OWN
    valid = (token < count) & (own < GROUPS)
    mine = valid[:, None] & (d < SIZE)[None, :]
    places = ((first + token) * KV_HEADS + head) * GROUPS + own
    cells = places[:, None] * SIZE + d[None, :]
    left = tl.load(q + cells, mask=mine, other=0.0)
    highest = tl.full((TOKENS * OWN,), -float("inf"), dtype=tl.float32)
    weight = tl.zeros((TOKENS * OWN,), dtype=tl.float32)
    total = tl.zeros((TOKENS * OWN, WIDTH), dtype=tl.float32)
    base = (slot * KV_HEADS + head) * context * SIZE
    end = start + count
    stretch = tl.cdiv(tl.cdiv(end, POSITIONS), SHARES) * POSITIONS
    for at in range(share * stretch, tl.minimum(share * stretch + stretch, end), POSITIONS):
        seen = at + tl.arange(0, POSITIONS)
        there = (seen < end)[:, None] & (d < SIZE)[None, :]
        cell = base + seen[:, None] * SIZE + d[None, :]
        key = tl.load(keys + cell, mask=there, other=0.0)
        value = tl.load(values + cell, mask=there, other=0.0)
        score = tl.dot(left, tl.trans(key), input_precision="ieee") * scale
        score = tl.where(seen[None, :] <= (start + token)[:, None], score, -float("inf"))
        top = tl.maximum(highest, tl.max(score, 1))  # finite: the first block has one for all
        parts = tl.exp2(score - top[:, None])
        fade = tl.exp2(highest - top)
        weight = weight * fade + tl.sum(parts, 1)
        total = total * fade[:, None]
        total = tl.dot(parts.to(value.dtype), value, total, input_precision="ieee")
        highest = top
    if SHARES == 1:
        tl.store(out + cells, (total / weight[:, None]).to(out.dtype.element_ty), mask=mine)
    else:
        room = (share.to(tl.int64) * rows * KV_HEADS * GROUPS + places) * (SIZE + 2)
        tl.store(part + room[:, None] + d[None, :], total, mask=mine)
        tl.store(part + room + SIZE, highest, mask=valid)
        tl.store(part + room + SIZE + 1, weight, mask=valid)


@triton.jit(do_not_specialize=["rows"])
def merge_kernel(  # noqa: PLR0913
    part, out, rows,
    HEADS: tl.constexpr, SIZE: tl.constexpr, WIDTH: tl.constexpr, SHARES: tl.constexpr,
):  # fmt: skip
    """One head of one token from its shares; the empty ones have a highest score of -inf."""
    row, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    share, d = tl.arange(0, SHARES), tl.arange(0, WIDTH)
    rooms = ((share * rows + row) * HEADS + head) * (SIZE + 2)
    highest = tl.load(part + rooms + SIZE)
    fade = tl.exp2(highest - tl.max(highest, 0))
    weight = tl.sum(tl.load(part + rooms + SIZE + 1) * fade, 0)
    inside = (d < SIZE)[None, :]
    totals = tl.load(part + rooms[:, None] + d[None, :], mask=inside, other=0.0)
    total = tl.sum(totals * fade[:, None], 0) / weight
    cells = out + (row * HEADS + head) * SIZE + d
    tl.store(cells, total.to(out.dtype.element_ty), mask=d < SIZE)
