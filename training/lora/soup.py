"""Several adapters of one base made into one: the mean of what each adds (arXiv:2203.05482)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from generation.engine.adapters import Pairs
from generation.engine.config import ModelConfig
from generation.engine.lora.peft import CONFIG, MAX_RANK, Settings, tensor_name
from generation.engine.weights import weights_sha256
from training.lora.adapter import read_adapter
from training.lora.errors import TrainingError
from training.lora.files import FileInfo
from training.lora.peft_folder import write_adapter
from training.lora.recipe import Recipe


def average(
    base: Path,
    adapters: Sequence[Path],
    target: Path,
    *,
    weights: Sequence[float] | None = None,
    rank: int | None = None,
) -> dict[str, FileInfo]:
    """Write the weighted mean of the updates B A; of A and B apart it would be another map.

    The mean's rank is the sum of all ranks; it is cut to `rank`, by default the greatest of
    theirs, by the best approximation there is (SVD). TrainingError "adapter_invalid".
    """
    if not adapters:
        raise TrainingError("adapter_invalid", "There is no adapter to average.")
    config = ModelConfig.read(base)
    given = [read_adapter(folder, config) for folder in adapters]
    shares = weights or [1 / len(given)] * len(given)
    kept = min(MAX_RANK, rank or max(len(down) for pairs in given for down, _ in pairs.values()))
    tensors: dict[str, Tensor] = {}
    places = sorted({place for pairs in given for place in pairs})
    for place in places:
        down, up = mean_of(place, given, shares, kept)
        tensors[tensor_name(*place, "A")] = down
        tensors[tensor_name(*place, "B")] = up
    modules = tuple(sorted({module for _, module in places}))
    recipe = Recipe(lora_r=kept, lora_alpha=float(kept), target_modules=modules)
    named = Settings.read((adapters[0] / CONFIG).read_bytes()).base_name
    return write_adapter(target, tensors, recipe, (named, weights_sha256(base)))


def mean_of(
    place: tuple[int, str], given: Sequence[Pairs], shares: Sequence[float], rank: int
) -> tuple[Tensor, Tensor]:
    """A (rank, in) and B (out, rank) of one map; an adapter without it adds nothing."""
    parts = zip(given, shares, strict=True)
    own = [(*pairs[place], share) for pairs, share in parts if place in pairs]
    down = torch.cat([each for each, _, _ in own])  # (sum of ranks, in)
    up = torch.cat([each * share for _, each, share in own], dim=1)  # (out, sum of ranks)
    return cut(down, up, rank)


def cut(down: Tensor, up: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The nearest product of that rank, found in the small space that both span."""
    left, upper = torch.linalg.qr(up)  # (out, R), (R, R)
    right, lower = torch.linalg.qr(down.t())  # (in, R), (R, R)
    u, s, v = torch.linalg.svd(upper @ lower.t())
    root = s[:rank].sqrt()
    low, high = (v[:rank] * root[:, None]) @ right.t(), left @ (u[:, :rank] * root)
    missing = rank - len(low)
    low = torch.nn.functional.pad(low, (0, 0, 0, missing))
    return low.contiguous(), torch.nn.functional.pad(high, (0, missing)).contiguous()
