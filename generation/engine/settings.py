"""What may be set about the engine on this machine, and what it is by default."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from generation.engine.precision import DEVICES, PRECISIONS
from generation.engine.scheduler import SchedulerLimits
from generation.engine.types import AdapterRef

MAX_THREADS = 8
MEMORY_SHARE = 4


def already_there(ref: AdapterRef) -> None:
    """The `fetch` of those whose adapters lie on this machine."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """`model` is a folder with safetensors, config and tokenizer; `rows` sequences run at a time.

    At most `rows_per_tenant` of them are one tenant's; 0 is as many as there are.
    `device` is "cpu", or "cuda" for one GPU.
    A step takes `chunk` tokens of prompts, or `busy_chunk` when it would keep writers waiting.
    `cache_tokens` bounds the tokens whose keys and values are kept, of running sequences and of
    those that left; 0 is as many as fit into a quarter of the device's memory.
    `fetch` may bring an adapter's files to their place; it runs beside the batch, before a load.
    """

    model: str | Path
    rows: int = 8
    context: int = 4096
    precision: str = "auto"
    device: str = "cpu"
    threads: int = min(os.cpu_count() or 1, MAX_THREADS)
    max_queue: int = 1024
    rows_per_tenant: int = 0
    chunk: int = 512
    busy_chunk: int = 64
    cache_tokens: int = 0
    adapters: int = 32
    prefix_cache: bool = True
    fetch: Callable[[AdapterRef], None] = already_there

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            raise ValueError(f"Unknown precision {self.precision!r}; known: {known}.")
        if self.device not in DEVICES:
            raise ValueError(f"Unknown device {self.device!r}; known: {', '.join(DEVICES)}.")
        for name in ("rows", "context", "threads", "max_queue", "chunk", "busy_chunk", "adapters"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1.")
        for name in ("cache_tokens", "rows_per_tenant"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative.")

    def limits(self, cache_tokens: int) -> SchedulerLimits:
        return SchedulerLimits(
            rows=self.rows,
            max_queue=self.max_queue,
            rows_per_tenant=self.rows_per_tenant or self.rows,
            chunk=self.chunk,
            busy_chunk=self.busy_chunk,
            cache_tokens=cache_tokens,
        )


def affordable(token_bytes: int, device: str) -> int:
    """How many tokens' keys and values may be kept on the device."""
    gpu = device == "cuda"
    total: int = torch.cuda.mem_get_info()[1] if gpu else psutil.virtual_memory().total
    return max(1, total // MEMORY_SHARE // token_bytes)
