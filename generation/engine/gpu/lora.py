"""Segmented low-rank additions in Triton: every tile of neighbouring rows has its own adapter.

Two kernels: x A^T into a small room in float32, then B^T of that onto y. They find an adapter by
the addresses in its table (deltas.py), so a captured step serves adapters that came later. The sum
over `in` is cut by its length alone and added up in a fixed order: no atomics, so a row's numbers
are the same whatever else is in the batch. The plain twin is plain.add.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from generation.engine.gpu.deltas import FIELDS, RANK_STEP, Joined
from generation.engine.gpu.step import Step
from generation.engine.lora.peft import MAX_RANK

DEEP = 64  # of x's columns, and of y's, in one tile
WIDE = 64
SPLIT_AT, MOST_SPLITS = 512, 4
STARTS = tl.constexpr(FIELDS)


def add(y: Tensor, x: Tensor, joined: Joined, step: Step) -> Tensor:
    """y (N, out) plus what each tile's adapter makes of x (N, in), changed in place."""
    if step.adapter_tiles is None:
        return y
    if not (x.is_contiguous() and y.is_contiguous() and step.adapter_tiles.is_contiguous()):
        raise ValueError("Expected contiguous rows.")
    if x.dtype != y.dtype or len(x) != len(y) or step.adapter_tiles.dtype != torch.long:
        raise ValueError(f"Expected rows of one kind, got {x.dtype} and {y.dtype}.")
    (rows, size), tiles = x.shape, step.adapter_tiles.shape[1]
    splits = min(MOST_SPLITS, triton.cdiv(size, SPLIT_AT))
    room = x.new_empty((splits, rows, joined.parts, MAX_RANK), dtype=torch.float32)
    block = max(step.adapter_block, RANK_STEP)
    shrink[(tiles, joined.parts, splits)](
        x, room, step.adapter_tiles, tiles, rows, size, joined.place, joined.parts, splits,
        ROWS=block, RANK=MAX_RANK, DEEP=DEEP,
    )  # fmt: skip
    expand[(tiles, triton.cdiv(joined.widest, WIDE), joined.parts)](
        y, room, step.adapter_tiles, tiles, rows, y.shape[1], joined.place, joined.parts,
        SPLITS=splits, ROWS=block, RANK=MAX_RANK, WIDE=WIDE,
    )  # fmt: skip
    return y


# What changes from step to step or from layer to layer must not make a kernel of its own: none is
# compiled while a request waits.
STEP = ["tiles", "rows", "place", "parts"]


@triton.jit(do_not_specialize=[*STEP, "splits"], do_not_specialize_on_alignment=["adapter_tiles"])
def shrink(  # noqa: PLR0913
    x, room, adapter_tiles, tiles, rows, size, place, parts, splits,
    ROWS: tl.constexpr, RANK: tl.constexpr, DEEP: tl.constexpr,
):  # fmt: skip
    """room (splits, N, parts, RANK) = a share of x A^T, for one tile and one module."""
    tile, part, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    first, count = tl.load(adapter_tiles + tile), tl.load(adapter_tiles + tiles + tile)
    if count == 0:
        return
    table = tl.load(adapter_tiles + 2 * tiles + tile).to(tl.pointer_type(tl.int64))
    entry = table + (place + part) * STARTS
    rank = tl.load(entry + 2)
    if rank == 0:
        return
    down = tl.load(entry).to(tl.pointer_type(x.dtype.element_ty))
    down = tl.multiple_of(down, 16)  # bytes: what lies there begins at a step of ranks
    row, own = tl.arange(0, ROWS), tl.arange(0, RANK)
    here = row < count
    total = tl.zeros((ROWS, RANK), dtype=tl.float32)
    share = tl.cdiv(tl.cdiv(size, DEEP), splits) * DEEP
    begin = split * share
    end = tl.minimum(begin + share, size)
    for at in range(begin, end, DEEP):
        column = at + tl.arange(0, DEEP)
        inside = column < end
        left = tl.load(
            x + (first + row)[:, None] * size + column[None, :],
            mask=here[:, None] & inside[None, :], other=0.0,
        )  # fmt: skip
        right = tl.load(
            down + own[None, :] * size + column[:, None],
            mask=(own < rank)[None, :] & inside[:, None], other=0.0,
        )  # fmt: skip
        total = tl.dot(left, right, total, input_precision="ieee")
    target = ((split * rows + first + row) * parts + part) * RANK
    tl.store(room + target[:, None] + own[None, :], total, mask=here[:, None])


@triton.jit(do_not_specialize=STEP, do_not_specialize_on_alignment=["adapter_tiles"])
def expand(  # noqa: PLR0913
    y, room, adapter_tiles, tiles, rows, width, place, parts,
    SPLITS: tl.constexpr, ROWS: tl.constexpr, RANK: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip
    """y (N, width) += the shares' sum times B^T, for one tile and some outputs of one module."""
    tile, block, part = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    first, count = tl.load(adapter_tiles + tile), tl.load(adapter_tiles + tiles + tile)
    if count == 0:
        return
    table = tl.load(adapter_tiles + 2 * tiles + tile).to(tl.pointer_type(tl.int64))
    entry = table + (place + part) * STARTS
    rank, out, offset = tl.load(entry + 2), tl.load(entry + 3), tl.load(entry + 4)
    # An entry that is not adapted has no outputs either.
    if block * WIDE >= out:
        return
    up = tl.load(entry + 1).to(tl.pointer_type(y.dtype.element_ty))
    up, rank = tl.multiple_of(up, 16), tl.multiple_of(rank, 16)
    row, own = tl.arange(0, ROWS), tl.arange(0, RANK)
    here = row < count
    low = tl.zeros((ROWS, RANK), dtype=tl.float32)
    for split in tl.static_range(SPLITS):
        source = ((split * rows + first + row) * parts + part) * RANK
        low += tl.load(room + source[:, None] + own[None, :], mask=here[:, None], other=0.0)
    column = block * WIDE + tl.arange(0, WIDE)
    right = tl.load(
        up + column[None, :] * rank + own[:, None],
        mask=(column < out)[None, :] & (own < rank)[:, None], other=0.0,
    )  # fmt: skip
    more = tl.dot(low.to(y.dtype.element_ty), right, input_precision="ieee")
    target = y + (first + row)[:, None] * width + (offset + column)[None, :]
    mask = here[:, None] & (column < out)[None, :]
    before = tl.load(target, mask=mask, other=0.0).to(tl.float32)
    tl.store(target, (before + more).to(y.dtype.element_ty), mask=mask)
