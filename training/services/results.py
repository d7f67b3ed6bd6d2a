"""What a finished run leaves: a model version with its card, stored as its job ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from django.core.files.base import File
from django.db import transaction

from generation.engine.lora.peft import CONFIG, WEIGHTS, identity
from saas.storage import sha256_of
from tenants.actors import current_actor
from tenants.billing.limits import require_room, require_storage
from tenants.events import record
from training import head_files
from training.errors import TooManyModels
from training.files import forget_run
from training.models import ModelVersion, TrainingRun
from training.services.files import results_keep
from training.services.runs import card_of
from training.services.versions import (
    Upload,
    check_weights,
    current_base,
    keep,
    live_version,
    lock_models,
    next_number,
    read_settings,
)

if TYPE_CHECKING:  # the trainers import torch
    from training.head_trainer import TaughtHead
    from training.trainer import Taught


def model_keep(*, run: TrainingRun, taught: Taught) -> TrainingRun:
    """Store the adapter as the workspace's next model version, and say how it was made.

    The same rows, recipe and seed give the same weights: those are kept once.
    """
    result = taught.result
    run.evaluation = {
        **taught.compared.stored(),
        "truncated_rows": taught.cut,
        "best_step": result.best_step,
        "champion_sha256": taught.champion_sha256,
        "drafts": taught.drafts,
    }
    run.seconds, run.tokens = result.seconds, result.tokens
    folder = result.adapter
    with (folder / WEIGHTS).open("rb") as weights, (folder / CONFIG).open("rb") as config:
        upload = Upload(name=run.name, weights=File(weights), config=File(config))
        run.model = known(upload) or kept(upload)
    run.model.card = card_of(run)
    run.model.dataset, run.model.dataset_version = run.dataset, run.version
    run.model.save(update_fields=["card", "dataset", "dataset_version", "updated_at"])
    run.tell("model_created", number=run.model.number, name=run.model.name)
    if run.fine_tuning:
        made = results_keep(run=run, rows=measured(run))
        run.fine_tuning = {**run.fine_tuning, "result_files": [str(made.pk)]}
    changed = ["evaluation", "seconds", "tokens", "model", "fine_tuning", "updated_at"]
    run.save(update_fields=changed)
    transaction.on_commit(partial(_clean, run))
    return run


@transaction.atomic
def head_keep(*, run: TrainingRun, taught: TaughtHead) -> TrainingRun:
    """Store a head as the workspace's next model version, and say how it was made."""
    run.evaluation, run.seconds = taught.evaluation, taught.seconds
    tenant = lock_models()
    sha256 = head_files.sha256_of_head(taught.folder)
    kept_already = ModelVersion.objects.kept().filter(sha256=sha256).first()
    run.model = kept_already or new_head(run, taught, sha256)
    run.model.card = card_of(run)
    run.model.dataset, run.model.dataset_version = run.dataset, run.version
    run.model.save(update_fields=["card", "dataset", "dataset_version", "updated_at"])
    head_files.store(tenant.pk, taught.folder)
    run.save(update_fields=["evaluation", "seconds", "model", "updated_at"])
    transaction.on_commit(partial(_clean, run))
    return run


def new_head(run: TrainingRun, taught: TaughtHead, sha256: str) -> ModelVersion:
    size = head_files.size_of_head(taught.folder)
    require_room("models", ModelVersion.objects.kept().count, error=TooManyModels)
    require_storage(size)
    made: ModelVersion = ModelVersion.objects.create(
        number=next_number(),
        task=run.dataset.task,
        method=run.recipe["method"],
        name=run.name,
        sha256=sha256,
        base_sha256=taught.encoder.sha256,
        base_name=taught.encoder.name,
        size=size,
        parent=live_version(run.dataset),
        **current_actor().authorship,
    )
    record("model.taught", made, sha256=sha256, dataset=run.dataset.name)
    return made


def measured(run: TrainingRun) -> Iterator[list[object]]:
    """The steps as OpenAI's clients find them in a file of results."""
    held = {point[0]: point[1] for point in run.validations}
    yield ["step", "train_loss", "valid_loss", "learning_rate"]
    for step, loss, rate in run.losses:
        yield [step, loss, held.get(step), rate]


def known(upload: Upload) -> ModelVersion | None:
    sha256 = identity(sha256_of(upload.weights), read_settings(upload.config))
    upload.config.seek(0)
    found: ModelVersion | None = ModelVersion.objects.kept().filter(sha256=sha256).first()
    return found


def kept(upload: Upload) -> ModelVersion:
    told, under = read_settings(upload.config), current_base()
    check_weights(upload.weights, told, under)
    return keep(upload, replace(told, base_sha256=under.sha256, base_name=under.name))


def _clean(run: TrainingRun) -> None:
    forget_run(run.workspace_id, run.pk)
