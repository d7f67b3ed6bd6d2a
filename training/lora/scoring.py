"""How well a base, with or without an adapter, foretells rows: the loss of every row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from training.lora.adapter import LoraParameters, read_adapter, start_from
from training.lora.decoder import Decoder
from training.lora.memory import kept_memory
from training.lora.objectives import parts
from training.lora.recipe import Recipe
from training.lora.rows import Row


@dataclass(frozen=True, slots=True)
class RowLoss:
    """The summed negative log-likelihood (nats) of a row's learnt tokens, and their number."""

    nll: float
    tokens: int


def row_losses(
    base: Path, rows: Sequence[Row], adapter: Path | None = None, *, threads: int = 1
) -> list[RowLoss]:
    """Of each row, in order; TrainingError where base or adapter cannot be used."""
    torch.set_num_threads(threads)
    with kept_memory(), torch.no_grad():
        decoder = Decoder(base, max((len(row) for row in rows), default=1))
        parameters = adapter_parameters(decoder, adapter) if adapter else None
        found = [RowLoss(0.0, 0)] * len(rows)
        for part in parts([len(row) for row in rows]):
            pack = decoder.packer.pack([rows[number] for number in part])
            losses = decoder.losses(pack, parameters)
            sums = torch.zeros(len(part)).index_add(0, pack.owners.cpu(), losses.cpu())
            counts = torch.bincount(pack.owners.cpu(), minlength=len(part))
            for place, number in enumerate(part):
                found[number] = RowLoss(float(sums[place]), int(counts[place]))
    return found


def adapter_parameters(decoder: Decoder, folder: Path) -> LoraParameters:
    pairs = read_adapter(folder, decoder.config)
    rank = max(len(down) for down, _ in pairs.values())
    modules = tuple(sorted({module for _, module in pairs}))
    # The scale is in B already.
    recipe = Recipe(lora_r=rank, lora_alpha=float(rank), target_modules=modules)
    parameters = LoraParameters(decoder.config, recipe, decoder.device)
    start_from(parameters, pairs)
    return parameters


def perplexity(losses: Sequence[RowLoss]) -> float:
    """Of all tokens together; ValueError without any."""
    tokens = sum(loss.tokens for loss in losses)
    if not tokens:
        raise ValueError("There is no token to be foretold.")
    return math.exp(min(700.0, sum(loss.nll for loss in losses) / tokens))
