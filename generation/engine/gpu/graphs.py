"""Steps of single tokens, captured once for each of a few row counts and replayed.

Elsewhere than on a GPU the same function runs on the same buffers without being captured.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from generation.engine.gpu.deltas import Deltas
from generation.engine.gpu.step import FEW, Step, places, run_tiles
from generation.engine.model import Batch

MOST_ROWS = 1024
# Token, slot, position; a chunk's tile: first, count; an adapter's: first, count, address.
COLUMNS = 8
WARM_UPS = 2

# Writes the logits (N, V) of a step into the second argument.
Decode = Callable[[Step, Tensor], None]


def buckets(rows: int) -> list[int]:
    """The row counts that are captured: 1, 2, 4, ... and the most that there can be."""
    most = min(rows, MOST_ROWS)
    return [2**power for power in range(most.bit_length()) if 2**power < most] + [most]


class Inputs:
    """Where captured kernels look for a step's numbers; padding rows write into `scratch`."""

    def __init__(self, rows: int, scratch: int, device: torch.device) -> None:
        self.scratch = scratch
        self.numbers = torch.zeros(COLUMNS * rows, dtype=torch.long, device=device)
        self.adapters: dict[int, Deltas] = {}

    def step(self, rows: int, *, adapted: bool) -> Step:
        """A view of the buffer for so many rows."""
        table = self.numbers[: COLUMNS * rows].view(COLUMNS, rows)
        return Step(
            tokens=table[0],
            slots=table[1],
            positions=table[2],
            chunks=table[3:5],
            adapter_tiles=table[5:] if adapted else None,
            adapters=self.adapters,
        )

    def fill(self, batch: Batch, rows: int) -> bool:
        """Put the batch there, padded to `rows`; whether any of it has an adapter."""
        runs, padding = batch.runs(), rows - len(batch.tokens)
        slots, positions = places(batch)
        adapter_tiles = run_tiles(runs, FEW)
        adapter_tiles += [(0, 0, 0)] * (rows - len(adapter_tiles))
        table = [
            batch.tokens + [0] * padding,
            slots + [self.scratch] * padding,
            positions + [0] * padding,
            list(range(rows)),
            [1] * rows,
            *zip(*adapter_tiles, strict=True),
        ]
        # From memory that is not pinned, so that it may be forgotten once this returns.
        self.numbers[: COLUMNS * rows].copy_(torch.tensor(table).flatten())
        self.adapters.clear()
        self.adapters |= {deltas.address: deltas for _, _, deltas in runs}
        return bool(runs)


class Graphs:
    """The decode step, ready for every row count up to the largest bucket."""

    def __init__(self, decode: Decode, rows: int, *, scratch: int, logits: Tensor) -> None:
        """`logits` (largest bucket, V) is where they are left."""
        self.decode, self.logits = decode, logits
        self.buckets = buckets(rows)
        self.inputs = Inputs(self.buckets[-1], scratch, logits.device)
        self.captured: dict[tuple[int, bool], torch.cuda.CUDAGraph] = {}

    def takes(self, batch: Batch) -> bool:
        single = all(chunk.count == 1 for chunk in batch.chunks)
        return single and 0 < len(batch.tokens) <= self.buckets[-1]

    def run(self, batch: Batch) -> Tensor:
        """The logits (N, V) of all tokens; they stand until the next run."""
        rows = next(size for size in self.buckets if size >= len(batch.tokens))
        adapted = self.inputs.fill(batch, rows)
        if graph := self.captured.get((rows, adapted)):
            graph.replay()
        else:
            self.compute(rows, adapted=adapted)
        return self.logits[: len(batch.tokens)]

    def compute(self, rows: int, *, adapted: bool) -> None:
        self.decode(self.inputs.step(rows, adapted=adapted), self.logits[:rows])

    def capture(self) -> None:
        """All of them, the largest first, so that the others fit into its memory."""
        pool = torch.cuda.graph_pool_handle()
        for rows in reversed(self.buckets):
            self.inputs.fill(Batch([], [], []), rows)
            for adapted in (False, True):
                self.warm_up(rows, adapted=adapted)
                graph = torch.cuda.CUDAGraph()
                # Adapters are loaded by another thread, whose copies must not end a capture.
                with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
                    self.compute(rows, adapted=adapted)
                self.captured[rows, adapted] = graph

    def warm_up(self, rows: int, *, adapted: bool) -> None:
        """Kernels are compiled and libraries get their memory before anything is captured."""
        here, aside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            for _ in range(WARM_UPS):
                self.compute(rows, adapted=adapted)
        here.wait_stream(aside)
