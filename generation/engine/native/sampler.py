"""The sampler in C++: the choices of sampling.PlainSampler, without its many small tensors."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from generation.engine.native import library as native
from generation.engine.sampling import GREEDY_BELOW
from generation.engine.types import Sampling


class NativeSampler:
    def __init__(self) -> None:
        self.library = native.required()
        self.room = torch.empty(0)

    def finite(self, logits: Tensor) -> bool:
        at = native.address(logits, torch.float32)
        return bool(self.library.all_finite(at, len(logits)))

    def mask(self, logits: Tensor, bits: Tensor) -> None:
        at = native.address(logits, torch.float32)
        self.library.apply_mask(at, len(logits), native.address(bits, torch.int32))

    def choose(self, logits: Tensor, sampling: Sampling, uniform: float) -> int:
        if len(self.room) < len(logits):
            self.room = torch.empty(len(logits))
        greedy = sampling.temperature < GREEDY_BELOW
        rule = native.Rule(
            temperature=0.0 if greedy else sampling.temperature,
            top_p=sampling.top_p,
            min_p=sampling.min_p,
            top_k=sampling.top_k,
            uniform=uniform,
        )
        at = native.address(logits, torch.float32)
        room = self.room.data_ptr()
        return int(self.library.sample(at, len(logits), ctypes.byref(rule), room))
