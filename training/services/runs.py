"""Teaching a model: asking for a run, what it will cost, and what becomes of its result."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from tenants.actors import current_actor
from tenants.billing.prices import price
from tenants.events import record
from tenants.jobs.services import job_cancel, job_request
from training.errors import DatasetDegenerate, DatasetTooSmall, TrainingInProgress
from training.head_recipes import TASKS, head_seconds, measured_pace, teaches_head
from training.heads.recipe import HeadRecipe
from training.lora.recipe import Recipe
from training.models import Dataset, TrainingRun
from training.recipes import TOKENS_PER_SECOND, characters_of, estimated_seconds, recipe_of
from training.services.datasets import LEAST_ROWS
from training.services.versions import current_base

KIND = "training.run"
# What is reserved beyond the estimate; only what was used is charged.
MARGIN = 2


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take: seconds of a worker, and micro-credits at most."""

    rows: int
    seconds: int
    cost: int
    most: int


def run_estimate(*, dataset: Dataset, recipe: Recipe | HeadRecipe) -> Estimate:
    """From the dataset's size, and how fast this workspace's last run was."""
    characters = characters_of(dataset)
    if isinstance(recipe, HeadRecipe):
        seconds = int(head_seconds(characters, recipe) * measured_pace())
    else:
        seconds = estimated_seconds(characters, recipe, measured_speed())
    return Estimate(
        rows=dataset.rows.count(),
        seconds=seconds,
        cost=price({"train_seconds": seconds}),
        most=price({"train_seconds": seconds * MARGIN}),
    )


def measured_speed() -> float:
    """Tokens a second of the last run that was long enough to tell."""
    runs = TrainingRun.objects.exclude(dataset__task__in=TASKS)
    last = runs.filter(seconds__gt=10, tokens__gt=0).newest().first()
    return last.tokens / last.seconds if last else TOKENS_PER_SECOND


@transaction.atomic
def run_request(
    *, dataset: Dataset, name: str, effort: str, changes: Mapping[str, Any] | None = None
) -> TrainingRun:
    """Have a model taught.

    Raises RecipeInvalid, DatasetTooSmall, DatasetDegenerate, TrainingInProgress, BaseMismatch,
    InsufficientCredits.
    """
    if not teaches_head(dataset):
        current_base()
    recipe = recipe_of(dataset, effort, changes or {})
    Dataset.objects.select_for_update(no_key=True).get(pk=dataset.pk)
    rows = dataset.rows.count()
    if rows < LEAST_ROWS:
        raise DatasetTooSmall(least=LEAST_ROWS, rows=rows)
    refuse_degenerate(dataset)
    if dataset.runs.active().exists():
        raise TrainingInProgress
    estimate = run_estimate(dataset=dataset, recipe=recipe)
    run = TrainingRun(
        name=name,
        dataset=dataset,
        effort=effort,
        recipe=recipe.to_json(),
        estimated_seconds=estimate.seconds,
        **current_actor().authorship,
    )
    run.save(force_insert=True)
    run.job = job_request(
        kind=KIND,
        payload={"training_run": str(run.pk), "title": name},
        estimate={"train_seconds": estimate.seconds * MARGIN},
    )
    run.save(update_fields=["job"])
    record("training.requested", run, dataset=dataset.name, effort=effort)
    return run


def refuse_degenerate(dataset: Dataset) -> None:
    """Raise DatasetDegenerate where all texts are to have the same label."""
    if dataset.task != Dataset.TaskName.CLASSIFICATION:
        return
    labels = dataset.rows.order_by().values_list("content__labels", flat=True).distinct()[:2]
    if len(labels) < 2:
        raise DatasetDegenerate


def run_cancel(*, run: TrainingRun) -> TrainingRun:
    """Stop it after the step that it is at; what was learnt until then is not kept."""
    if run.job is not None:
        job_cancel(job=run.job)
        run.refresh_from_db()
    return run


def card_of(run: TrainingRun) -> dict[str, Any]:
    """What is told of a model that was taught here."""
    version = run.version
    return {
        "dataset": run.dataset.name,
        "dataset_version": version.number if version else 0,
        "dataset_sha256": version.sha256 if version else "",
        "rows": version.rows if version else 0,
        "recipe": run.recipe,
        "seed": run.recipe.get("seed", 0),
        "evaluation": run.evaluation,
        "seconds": run.seconds,
        "tokens": run.tokens,
    }
