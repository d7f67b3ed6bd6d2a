"""An adapter where kernels find it: one block of numbers, and a table of where each part lies."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from generation.engine.adapters import Pairs, cast, module_offsets
from generation.engine.config import ModelConfig
from generation.engine.lora.peft import MODULES, module_sizes

# Ranks are padded by zeros to this, so that every row begins where wide loads may.
RANK_STEP = 16
# Of an entry of the table: where A and B begin, the padded rank, how many outputs, from where on.
FIELDS = 5
NUMBERS = {module: number for number, module in enumerate(MODULES)}


@dataclass(frozen=True, slots=True)
class Joined:
    """Neighbouring modules of a layer that one linear map computes.

    `place` is the first one's entry in the table, `widest` the most outputs that one of them has.
    """

    place: int
    parts: int
    widest: int

    @classmethod
    def of(cls, layer: int, modules: tuple[str, ...], config: ModelConfig) -> Joined:
        place = layer * len(MODULES) + NUMBERS[modules[0]]
        return cls(place, len(modules), max(outputs(config)[module] for module in modules))


@dataclass(frozen=True, slots=True)
class Pair:
    """What an adapter adds to one module: y[offset:] += up (down x)."""

    down: Tensor  # (rank, in)
    up: Tensor  # (out, rank), times the adapter's scale
    offset: int

    def entry(self) -> list[int]:
        out, rank = self.up.shape
        return [self.down.data_ptr(), self.up.data_ptr(), rank, out, self.offset]


class Deltas:
    """An adapter on the device, in the model's precision.

    `table` (layers * modules, FIELDS) holds absolute addresses: a captured step finds an adapter
    that was loaded after it. What is not adapted has rank 0 there.
    """

    def __init__(self, pairs: Pairs, config: ModelConfig, like: Tensor) -> None:
        offsets = module_offsets(config)
        sides = [padded(*pair) for pair in cast(pairs, like.dtype, torch.device("cpu")).values()]
        flat = [side.flatten() for pair in sides for side in pair]
        self.numbers = torch.cat(flat).to(like.device)
        parts = iter(torch.split(self.numbers, [len(part) for part in flat]))
        self.pairs = {
            layer * len(MODULES) + NUMBERS[module]: Pair(
                next(parts).view(down.shape), next(parts).view(up.shape), offsets[module]
            )
            for (layer, module), (down, up) in zip(pairs, sides, strict=True)
        }
        table = torch.zeros(config.layers * len(MODULES), FIELDS, dtype=torch.long)
        for place, pair in self.pairs.items():
            table[place] = torch.tensor(pair.entry())
        self.table = table.to(like.device)

    @property
    def address(self) -> int:
        return self.table.data_ptr()


def outputs(config: ModelConfig) -> dict[str, int]:
    return {module: out for module, (_, out) in module_sizes(config).items()}


def padded(down: Tensor, up: Tensor) -> tuple[Tensor, Tensor]:
    """A (rank, in) and B (out, rank) with zeros up to the next step of ranks."""
    more = -len(down) % RANK_STEP
    return F.pad(down, (0, 0, 0, more)), F.pad(up, (0, more))
