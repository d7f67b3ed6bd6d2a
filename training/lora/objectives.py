"""What is made small: the loss of completions, or of preferences (DPO, arXiv:2305.18290)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from training.lora.adapter import LoraParameters
from training.lora.decoder import Decoder, Dropout
from training.lora.packing import Pack
from training.lora.plan import PACK_TOKENS, Packs, cut
from training.lora.recipe import Recipe
from training.lora.rows import Pair, Row


@dataclass(frozen=True, slots=True)
class Score:
    """Of a whole set without dropout: the mean loss, and the share of pairs that are right."""

    loss: float
    accuracy: float | None = None


class Objective(Protocol):
    """Over rows or pairs, named by their numbers."""

    lengths: list[int]

    def pack(self, numbers: Sequence[int]) -> Pack: ...

    def count(self, numbers: Sequence[int]) -> int:
        """What the summed loss of these is divided by."""

    def loss(
        self, pack: Pack, numbers: Sequence[int], *, embedded: Tensor, dropout: Dropout
    ) -> Tensor:
        """The sum of their losses; differentiable in the adapter and in `embedded`."""

    def score(self) -> Score: ...


class CausalObjective:
    """Cross-entropy of learnt tokens; the mean is over tokens."""

    def __init__(
        self, decoder: Decoder, adapter: LoraParameters, rows: Sequence[Row], recipe: Recipe
    ) -> None:
        self.decoder, self.adapter, self.rows, self.recipe = decoder, adapter, rows, recipe
        self.lengths = [len(row) for row in rows]
        self.learnt = [len(row.targets(recipe.completion_only_loss)) for row in rows]

    def pack(self, numbers: Sequence[int]) -> Pack:
        rows = [self.rows[number] for number in numbers]
        return self.decoder.packer.pack(rows, self.recipe.completion_only_loss)

    def count(self, numbers: Sequence[int]) -> int:
        return sum(self.learnt[number] for number in numbers)

    def loss(
        self, pack: Pack, numbers: Sequence[int], *, embedded: Tensor, dropout: Dropout
    ) -> Tensor:
        return self.decoder.losses(
            pack,
            self.adapter,
            embedded=embedded,
            dropout=dropout,
            smoothing=self.recipe.label_smoothing,
        ).sum()

    @torch.no_grad()
    def score(self) -> Score:
        packs = parts(self.lengths)
        sums = [self.decoder.losses(self.pack(part), self.adapter).sum() for part in packs]
        return Score(float(sum(sums)) / max(1, sum(self.learnt)))


class PreferenceObjective:
    """DPO over pairs; the reference is the base without an adapter, whose sums are kept.

    `label_smoothing` is the share of pairs that may be labelled the wrong way round (cDPO).
    """

    def __init__(
        self, decoder: Decoder, adapter: LoraParameters, pairs: Sequence[Pair], recipe: Recipe
    ) -> None:
        self.decoder, self.adapter, self.pairs, self.recipe = decoder, adapter, pairs, recipe
        self.lengths = [len(pair) for pair in pairs]
        self.reference = torch.zeros(len(pairs))
        with torch.no_grad():
            for part in parts(self.lengths):
                losses = decoder.losses(pack := self.pack(part))
                self.reference[part] = margins(losses, pack, len(part)).cpu()

    def pack(self, numbers: Sequence[int]) -> Pack:
        """The rows 0, 1, ... are chosen, rejected, chosen, ... of the pairs."""
        pairs = [self.pairs[number] for number in numbers]
        return self.decoder.packer.pack([row for p in pairs for row in (p.chosen, p.rejected)])

    def count(self, numbers: Sequence[int]) -> int:
        return len(numbers)

    def gains(self, losses: Tensor, pack: Pack, numbers: Sequence[int]) -> Tensor:
        """(pairs,): beta times how much more the chosen side has gained over the reference."""
        reference = self.reference[list(numbers)].to(losses.device)
        return self.recipe.dpo_beta * (margins(losses, pack, len(numbers)) - reference)

    def loss(
        self, pack: Pack, numbers: Sequence[int], *, embedded: Tensor, dropout: Dropout
    ) -> Tensor:
        losses = self.decoder.losses(pack, self.adapter, embedded=embedded, dropout=dropout)
        gains, wrong = self.gains(losses, pack, numbers), self.recipe.label_smoothing
        return -((1 - wrong) * F.logsigmoid(gains) + wrong * F.logsigmoid(-gains)).sum()

    @torch.no_grad()
    def score(self) -> Score:
        found = []
        for part in parts(self.lengths):
            losses = self.decoder.losses(pack := self.pack(part), self.adapter)
            found.append(self.gains(losses, pack, part))
        gains = torch.cat(found)
        return Score(float(-F.logsigmoid(gains).mean()), float((gains > 0).float().mean()))


def parts(lengths: Sequence[int]) -> Packs:
    """All of a set, in its order, in packs."""
    return cut(range(len(lengths)), lengths, PACK_TOKENS)


def margins(losses: Tensor, pack: Pack, pairs: int) -> Tensor:
    """(pairs,): the log-probability of each chosen side less that of its rejected one."""
    sums = losses.new_zeros(2 * pairs).index_add(0, pack.owners, -losses)
    chosen, rejected = sums.view(pairs, 2).unbind(1)
    return chosen - rejected


def objective_of(
    decoder: Decoder, adapter: LoraParameters, data: Sequence[Row | Pair], recipe: Recipe
) -> Objective:
    if recipe.objective == "dpo":
        pairs = [each for each in data if isinstance(each, Pair)]
        return PreferenceObjective(decoder, adapter, pairs, recipe)
    rows = [each for each in data if isinstance(each, Row)]
    return CausalObjective(decoder, adapter, rows, recipe)
