"""The recipe of a run that teaches a head, and how long such a run takes."""

from collections.abc import Mapping
from typing import Any

from training.encoders import MULTILINGUAL, encoder_for
from training.heads.recipe import PRESETS, HeadRecipe
from training.models import Dataset, TrainingRun

TASKS = (Dataset.TaskName.CLASSIFICATION, Dataset.TaskName.EXTRACTION)
# Of one core: tokens a second that the small encoder reads, and that train it.
READ_PER_SECOND = 2_500.0
TRAINED_PER_SECOND = 500.0
CHARACTERS_PER_TOKEN = 3.5
# Loading the encoder, fitting the head, measuring.
OVERHEAD_S = 15
# What a row has beside its text, in characters of JSON.
FRAME = 30
LENGTHS = (128, 256, 512)


def teaches_head(dataset: Dataset) -> bool:
    return dataset.task in TASKS


def head_recipe(
    dataset: Dataset, effort: str, changes: Mapping[str, Any], characters: int
) -> HeadRecipe:
    """The preset with the changes; encoder and length fit the rows, unless somebody says which.

    Raises TrainingError, which names the setting.
    """
    chosen: dict[str, Any] = PRESETS[effort].to_json()
    if dataset.task == Dataset.TaskName.EXTRACTION and chosen["method"] == "linear":
        # A head on a frozen encoder learns slowly, and costs little.
        chosen |= {"num_train_epochs": 30.0, "head_learning_rate": 1e-2}
    chosen |= {"encoder": encoder_for(dataset), "max_length": length_for(characters)}
    return HeadRecipe.from_json({**chosen, **changes})


def length_for(characters: int) -> int:
    """The least length that texts of so many characters on average fit into, most of them."""
    tokens = 2 * max(0, characters - FRAME) / CHARACTERS_PER_TOKEN
    return next((length for length in LENGTHS if tokens <= length), LENGTHS[-1])


def head_seconds(characters: int, recipe: HeadRecipe) -> int:
    """How long a run over texts of so many characters takes on one worker."""
    tokens = characters / CHARACTERS_PER_TOKEN
    layers = 2 if recipe.encoder == MULTILINGUAL else 1
    spent = tokens / READ_PER_SECOND
    if recipe.method != "linear":
        spent += tokens * recipe.num_train_epochs / TRAINED_PER_SECOND
    return OVERHEAD_S + int(spent * layers)


def measured_pace() -> float:
    """How much longer the last run of heads took than was estimated."""
    runs = TrainingRun.objects.filter(dataset__task__in=TASKS, seconds__gt=10)
    last = runs.filter(estimated_seconds__gt=0).newest().first()
    return min(10.0, max(0.2, last.seconds / last.estimated_seconds)) if last else 1.0
