"""How fast this worker trains: a few steps on made-up rows of the usual length."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from training.lora.loop import train
from training.lora.recipe import Recipe
from training.lora.rows import Row
from training.lora.types import Callbacks, Progress, TrainingInput

LENGTH, ROWS = 96, 64


def measure_throughput(
    base: Path, recipe: Recipe, *, threads: int = 1, device: str = "cpu", seconds: float = 3.0
) -> float:
    """Tokens a second of the recipe's own kind, the first step left out."""
    once = {"max_steps": 50, "save_steps": 1000, "eval_steps": 1000}
    plain = Recipe.from_json(
        recipe.to_json() | once | {"objective": "causal", "adversarial": "none"}
    )
    steps: list[tuple[float, Progress]] = []
    with tempfile.TemporaryDirectory() as folder:
        callbacks = Callbacks(
            on_step=lambda progress: steps.append((time.monotonic(), progress)),
            should_stop=lambda: len(steps) > 1 and steps[-1][0] - steps[0][0] > seconds,
        )
        job = TrainingInput(
            base, Path(folder), plain, made_up_rows(), threads=threads, device=device
        )
        train(job, callbacks)
    (began, first), (ended, last) = steps[0], steps[-1]
    return (last.tokens - first.tokens) / max(ended - began, 1e-9)


def made_up_rows() -> list[Row]:
    numbers = np.random.default_rng(0)
    halves = numbers.integers(0, 200, (ROWS, 2, LENGTH // 2))
    return [Row.of(prompt.tolist(), answer.tolist()) for prompt, answer in halves]
