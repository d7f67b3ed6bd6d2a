"""How far the learning rate is up, step by step: warm-up, then constant, linear or cosine decay."""

from __future__ import annotations

import math

from training.lora.recipe import Recipe


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Of step 0, 1, ... of `steps`: transformers' schedulers, but no step has a rate of zero.

    The warm-up takes warmup_ratio of the steps, rounded up.
    """
    warmup = math.ceil(recipe.warmup_ratio * steps)
    if step < warmup:
        return recipe.learning_rate * (step + 1) / (warmup + 1)
    done = (step - warmup) / max(1, steps - warmup)
    share = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done))}
    return recipe.learning_rate * share[recipe.lr_scheduler_type]
