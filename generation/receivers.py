"""Keeps variants and streams in step with jobs that end without a text: however they ended."""

import logging
from functools import cache, partial
from typing import Any

import redis
from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone

from generation.job_kinds import CHAT, WRITE, label, topic
from generation.models import Variant
from generation.streams import StreamWriter
from tenants.jobs.models import Job
from tenants.jobs.signals import job_ended

log = logging.getLogger(__name__)


@receiver(job_ended, sender=Job)
def job_over(job: Job, **_: Any) -> None:
    """Note the end on the variant, and tell whoever is reading along."""
    if job.kind not in {WRITE, CHAT}:
        return
    if job.kind == WRITE and job.state != Job.State.SUCCEEDED:
        _note(job)
    transaction.on_commit(partial(_tell, job))


def _note(job: Job) -> None:
    cancelled = job.state == Job.State.CANCELLED
    Variant.objects.filter(job=job).unfinished().update(
        state=Variant.State.STOPPED if cancelled else Variant.State.FAILED,
        error=job.error_detail[:300],
        updated_at=timezone.now(),
    )


@cache
def _writer() -> StreamWriter:
    """One for the process, so that a job's end does not cost a new connection."""
    return StreamWriter()


def _tell(job: Job) -> None:
    where, mark = topic(job.pk, job.payload), label(job.pk, job.payload)
    try:
        if job.error_code and job.state != Job.State.SUCCEEDED:
            error = {"code": job.error_code, "detail": job.error_detail}
            _writer().publish(job.workspace_id, where, "error", {**mark, **error})
        _writer().publish(job.workspace_id, where, "done", {**mark, "state": job.state})
    except redis.RedisError as error:
        log.warning("stream_lost job=%s error=%s", job.pk, type(error).__name__)
