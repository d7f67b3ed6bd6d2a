"""The two ways in which everything is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mode:
    name: str
    threads: int
    clock: str

    def apply(self) -> None:
        """Torch's threads are the process's; our engine's and llama.cpp's are their own."""
        import torch

        torch.set_num_threads(self.threads)


ONE_CORE = Mode("1 thread, CPU seconds", 1, "cpu")
TWO_THREADS = Mode("2 threads, wall clock", 2, "wall")
MODES = (ONE_CORE, TWO_THREADS)
