"""Keeps variants in step with jobs that end without a text: however they ended."""

from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from generation.models import Variant
from generation.serving.job_kinds import WRITE
from tenants.jobs.models import Job
from tenants.jobs.signals import job_ended


@receiver(job_ended, sender=Job)
def job_over(job: Job, **_: Any) -> None:
    """Note on the variant that there will be no text, and why."""
    if job.kind != WRITE or job.state == Job.State.SUCCEEDED:
        return
    cancelled = job.state == Job.State.CANCELLED
    Variant.objects.filter(job=job).unfinished().update(
        state=Variant.State.STOPPED if cancelled else Variant.State.FAILED,
        error=job.error_detail[:300],
        updated_at=timezone.now(),
    )
