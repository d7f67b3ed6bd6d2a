"""What workers do for training: take in large files, and teach models."""

from functools import partial
from typing import Any
from uuid import UUID

from tenants.jobs.models import Job, Lease
from tenants.jobs.worker import Cancelled, Control, Outcome
from training.datasets.problems import FileRefused
from training.datasets.reading import read
from training.files import forget_run
from training.head_recipes import teaches_head
from training.head_trainer import HeadTeacher, TaughtHead
from training.models import Dataset, DatasetVersion, TrainingRun
from training.services.datasets import Import, rows_import, version_of
from training.services.fine_tuning import files_read
from training.services.imports import forget_file, import_path, refused
from training.services.results import head_keep, model_keep
from training.services.sources import sources_refresh
from training.trainer import Taught, Teacher


def train_model(lease: Lease, control: Control) -> Outcome:
    """Teach the run's model. Killed, stopped or paused, it goes on from its last checkpoint."""
    runs = TrainingRun.objects.select_related("dataset", "start_from")
    run = runs.get(pk=lease.payload["training_run"])
    control.progress(1)
    version = run.version or checked_version(run, control)
    run.tell("started", attempt=lease.token)
    try:
        if teaches_head(run.dataset):
            return head_outcome(run, HeadTeacher(run, control).teach_head(version))
        return adapter_outcome(run, Teacher(run, control).teach(version))
    except Cancelled:
        raise Cancelled(stopped(run)) from None


def adapter_outcome(run: TrainingRun, taught: Taught) -> Outcome:
    used = {"train_seconds": run.uncharged_seconds}
    told = {"training_run": str(run.pk), "won": taught.compared.won}
    return Outcome(told, usage=used, apply=partial(keep, run, taught))


def head_outcome(run: TrainingRun, taught: TaughtHead) -> Outcome:
    run.seconds = taught.seconds
    used = {"train_seconds": run.uncharged_seconds}
    told = {"training_run": str(run.pk), "won": taught.won}
    return Outcome(told, usage=used, apply=partial(keep_head, run, taught))


def checked_version(run: TrainingRun, control: Control) -> DatasetVersion:
    """The version that the run learns from, once its files were read and checked."""
    run.tell("validating")
    files_read(run=run, check=lambda rows: control.check())
    sources_refresh(dataset=run.dataset, check=lambda rows: control.check())
    version = version_of(run.dataset, lambda rows: control.check())
    run.note(version=version)
    return version


def stopped(run: TrainingRun) -> Outcome:
    """What is charged for a run that somebody stopped; a paused one keeps its checkpoint."""
    run.refresh_from_db(fields=["paused"])
    used = run.uncharged_seconds
    if not run.paused:
        forget_run(run.workspace_id, run.pk)
    charged = run.charged_seconds + used
    note = partial(run.note, seconds=run.seconds, charged_seconds=charged)
    return Outcome({}, usage={"train_seconds": used}, apply=lambda job: note())


def keep(run: TrainingRun, taught: Taught, job: Job) -> Any:
    return model_keep(run=run, taught=taught)


def keep_head(run: TrainingRun, taught: TaughtHead, job: Job) -> Any:
    return head_keep(run=run, taught=taught)


def import_rows(lease: Lease, control: Control) -> Outcome:
    """Read a kept file into its dataset; a second try finds what the first one took."""
    asked = lease.payload
    dataset = Dataset.objects.get(pk=asked["dataset"])
    file_id = UUID(asked["file"])
    try:
        report = rows_import(
            dataset=dataset,
            records=read(import_path(file_id), asked["kind"], asked["charset"]),
            how=Import(asked["mapping"], mode=asked["mode"]),
            check=lambda done: control.progress(min(99, done // 1000), str(done)),
        )
    except FileRefused as error:
        raise refused(error) from error
    return Outcome(report.stored(), apply=lambda job: forget_file(file_id))
