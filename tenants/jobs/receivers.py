"""Tells whoever follows a job that it is over, however it ended."""

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from tenants.jobs.models import Job
from tenants.jobs.signals import job_ended
from tenants.jobs.streams import StreamPiece, publish, stream_key


@receiver(job_ended, sender=Job)
def job_over(job: Job, **_: Any) -> None:
    transaction.on_commit(partial(publish, _last_events(job)))


def _last_events(job: Job) -> list[StreamPiece]:
    key = stream_key(job.workspace_id, job.topic)
    ends: list[StreamPiece] = [(key, "done", {**job.tags, "state": job.state})]
    if job.error_code and job.state != Job.State.SUCCEEDED:
        error = {"code": job.error_code, "detail": job.error_detail}
        ends.insert(0, (key, "error", {**job.tags, **error}))
    return ends
