"""Tells whoever follows a job that it is over, however it ended."""

import logging
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from tenants.jobs.counters import jobs_ended
from tenants.jobs.models import Job
from tenants.jobs.registry import kind_of
from tenants.jobs.signals import job_ended
from tenants.jobs.streams import StreamPiece, publish, stream_key

logger = logging.getLogger(__name__)


@receiver(job_ended, sender=Job)
def job_over(job: Job, **_: Any) -> None:
    transaction.on_commit(partial(publish, _last_events(job)))
    transaction.on_commit(partial(_count, job))


def _count(job: Job) -> None:
    jobs_ended().labels(job.kind if kind_of(job.kind) else "unknown", job.state).inc()
    seconds = (timezone.now() - job.enqueued_at).total_seconds()
    with bound_contextvars(job=str(job.pk), request_id=job.request_id or "-"):
        logger.info("job_ended kind=%s state=%s seconds=%.1f", job.kind, job.state, seconds)


def _last_events(job: Job) -> list[StreamPiece]:
    key = stream_key(job.workspace_id, job.topic)
    ends: list[StreamPiece] = [(key, "done", {**job.tags, "state": job.state})]
    if job.error_code and job.state != Job.State.SUCCEEDED:
        error = {"code": job.error_code, "detail": job.error_detail}
        ends.insert(0, (key, "error", {**job.tags, **error}))
    return ends
