"""What a base writes to given prompts, with or without an adapter: greedy, some at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from training.lora.adapter import LoraParameters
from training.lora.decoder import Decoder
from training.lora.memory import kept_memory
from training.lora.recipe import Recipe
from training.lora.sampling import answers
from training.lora.scoring import adapter_parameters
from training.lora.types import SamplePrompt

AT_ONCE = 8


def written(
    base: Path, prompts: Sequence[SamplePrompt], adapter: Path | None = None, *, threads: int = 1
) -> list[list[int]]:
    """The tokens of each answer; TrainingError where base or adapter cannot be used."""
    torch.set_num_threads(threads)
    longest = max((len(each.tokens) + each.max_new_tokens for each in prompts), default=1)
    with kept_memory(), torch.no_grad():
        decoder = Decoder(base, longest)
        parameters = adapter_parameters(decoder, adapter) if adapter else nothing_learnt(decoder)
        found: list[list[int]] = []
        for start in range(0, len(prompts), AT_ONCE):
            found += answers(decoder, parameters, prompts[start : start + AT_ONCE])
    return found


def nothing_learnt(decoder: Decoder) -> LoraParameters:
    """An adapter of zeros, which changes nothing."""
    return LoraParameters(decoder.config, Recipe(lora_r=1), decoder.device)
