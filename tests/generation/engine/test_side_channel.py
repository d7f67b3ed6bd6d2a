"""A tenant never learns from the prefix cache what another tenant has asked."""

import random
import time

import pytest

from tests.generation.engine.toys import ask, finish

WORDS = ["the", "cat", "in", "the", "hat", "sat", "on", "a", "mat", "and", "ate", "a", "bat"]


@pytest.mark.parametrize("pairs", [100, pytest.param(1_000, marks=pytest.mark.prove)])
def test_a_repeated_prompt_is_only_cached_for_its_own_tenant(make_engine, pairs):
    """B repeats what A asked: nothing is cached for B, all but the last token is for A."""
    engine, numbers, began = make_engine(rows=4), random.Random(3), time.process_time()
    foreign = own = 0
    for pair in range(pairs):
        prompt = " ".join(numbers.choices(WORDS, k=15))
        cached = [
            finish(engine, ask(prompt, tenant=f"{name}{pair}", max_tokens=1)).cached_tokens
            for name in "aba"
        ]
        foreign += cached[:2] != [0, 0]
        own += cached[2] == len(engine.tokenizer.encode(prompt)) - 1
    spent = time.process_time() - began
    print(f"attempts={pairs} failures={foreign} control_hits={own} cpu_s={spent:.0f}")
    assert foreign == 0
    assert own == pairs
