"""The sampler in C++: the choices of sampling.PlainSampler, without its many small tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from generation.engine.native import library as native
from generation.engine.sampling import GREEDY_BELOW
from generation.engine.types import Sampling


class NativeSampler:
    def __init__(self) -> None:
        self.library = native.required()
        self.room = torch.empty(0)

    def finite(self, logits: Tensor) -> list[bool]:
        found = torch.empty(len(logits), dtype=torch.bool)
        self.library.all_finite(native.rows(logits), found.data_ptr())
        flags: list[bool] = found.tolist()
        return flags

    def mask(self, logits: Tensor, bits: Tensor) -> None:
        at = native.address(bits, torch.int32)
        self.library.apply_mask(native.rows(logits), at, bits.shape[-1])

    def choose(
        self, logits: Tensor, rules: Sequence[Sampling], uniforms: Sequence[float]
    ) -> list[int]:
        size = logits.shape[-1]
        if len(self.room) < size:
            self.room = torch.empty(size)
        pairs = zip(rules, uniforms, strict=True)
        told = (native.Rule * len(rules))(*(rule(*pair) for pair in pairs))
        tokens = torch.empty(len(rules), dtype=torch.int32)
        room = native.address(self.room, torch.float32)
        self.library.sample(native.rows(logits), told, room, tokens.data_ptr())
        found: list[int] = tokens.tolist()
        return found


def rule(sampling: Sampling, uniform: float) -> native.Rule:
    greedy = sampling.temperature < GREEDY_BELOW
    return native.Rule(
        temperature=0.0 if greedy else sampling.temperature,
        top_p=sampling.top_p,
        min_p=sampling.min_p,
        top_k=sampling.top_k,
        uniform=uniform,
    )
