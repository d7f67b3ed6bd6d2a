"""The order of a run, and how its learning rate goes."""

import pytest

from training.lora.plan import PACK_TOKENS, Plan, cut
from training.lora.recipe import Recipe
from training.lora.schedule import learning_rate

LENGTHS = [10, 50, 30, 20, 40, 60, 25, 35]


def rows_of(step):
    return [row for pack in step.packs for row in pack]


def test_every_epoch_has_each_row_once_in_another_order():
    plan = Plan(LENGTHS, Recipe(num_train_epochs=2, tokens_per_step=100))
    rows = [row for step in plan.steps for row in rows_of(step)]
    first, second = rows[:8], rows[8:]
    assert sorted(first) == sorted(second) == [*range(8)]
    assert first != second
    assert plan.tokens == 2 * sum(LENGTHS)
    assert [step.epoch for step in plan.steps][-1] == 2.0


def test_a_step_holds_as_many_tokens_as_it_may():
    plan = Plan(LENGTHS, Recipe(tokens_per_step=100))
    assert all(plan.tokens_of(step) <= 100 for step in plan.steps)


def test_a_row_that_is_longer_than_a_step_is_a_step():
    assert cut([0, 1, 2], [5, 500, 5], 100) == [[0], [1], [2]]


def test_a_large_step_goes_through_the_model_in_packs():
    plan = Plan([PACK_TOKENS // 2] * 6, Recipe(tokens_per_step=PACK_TOKENS * 3))
    assert [len(pack) for pack in plan.steps[0].packs] == [2, 2, 2]


def test_half_an_epoch_is_half_of_its_steps():
    whole = len(Plan([50] * 40, Recipe(num_train_epochs=1, tokens_per_step=100)))
    half = Plan([50] * 40, Recipe(num_train_epochs=0.5, tokens_per_step=100))
    assert len(half) == whole / 2


def test_max_steps_count_whatever_the_epochs():
    for epochs in (0.1, 50):
        recipe = Recipe(max_steps=7, num_train_epochs=epochs, tokens_per_step=100)
        assert len(Plan(LENGTHS, recipe)) == 7


def test_the_rate_warms_up_and_falls():
    recipe = Recipe(learning_rate=0.1, warmup_ratio=0.1, lr_scheduler_type="linear")
    rates = [learning_rate(recipe, step, 100) for step in range(100)]
    assert rates[:10] == sorted(rates[:10])
    assert rates[10] == 0.1
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[0] < 0.02
    assert 0 < rates[-1] < 0.002


@pytest.mark.parametrize(("kind", "half"), [("constant", 1.0), ("linear", 0.5), ("cosine", 0.5)])
def test_half_way_down(kind, half):
    recipe = Recipe(learning_rate=1e-3, warmup_ratio=0, lr_scheduler_type=kind)
    assert learning_rate(recipe, 50, 100) == pytest.approx(half * 1e-3)
    first = learning_rate(recipe, 0, 100)
    assert first == 1e-3
