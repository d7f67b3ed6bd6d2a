"""What a recipe takes and refuses."""

import math

import pytest

from training.lora.errors import TrainingError
from training.lora.recipe import FIELDS, PRESETS, Recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learning_rate", 1e9),
        ("learning_rate", math.nan),
        ("learning_rate", "fast"),
        ("learning_rate", True),
        ("lora_r", 10**6),
        ("lora_r", 4.0),
        ("lora_r", 0),
        ("num_train_epochs", 10**6),
        ("num_train_epochs", 0),
        ("target_modules", (".*",)),
        ("target_modules", ()),
        ("target_modules", "q_proj"),
        ("target_modules", ("q_proj", "q_proj")),
        ("lr_scheduler_type", "polynomial"),
        ("use_dora", 1),
        ("seed", -1),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(field, value):
    with pytest.raises(TrainingError) as caught:
        Recipe(**{field: value})
    assert (caught.value.code, caught.value.field) == ("recipe_invalid", field)
    assert field in caught.value.message


def test_json_there_and_back():
    for recipe in PRESETS.values():
        assert Recipe.from_json(recipe.to_json()) == recipe


def test_an_unknown_name_is_refused():
    with pytest.raises(TrainingError) as caught:
        Recipe.from_json({"lora_rank": 4})
    assert caught.value.field == "lora_rank"


def test_every_field_has_its_limits():
    assert FIELDS.keys() == Recipe().to_json().keys()


def test_the_scale_is_pefts():
    assert Recipe(lora_r=16, lora_alpha=32).scale == 2
    assert Recipe(lora_r=16, lora_alpha=32, use_rslora=True).scale == 8


def test_only_what_the_engine_adds_is_servable():
    assert Recipe(use_rslora=True).servable
    assert not Recipe(use_dora=True).servable
