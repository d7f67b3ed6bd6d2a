"""What the processor could do at best: the roofs that the engine's speed is a share of.

Compute: 2 FLOPs for each weight that a token touches (all linear maps and the head; attention
is left out), against one large matrix product. The 4-bit maps multiply 8-bit integers, whose
own roof is up to twice that of bfloat16, so the share says how the engine compares with the
best that bf16 could do, not how busy the units are. Where the processor has no bf16 arithmetic
its float32 roof is the higher one, and it is the one that counts: the best of both is taken.

Memory: the bytes of the packed weights, which every step of one text must read once, against
the sum over a buffer that no cache holds.
"""

from __future__ import annotations

import time

import torch

from bench.measure import Taken, taken
from generation.engine.config import ModelConfig
from generation.engine.native import library as native
from generation.engine.packed import HEAD_BITS, LINEAR_BITS

SIZE = 1536
BUFFER = 2**28
AT_LEAST_S = 0.3


def gemm(dtype: torch.dtype) -> Taken:
    """FLOPs of a large product on torch's threads."""
    left, right = torch.randn(2, SIZE, SIZE).to(dtype)
    left @ right

    def run() -> float:
        began, made = time.perf_counter(), 0.0
        while time.perf_counter() - began < AT_LEAST_S:
            left @ right
            made += 2.0 * SIZE**3
        return made

    return taken(run)


def compute(clock: str) -> tuple[str, float]:
    """The name of the better arithmetic and its FLOPs a second."""
    found = {
        name: gemm(dtype).speed(clock)
        for name, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32))
    }
    best = max(found, key=lambda name: found[name])
    return best, found[best]


def bandwidth(clock: str) -> float:
    """Bytes read a second: the sum over a gigabyte."""
    buffer = torch.ones(BUFFER)

    def run() -> float:
        buffer.sum()
        return float(buffer.nbytes)

    run()
    return max(taken(run).speed(clock) for _ in range(3))


def linear_maps(config: ModelConfig) -> list[tuple[int, int]]:
    """(out, in) of the joined maps of one layer."""
    hidden, inner = config.hidden_size, config.intermediate_size
    joined = config.query_size + 2 * config.kv_size
    return [(joined, hidden), (hidden, config.query_size), (2 * inner, hidden), (hidden, inner)]


def flops(config: ModelConfig) -> float:
    """Of one token."""
    weights = config.layers * sum(out * size for out, size in linear_maps(config))
    return 2.0 * (weights + config.vocab_size * config.hidden_size)


def weight_bytes(config: ModelConfig) -> float:
    """Of one step, in the form that the C++ decoder keeps them."""
    size = native.required().packed_bytes
    layer = sum(size(out, into, LINEAR_BITS) for out, into in linear_maps(config))
    head = size(native.padded(config.vocab_size), config.hidden_size, HEAD_BITS)
    return float(config.layers * layer + head)
