"""Files that programs upload to teach with, and the tables that runs leave behind."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db import transaction
from django.utils.translation import gettext as _

from saas.errors import Invalid, TooLarge
from saas.storage import sha256_of
from tenants.actors import current_actor
from tenants.billing.limits import require_room, require_storage
from tenants.events import record
from training.datasets.problems import FileRefused
from training.datasets.reading import read
from training.errors import FileInUse
from training.models import TrainingFile, TrainingRun
from training.services.imports import file_keep, forget_file, import_path
from training.words import problem_words

ENDING = ".jsonl"
Purpose = TrainingFile.Purpose


@transaction.atomic
def file_upload(*, file: File[bytes]) -> TrainingFile:
    """Keep a JSONL file of rows. Raises Invalid where it cannot be one, TooLarge, LimitReached."""
    name = (file.name or "")[-200:]
    if not name.lower().endswith(ENDING):
        raise _unfit(_("The file's name must end with .jsonl."))
    limit = settings.MAX_DATASET_BYTES
    if file.size > limit:
        raise TooLarge(_("At most %d bytes are taken.") % limit, limit=limit)
    require_room("training_files", TrainingFile.objects.count)
    require_storage(file.size)
    made = _kept(file, name, Purpose.FINE_TUNE)
    try:
        next(read(import_path(made.pk), "jsonl"))
    except FileRefused as error:
        forget_file(made.pk)
        raise _unfit(problem_words(error.problems[0])) from error
    record("training_file.uploaded", made, bytes=made.size)
    return made


def results_keep(*, run: TrainingRun, rows: Iterable[Iterable[object]]) -> TrainingFile:
    """Keep what a run has measured as a table."""
    lines = (",".join("" if cell is None else str(cell) for cell in row) for row in rows)
    file = ContentFile("\n".join([*lines, ""]).encode(), name="results.csv")
    return _kept(file, f"{run.pk.hex}-results.csv", Purpose.RESULTS)


def _kept(file: File[bytes], name: str, purpose: str) -> TrainingFile:
    lines = sum(bool(line.strip()) for line in file)
    made: TrainingFile = TrainingFile.objects.create(
        pk=file_keep(file=file),
        name=name,
        purpose=purpose,
        size=file.size,
        lines=lines,
        sha256=sha256_of(file),
        **current_actor().authorship,
    )
    return made


@transaction.atomic
def file_delete(*, file: TrainingFile) -> None:
    """Delete it for good. Raises FileInUse while a run has not read it yet."""
    waiting = TrainingRun.objects.fine_tuning_jobs().active().filter(version=None)
    used = (run.fine_tuning for run in waiting)
    if any(str(file.pk) in (asked["training_file"], asked["validation_file"]) for asked in used):
        raise FileInUse
    record("training_file.deleted", file)
    transaction.on_commit(partial(forget_file, file.pk))
    file.delete()


def _unfit(detail: str) -> Invalid:
    return Invalid(detail, errors=[{"pointer": "/file", "code": "invalid_file", "detail": detail}])
