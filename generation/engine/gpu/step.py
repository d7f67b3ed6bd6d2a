"""What the kernels of a step read: its tokens, where they stand, and their adapters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from generation.engine.gpu.deltas import Deltas
from generation.engine.model import Batch

# The most tokens in a tile: of adapters in a step of single tokens, and in one that reads prompts.
FEW, MANY = 16, 64
# So many neighbours have the same adapter before their tiles are made the larger ones.
WORTH_MANY = 32
# Queries in a tile of a chunk: its tokens times the heads that share one key head.
QUERIES = 64


def tokens_in_tile(groups: int) -> int:
    """How many of a chunk's tokens one tile takes where prompts are read: a power of two."""
    return max(1, QUERIES >> (groups - 1).bit_length())


@dataclass(frozen=True, slots=True)
class Step:
    """N tokens, cut into T tiles of one chunk each and S tiles of one adapter each, all int64.

    A tile has at most `chunk_block` or `adapter_block` tokens. `adapter_tiles` is None without
    adapters; `adapters`, by address, are what the plain twins read, and are kept while it is read.
    """

    tokens: Tensor  # (N)
    slots: Tensor  # (N)
    positions: Tensor  # (N)
    chunks: Tensor  # (2, T): the first token, how many
    adapter_tiles: Tensor | None  # (3, S): first token, how many (0: none), table's address
    chunk_block: int = 1
    adapter_block: int = FEW
    adapters: dict[int, Deltas] = field(default_factory=dict)


def places(batch: Batch) -> tuple[list[int], list[int]]:
    """The slot and the position of each token."""
    slots = [chunk.slot for chunk in batch.chunks for _ in range(chunk.count)]
    return slots, [p for chunk in batch.chunks for p in range(chunk.start, chunk.stop)]


def cut(begin: int, end: int, block: int) -> list[tuple[int, int]]:
    """(first, count) of the tiles of a stretch."""
    return [(first, min(block, end - first)) for first in range(begin, end, block)]


def chunk_tiles(batch: Batch, block: int) -> list[tuple[int, int]]:
    tiles, begin = [], 0
    for chunk in batch.chunks:
        tiles += cut(begin, begin + chunk.count, block)
        begin += chunk.count
    return tiles


def run_tiles(runs: Iterable[tuple[int, int, Deltas]], block: int) -> list[tuple[int, int, int]]:
    return [
        (first, count, deltas.address)
        for begin, end, deltas in runs
        for first, count in cut(begin, end, block)
    ]


def step_of(batch: Batch, groups: int, device: torch.device) -> Step:
    """Any step, prompts and single tokens mixed."""

    def table(rows: Iterable[Iterable[int]]) -> Tensor:
        return torch.tensor(list(rows), dtype=torch.long, device=device)

    runs = batch.runs()
    longest = max((end - begin for begin, end, _ in runs), default=0)
    chunk_block, block = tokens_in_tile(groups), MANY if longest >= WORTH_MANY else FEW
    tokens, slots, positions = table([batch.tokens, *places(batch)])
    return Step(
        tokens=tokens,
        slots=slots,
        positions=positions,
        chunks=table(zip(*chunk_tiles(batch, chunk_block), strict=True)),
        adapter_tiles=table(zip(*run_tiles(runs, block), strict=True)) if runs else None,
        chunk_block=chunk_block,
        adapter_block=block,
        adapters={deltas.address: deltas for _, _, deltas in runs},
    )
