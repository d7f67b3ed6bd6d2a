"""What workers do for training: take in large files, and teach models."""

from functools import partial
from math import ceil
from typing import Any
from uuid import UUID

from tenants.jobs.models import Job, Lease
from tenants.jobs.worker import Cancelled, Control, Outcome
from training.datasets.problems import FileRefused
from training.datasets.reading import read
from training.head_recipes import teaches_head
from training.head_trainer import HeadTeacher, TaughtHead
from training.models import Dataset, TrainingRun
from training.services.datasets import Import, rows_import, version_of
from training.services.imports import forget_file, import_path, refused
from training.services.results import head_keep, model_keep
from training.trainer import Taught, Teacher, forget_files


def train_model(lease: Lease, control: Control) -> Outcome:
    """Teach the run's model. Killed or stopped, it goes on from its last checkpoint."""
    run = TrainingRun.objects.select_related("dataset").get(pk=lease.payload["training_run"])
    control.progress(1)
    version = run.version or version_of(run.dataset, lambda rows: control.check())
    run.note(version=version)
    try:
        if teaches_head(run.dataset):
            return head_outcome(run, HeadTeacher(run, control).teach_head(version))
        return adapter_outcome(run, Teacher(run, control).teach(version))
    except Cancelled:
        forget_files(lease.tenant_id, run.pk)
        raise Cancelled(Outcome({}, usage={"train_seconds": ceil(run.seconds)})) from None


def adapter_outcome(run: TrainingRun, taught: Taught) -> Outcome:
    used = {"train_seconds": ceil(taught.result.seconds)}
    told = {"training_run": str(run.pk), "won": taught.compared.won}
    return Outcome(told, usage=used, apply=partial(keep, run, taught))


def head_outcome(run: TrainingRun, taught: TaughtHead) -> Outcome:
    used = {"train_seconds": ceil(taught.seconds)}
    told = {"training_run": str(run.pk), "won": taught.won}
    return Outcome(told, usage=used, apply=partial(keep_head, run, taught))


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
