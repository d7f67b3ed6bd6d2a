"""Rows laid end to end without padding, and where attention finds each of them apart.

N tokens, H heads, K key heads, G = H / K, D numbers a head. Attention works on padded groups of
rows of like length, one block of keys for each row and key head, so no row sees another.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from generation.engine.config import ModelConfig
from training.lora.native import library as native
from training.lora.rows import Row

# Lengths are rounded up, by more where rows are long, so that groups are few and waste is small.
SHORT, SHORT_STEP, LONG_STEP = 256, 16, 64


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one padded length: key rows [start, stop) of the padded tensors, by `length`."""

    start: int
    stop: int
    length: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the heads of each token lie in the padded groups.

    `places` (N,) is the row of a token's first key head, `strides` (N,) the rows from one key
    head to the next; `cosines`, `sines` (N, D / 2) turn the token to its position.
    """

    groups: list[Group]
    rows: int
    places: Tensor
    strides: Tensor
    cosines: Tensor
    sines: Tensor
    heads: int
    kv_heads: int
    head_dim: int

    @property
    def shared(self) -> int:
        """G, the query heads that share a key head."""
        return self.heads // self.kv_heads

    def key_rows(self) -> Tensor:
        """(N * K,): the padded row of every token's key heads."""
        heads = torch.arange(self.kv_heads, device=self.places.device)
        return (self.places[:, None] + heads * self.strides[:, None]).flatten()

    def native(self) -> ctypes.Structure:
        """For the kernels; it points into this layout, which must outlive it."""
        tensors = (self.places, self.strides, self.cosines, self.sines)
        return native.Layout(
            *(len(self.places), self.heads, self.kv_heads, self.head_dim),
            *(native.address(tensor) for tensor in tensors),
        )


@dataclass(frozen=True, slots=True)
class Pack:
    """tokens (N,) of all rows; `wanted` (n,) are the places whose next token is predicted.

    `targets` (n,) are those next tokens and `owners` (n,) the rows that they belong to, by their
    number in the list that was packed; `lengths` has the rows' lengths as they lie here.
    """

    tokens: Tensor
    wanted: Tensor
    targets: Tensor
    owners: Tensor
    lengths: list[int]
    layout: Layout

    def __len__(self) -> int:
        return len(self.tokens)


class Packer:
    """Packs rows for one model; its table of angles reaches to `context` positions."""

    def __init__(self, config: ModelConfig, context: int, device: torch.device) -> None:
        self.config, self.device = config, device
        angles = torch.outer(torch.arange(context).float(), torch.tensor(config.frequencies()))
        self.cosines, self.sines = angles.cos(), angles.sin()  # (context, D / 2)

    def pack(self, rows: Sequence[Row], completion_only: bool = True) -> Pack:
        """Longest rows first: neighbours share a group. ValueError for no rows."""
        order = sorted(range(len(rows)), key=lambda number: -len(rows[number]))
        wanted, targets, owners, begin = [], [], [], 0
        for number in order:
            row = rows[number]
            places = row.targets(completion_only)
            wanted.append(places + (begin - 1))
            targets.append(row.tokens[places])
            owners.append(np.full(len(places), number))
            begin += len(row)
        tokens = np.concatenate([rows[number].tokens for number in order])
        lengths = [len(rows[number]) for number in order]
        return Pack(
            tokens=self.tensor(tokens),
            wanted=self.tensor(np.concatenate(wanted)),
            targets=self.tensor(np.concatenate(targets)),
            owners=self.tensor(np.concatenate(owners)),
            lengths=lengths,
            layout=self.layout(lengths),
        )

    def tensor(self, numbers: np.ndarray) -> Tensor:
        return torch.from_numpy(numbers.astype(np.int64)).to(self.device)

    def layout(self, lengths: Sequence[int]) -> Layout:
        """For rows of these lengths, which do not rise."""
        heads, groups, places, strides, end = self.config.kv_heads, [], [], [], 0
        for length, members in groupby(lengths, padded_length):
            start = end
            for own in members:
                places.append(np.arange(end, end + own))
                strides.append(np.full(own, length))
                end += heads * length
            groups.append(Group(start, end, length))
        positions = torch.from_numpy(np.concatenate([np.arange(own) for own in lengths]))
        return Layout(
            groups=groups,
            rows=end,
            places=self.tensor(np.concatenate(places)),
            strides=self.tensor(np.concatenate(strides)),
            cosines=self.cosines[positions].to(self.device),
            sines=self.sines[positions].to(self.device),
            heads=self.config.heads,
            kv_heads=heads,
            head_dim=self.config.head_dim,
        )


def padded_length(length: int) -> int:
    step = SHORT_STEP if length <= SHORT else LONG_STEP
    return -(-length // step) * step
