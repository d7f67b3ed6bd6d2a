"""The sampler for whole batches beside the one for single rows."""

import math
import random

import pytest
import torch
import xgrammar

from generation.engine import sampling
from generation.engine.gpu.sampling import DeviceSampler
from generation.engine.types import Sampling

SAMPLER = DeviceSampler()


def any_rule(dice):
    return Sampling(
        temperature=dice.choice([0.0, 0.3, 0.8, 1.0, 2.0]),
        top_k=dice.choice([0, 0, 1, 5, 40, 300, 1000]),
        top_p=dice.choice([1.0, 1.0, 0.001, 0.5, 0.95, 0.9999]),
        min_p=dice.choice([0.0, 0.0, 0.02, 0.5, 1.0]),
    )


@pytest.mark.parametrize("size", [7, 255, 256, 257, 900])
@pytest.mark.parametrize("spread", [0.1, 3.0])
def test_each_row_gets_what_it_would_get_alone(device, size, spread):
    dice = random.Random(size)
    torch.manual_seed(size)
    same = total = 0
    for _ in range(12):
        rules = [any_rule(dice) for _ in range(30)]
        uniforms = [dice.random() for _ in rules]
        logits = torch.randn(len(rules), size) * spread
        logits[:, ::5] = -math.inf
        alone = [sampling.choose(*each) for each in zip(logits, rules, uniforms, strict=True)]
        chosen = SAMPLER.choose(logits.to(device), rules, uniforms)
        same += sum(one == other for one, other in zip(alone, chosen, strict=True))
        total += len(rules)
    # Sums in another order: a number that falls on an edge may go either way.
    assert same >= total - 2


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-53])
def test_the_edges_of_the_numbers_stay_within_what_is_kept(uniform):
    logits = torch.randn(6, 400)
    logits[:, 10:] = -math.inf
    rules = [
        Sampling(temperature=1),
        Sampling(top_k=3),
        Sampling(top_p=0.5),
        Sampling(min_p=0.9),
        Sampling(top_k=1),
        Sampling(top_k=900, top_p=0.9999),
    ]
    chosen = SAMPLER.choose(logits, rules, [uniform] * 6)
    assert all(token < 10 for token in chosen)
    assert chosen[4] == int(logits[4].argmax())


def test_a_row_does_not_depend_on_its_neighbours():
    logits = torch.randn(5, 300)
    rules = [Sampling(top_p=0.9), Sampling(temperature=0), Sampling(), Sampling(top_k=9)]
    rules.append(Sampling(top_p=0.9))
    uniforms = [0.1, 0.2, 0.3, 0.4, 0.9]
    together = SAMPLER.choose(logits, rules, uniforms)
    for row, own in enumerate(zip(rules, uniforms, strict=True)):
        rule, uniform = own
        assert SAMPLER.choose(logits[row : row + 1], [rule], [uniform]) == [together[row]]


def test_no_rows_choose_nothing():
    assert SAMPLER.choose(torch.empty(0, 9), [], []) == []
    assert SAMPLER.finite(torch.empty(0, 9)) == []


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 17, 36])
def test_the_row_with_a_number_that_is_not_finite_is_found(device, bad, place):
    logits = torch.randn(3, 37, device=device) * 1e30
    assert SAMPLER.finite(logits) == [True] * 3
    logits[1, place] = bad
    assert SAMPLER.finite(logits) == [True, False, True]


@pytest.mark.filterwarnings("ignore:The bitmask covers only")
@pytest.mark.parametrize("width", [64, 70, 96, 100])
def test_the_mask_equals_its_twin(device, width):
    bits = torch.randint(-(2**31), 2**31, (4, 3), dtype=torch.int32)
    logits = torch.randn(4, width)
    ours = logits.clone().to(device)
    SAMPLER.mask(ours, bits)
    xgrammar.apply_token_bitmask_inplace(logits, bits)
    assert torch.equal(ours.cpu(), logits)


def test_masks_and_choices_leave_views_of_larger_logits_right():
    logits = torch.randn(3, 80)
    view, before = logits[:2, :64], logits.clone()
    SAMPLER.mask(view, torch.zeros(2, 2, dtype=torch.int32))
    assert bool((view == -math.inf).all())
    assert torch.equal(logits[:, 64:], before[:, 64:])
    assert torch.equal(logits[2], before[2])
