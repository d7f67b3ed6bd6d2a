"""Teaching a model: asking for a run, what it will cost, and what becomes of its result."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from tenants.actors import current_actor
from tenants.billing.prices import price
from tenants.events import record
from tenants.jobs.services import job_cancel, job_request
from training.errors import (
    DatasetDegenerate,
    DatasetTooSmall,
    RunNotPaused,
    RunOver,
    TrainingInProgress,
)
from training.files import forget_run
from training.head_recipes import TASKS, head_seconds, measured_pace, teaches_head
from training.heads.recipe import HeadRecipe
from training.lora.recipe import Recipe
from training.models import Dataset, TrainingRun
from training.recipes import (
    OVERHEAD_S,
    TOKENS_PER_SECOND,
    characters_of,
    estimated_seconds,
    recipe_of,
)
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
    return estimate_of(characters_of(dataset), recipe, rows=dataset.rows.count())


def estimate_of(characters: int, recipe: Recipe | HeadRecipe, *, rows: int) -> Estimate:
    """The same for texts that may not be rows yet."""
    if isinstance(recipe, HeadRecipe):
        seconds = int(head_seconds(characters, recipe) * measured_pace())
    else:
        seconds = estimated_seconds(characters, recipe, measured_speed())
    return Estimate(
        rows=rows,
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
    recipe = recipe_of(dataset, effort, changes or {})
    rows = dataset.rows.count()
    if rows < LEAST_ROWS:
        raise DatasetTooSmall(least=LEAST_ROWS, rows=rows)
    refuse_degenerate(dataset)
    estimate = run_estimate(dataset=dataset, recipe=recipe)
    run = TrainingRun(
        name=name,
        dataset=dataset,
        effort=effort,
        recipe=recipe.to_json(),
        estimated_seconds=estimate.seconds,
    )
    return run_begin(run=run)


@transaction.atomic
def run_begin(*, run: TrainingRun) -> TrainingRun:
    """Save a run that was put together, and ask for its job.

    Raises TrainingInProgress, BaseMismatch, InsufficientCredits.
    """
    if not teaches_head(run.dataset):
        current_base()
    for name, value in current_actor().authorship.items():
        setattr(run, name, value)
    refuse_second(run.dataset)
    run.save(force_insert=True)
    run.tell("created")
    request_job(run)
    record("training.requested", run, dataset=run.dataset.name, effort=run.effort)
    return run


def refuse_degenerate(dataset: Dataset) -> None:
    """Raise DatasetDegenerate where all texts are to have the same label."""
    if dataset.task != Dataset.TaskName.CLASSIFICATION:
        return
    labels = dataset.rows.order_by().values_list("content__labels", flat=True).distinct()[:2]
    if len(labels) < 2:
        raise DatasetDegenerate


def refuse_second(dataset: Dataset) -> None:
    """Let one run of a dataset at a time through."""
    Dataset.objects.select_for_update(no_key=True).get(pk=dataset.pk)
    if dataset.runs.active().exists():
        raise TrainingInProgress


def request_job(run: TrainingRun) -> None:
    """Have the run go on from where it is; what is left of the estimate is set aside."""
    left = run.estimated_seconds
    if run.charged_seconds:
        left = max(OVERHEAD_S, left - run.charged_seconds)
    run.job = job_request(
        kind=KIND,
        payload={"training_run": str(run.pk), "title": run.name},
        estimate={"train_seconds": left * MARGIN},
    )
    run.save(update_fields=["job"])


@transaction.atomic
def run_cancel(*, run: TrainingRun) -> TrainingRun:
    """Stop it after the step that it is at; what was learnt until then is not kept."""
    run = TrainingRun.objects.select_for_update(of=("self",)).select_related("job").get(pk=run.pk)
    if run.state == "paused":
        transaction.on_commit(partial(forget_run, run.workspace_id, run.pk))
        run.tell("cancelled")
    run.note(paused=False)
    if run.job is not None:
        job_cancel(job=run.job)
        run.refresh_from_db()
    return run


@transaction.atomic
def run_pause(*, run: TrainingRun) -> TrainingRun:
    """Stop it after the step that it is at, and keep its checkpoint. Raises RunOver."""
    run = TrainingRun.objects.select_for_update(of=("self",)).select_related("job").get(pk=run.pk)
    if run.state == "paused":
        return run
    if run.job is None or not run.active:
        raise RunOver
    run.note(paused=True)
    job_cancel(job=run.job)
    run.refresh_from_db()
    record("training.paused", run)
    return run


@transaction.atomic
def run_resume(*, run: TrainingRun) -> TrainingRun:
    """Go on from the checkpoint. Raises RunNotPaused, TrainingInProgress, InsufficientCredits."""
    run = TrainingRun.objects.select_for_update(of=("self",)).select_related("job").get(pk=run.pk)
    if run.state != "paused":
        raise RunNotPaused
    refuse_second(run.dataset)
    run.note(paused=False)
    run.tell("resumed")
    request_job(run)
    record("training.resumed", run)
    return run


def card_of(run: TrainingRun) -> dict[str, Any]:
    """What is told of a model that was taught here."""
    version, recipe = run.version, run.recipe
    return {
        "task": run.dataset.task,
        "method": method_of(recipe),
        "seed": recipe.get("seed", 0),
        "code_version": settings.VERSION,
        "start_from": run.start_from.number if run.start_from else None,
        "dataset": run.dataset.name,
        "dataset_version": version.number if version else 0,
        "dataset_sha256": version.sha256 if version else "",
        "rows": version.rows if version else 0,
        "recipe": recipe,
        "evaluation": run.evaluation,
        "seconds": run.seconds,
        "tokens": run.tokens,
    }


def method_of(recipe: Mapping[str, Any]) -> str:
    """The method by the name that its paper gives it."""
    if "method" in recipe:
        return str(recipe["method"])
    adapted = "DoRA" if recipe.get("use_dora") else "LoRA"
    adapted = "rsLoRA" if recipe.get("use_rslora") else adapted
    return f"DPO, {adapted}" if recipe.get("objective") == "dpo" else adapted
