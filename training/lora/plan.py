"""The order of a run, all of it known before its first step: which rows each step learns from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.lora.recipe import Recipe

# Rows that go through the model at a time; a larger step is made of several such packs.
PACK_TOKENS = 1024

Packs = list[list[int]]


@dataclass(frozen=True, slots=True)
class Step:
    """`packs` of row numbers; `epoch` is how far the run is when the step is done."""

    packs: Packs
    epoch: float


class Plan:
    """Every epoch has each row once, in an order that the seed and the epoch alone decide."""

    def __init__(self, lengths: Sequence[int], recipe: Recipe) -> None:
        self.lengths, self.recipe = lengths, recipe
        self.steps = list(self.planned())

    def __len__(self) -> int:
        return len(self.steps)

    def planned(self) -> Iterator[Step]:
        limit, made, epoch = self.recipe.max_steps, 0, 0
        while limit or epoch < self.recipe.num_train_epochs:
            batches = self.batches(epoch)
            for place, rows in enumerate(batches):
                # Part of an epoch is part of its batches.
                reached = epoch + (place + 1) / len(batches)
                over = epoch + place / len(batches) >= self.recipe.num_train_epochs
                if made == limit if limit else over:
                    return
                made += 1
                yield Step(cut(rows, self.lengths, PACK_TOKENS), reached)
            epoch += 1

    def batches(self, epoch: int) -> Packs:
        numbers = np.random.default_rng([self.recipe.seed, epoch])
        order = numbers.permutation(len(self.lengths)).tolist()
        return cut(order, self.lengths, self.recipe.tokens_per_step)

    @property
    def tokens(self) -> int:
        """Of the whole run."""
        return sum(self.tokens_of(step) for step in self.steps)

    def tokens_of(self, step: Step) -> int:
        return sum(self.lengths[row] for pack in step.packs for row in pack)


def cut(rows: Sequence[int], lengths: Sequence[int], tokens: int) -> Packs:
    """The rows in their order, in parts of at most so many tokens, or of one longer row."""
    parts: Packs = []
    held = tokens + 1
    for row in rows:
        if held + lengths[row] > tokens:
            parts.append([])
            held = 0
        parts[-1].append(row)
        held += lengths[row]
    return parts
