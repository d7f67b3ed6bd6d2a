"""The three steps of a layer that kernels do, compiled or plain; see plain.py for what they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from generation.engine.gpu import plain
from generation.engine.gpu.deltas import Joined
from generation.engine.gpu.plain import Turn
from generation.engine.gpu.step import Step


@dataclass(frozen=True, slots=True)
class Kernels:
    place: Callable[[Tensor, Tensor, Tensor, Turn, Step], Tensor]
    attend: Callable[[Tensor, Tensor, Tensor, Step], Tensor]
    add: Callable[[Tensor, Tensor, Joined, Step], Tensor]


PLAIN = Kernels(plain.place, plain.attend, plain.add)


def compiled() -> Kernels:
    """In Triton, which comes with torch's builds for GPUs only."""
    from generation.engine.gpu import attention, lora

    return Kernels(attention.place, attention.attend, lora.add)
