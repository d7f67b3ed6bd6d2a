"""What a run will take, before it starts: steps, tokens, seconds and memory. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generation.engine.config import ModelConfig
from generation.engine.lora.peft import module_sizes
from training.lora.plan import PACK_TOKENS, Plan
from training.lora.recipe import Recipe

# Loading the base, compiling nothing, and writing the adapter.
START_S = 10.0
# What a process with torch takes before it has a model.
PROCESS_BYTES = 600 * 2**20
LOGIT_ROWS_BYTES = 512 * 2 * 2  # rows at a time, in bf16, with the products' own room


@dataclass(frozen=True, slots=True)
class Estimate:
    steps: int
    tokens: int
    seconds: float


def estimate(
    lengths: Sequence[int],
    recipe: Recipe,
    tokens_per_second: float,
    validation_lengths: Sequence[int] = (),
) -> Estimate:
    """`tokens_per_second` is what `measure_throughput` found on the worker, without extras."""
    plan = Plan([min(length, recipe.max_length) for length in lengths], recipe)
    held = sum(min(length, recipe.max_length) for length in validation_lengths)
    evaluations = 2 + len(plan) // recipe.eval_steps
    # A forward pass alone is a third of a step's work, and DPO asks the base once as well.
    passes = evaluations * held + (sum(lengths) + held if recipe.objective == "dpo" else 0)
    work = plan.tokens * passes_of(recipe) + passes / 2
    return Estimate(len(plan), plan.tokens, START_S + work / tokens_per_second)


def passes_of(recipe: Recipe) -> int:
    """How many times each token goes forth and back in a step."""
    return {"none": 1, "fgm": 2, "pgd": 1 + recipe.adversarial_steps}[recipe.adversarial]


def estimate_memory(config: ModelConfig, recipe: Recipe) -> int:
    """Bytes at most, for the base in bf16 and one pack of tokens."""
    sizes = module_sizes(config)
    linear = config.layers * sum(size * out for size, out in sizes.values())
    base = 2 * (2 * linear + config.vocab_size * config.hidden_size)  # joined maps are copies
    lora = config.layers * sum(
        recipe.lora_r * (size + out)
        for module, (size, out) in sizes.items()
        if module in recipe.target_modules
    )
    qkv = config.query_size + 2 * config.kv_size
    width = 5 * config.hidden_size + 2 * qkv + 4 * config.intermediate_size
    tokens = max(PACK_TOKENS, recipe.max_length)
    activations = 2 * tokens * config.layers * width
    logits = LOGIT_ROWS_BYTES * config.vocab_size
    return PROCESS_BYTES + base + 4 * 6 * lora + activations + logits
