"""How a run hears of the end of its job, in the transaction in which it ends."""

from typing import Any

from django.dispatch import receiver

from tenants.jobs.models import Job
from tenants.jobs.signals import job_ended
from training.models import TrainingRun
from training.services.runs import KIND

State = Job.State
WORDS = {State.SUCCEEDED: "succeeded", State.CANCELLED: "cancelled"}


@receiver(job_ended)
def note_end(job: Job, **_: Any) -> None:
    """Note how the run ended. One that was done before it could pause is done."""
    run = TrainingRun.objects.filter(job=job).first() if job.kind == KIND else None
    if run is None:
        return
    if run.paused and job.state == State.CANCELLED:
        run.tell("paused", step=run.losses[-1][0] if run.losses else 0)
        return
    if run.paused:
        run.note(paused=False)
    run.tell(WORDS.get(State(job.state), "failed"), **reason(job))


def reason(job: Job) -> dict[str, str]:
    return {"error": job.error_code, "detail": job.error_detail} if job.error_code else {}
