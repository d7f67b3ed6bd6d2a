"""Penalties by their definition, token by token."""

import random
from collections import Counter

import pytest
import torch

from generation.engine.sampling import penalise
from generation.engine.types import Sampling

RULES = [
    {"repetition_penalty": 1.3},
    {"repetition_penalty": 0.8},
    {"presence_penalty": 0.7},
    {"frequency_penalty": 0.4},
    {"frequency_penalty": -0.4, "presence_penalty": 1.5, "repetition_penalty": 1.1},
]


def by_definition(logit, token, rule, prompt, output):
    """OpenAI's two penalties, and the repetition penalty of CTRL (arXiv:1909.05858)."""
    if token in prompt or token in output:
        factor = rule.repetition_penalty
        logit = logit / factor if logit > 0 else logit * factor
    count = Counter(output)[token]
    return logit - rule.presence_penalty * (count > 0) - rule.frequency_penalty * count


@pytest.mark.parametrize("rule", RULES)
def test_each_token_pays_for_what_was_said(rule):
    dice, rule = random.Random(1), Sampling(**rule)
    prompt, output = ([dice.randrange(12) for _ in range(15)] for _ in range(2))
    logits = torch.randn(20)
    asked = logits.clone()
    penalise(asked, rule, prompt, output)
    expected = [
        by_definition(logit, token, rule, prompt, output)
        for token, logit in enumerate(logits.tolist())
    ]
    torch.testing.assert_close(asked, torch.tensor(expected))


def test_nothing_said_costs_nothing():
    logits = torch.randn(9)
    asked = logits.clone()
    penalise(asked, Sampling(presence_penalty=1.0, frequency_penalty=1.0), [1, 2], [])
    assert torch.equal(asked, logits)
