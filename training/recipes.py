"""The recipe of a run: a preset by its effort, and what somebody changed of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db.models import F, Sum, TextField
from django.db.models.functions import Cast, Length

from training.errors import RecipeInvalid
from training.head_recipes import head_recipe, teaches_head
from training.heads.recipe import HeadRecipe
from training.lora.errors import TrainingError
from training.lora.recipe import PRESETS, Recipe
from training.models import Dataset

# Non-pad tokens a second of one core on the packaged base, until this workspace has a run.
TOKENS_PER_SECOND = 150.0
CHARACTERS_PER_TOKEN = 3.5
# Loading, evaluating base and candidate, writing the files.
OVERHEAD_S = 20


def recipe_of(dataset: Dataset, effort: str, changes: Mapping[str, Any]) -> Recipe | HeadRecipe:
    """The preset with the changes. Raises RecipeInvalid, which names the setting."""
    base = PRESETS[effort]
    if dataset.task == Dataset.TaskName.PREFERENCE:
        base = replace(base, objective="dpo", learning_rate=base.learning_rate / 10)
    try:
        if teaches_head(dataset):
            return head_recipe(dataset, effort, changes, characters=mean_characters(dataset))
        return Recipe.from_json({**base.to_json(), **changes})
    except TrainingError as error:
        problem = {"pointer": f"/recipe/{error.field}", "code": error.code, "detail": error.message}
        raise RecipeInvalid(error.message, errors=[problem]) from error


def characters_of(dataset: Dataset) -> int:
    """Of all rows, as they are stored."""
    size = Length(Cast(F("content"), TextField()))
    return int(dataset.rows.aggregate(total=Sum(size, default=0))["total"])


def mean_characters(dataset: Dataset) -> int:
    return characters_of(dataset) // max(1, dataset.rows.count())


def estimated_seconds(characters: int, recipe: Recipe, speed: float = TOKENS_PER_SECOND) -> int:
    """How long a run over texts of so many characters takes on one worker."""
    tokens = characters / CHARACTERS_PER_TOKEN * recipe.num_train_epochs
    return int(tokens / speed) + OVERHEAD_S
