"""The decoder of model.py on one GPU: the same layers, kernels between them, graphs around."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from generation.engine.gpu.deltas import Deltas, Joined
from generation.engine.gpu.graphs import Graphs, buckets
from generation.engine.gpu.kernels import Kernels
from generation.engine.gpu.step import Step, step_of
from generation.engine.model import Batch, Llama, PromptChunk, Weights

if TYPE_CHECKING:
    from generation.engine.adapters import Pairs
    from generation.engine.config import ModelConfig


class GpuLlama(Llama):
    """Steps of single tokens are replayed; those with prompts in them run kernel by kernel.

    The cache has one slot more than asked for, where padding rows write and nobody reads.
    """

    def __init__(
        self, config: ModelConfig, weights: Weights, kernels: Kernels, *, slots: int, context: int
    ) -> None:
        super().__init__(config, weights, slots=slots + 1, context=context)
        self.logits_device = self.device
        self.kernels, self.scratch = kernels, slots
        room = torch.empty(buckets(slots)[-1], config.vocab_size, device=self.device)
        self.graphs = Graphs(self.decode, slots, scratch=slots, logits=room)

    def bind(self, pairs: Pairs) -> Deltas:
        return Deltas(pairs, self.config, self.embedding)

    @torch.inference_mode()
    def forward(self, batch: Batch) -> Tensor:
        """As the plain one; the logits may be overwritten by the next step."""
        if not self.graphs.takes(batch):
            x = self.compute(step_of(batch, self.config.groups, self.device))
            return self.scores(x[self.index(batch.wanted)]).float()
        logits = self.graphs.run(batch)
        every = batch.wanted == list(range(len(batch.tokens)))
        return logits if every else logits[self.index(batch.wanted)]

    def decode(self, step: Step, logits: Tensor) -> None:
        """Nothing here may depend on the numbers of the step: it is captured."""
        logits.copy_(self.scores(self.compute(step)))

    def compute(self, step: Step) -> Tensor:
        """The last layer's output (N, hidden)."""

        def attended(number: int, qkv: Tensor) -> Tensor:
            keys, values = self.cache.keys[number], self.cache.values[number]
            turn = self.cosines, self.sines
            q = self.kernels.place(qkv, keys, values, turn, step)
            return self.kernels.attend(q, keys, values, step)

        x = self.embedding[step.tokens]
        return self.walk(x, attended, lambda number: partial(self.add, step, number))

    def add(self, step: Step, number: int, y: Tensor, x: Tensor, *modules: str) -> Tensor:
        if step.adapter_tiles is None:
            return y
        return self.kernels.add(y, x, Joined.of(number, modules, self.config), step)

    @torch.inference_mode()
    def prepare(self) -> None:
        """Compile and capture all that a step may need, so that no request waits for it."""
        self.forward(Batch([0, 0], [PromptChunk(self.scratch, 0, 2)], [1]))
        if self.device.type == "cuda":
            self.graphs.capture()
